"""The author's project: starting one, and its modules."""
