"""The list of agents: what it shows, how it is narrowed, counted, refreshed, exported and kept."""
