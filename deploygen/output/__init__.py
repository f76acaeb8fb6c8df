"""From a spec to the files of an agent, and these into a folder."""
