"""A naive registry to compare with."""
