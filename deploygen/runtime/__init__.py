"""``python -m agent_runtime`` serves the handler beside this package."""
