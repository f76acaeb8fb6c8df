"""The versions of all packages of an agent, resolved together."""
