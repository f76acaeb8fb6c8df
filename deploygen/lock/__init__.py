"""The lock of an agent: the versions of all its packages, resolved together."""
