"""A registry's heartbeat as one writes it first, to compare with: no part of the registry."""
