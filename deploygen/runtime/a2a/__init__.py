"""The agent as other agents see it: its card and JSON-RPC, as A2A 1.0 defines them."""
