"""A2A 1.0 and 0.3: the agent's card and JSON-RPC."""
