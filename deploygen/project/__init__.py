"""The author's project: starting one, and the modules beside its spec."""
