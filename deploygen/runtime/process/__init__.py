"""The process of the agent, from its start to its end."""
