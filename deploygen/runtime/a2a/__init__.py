"""A2A 1.0: the agent's card and JSON-RPC."""
