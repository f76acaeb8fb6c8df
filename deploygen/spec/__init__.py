"""The description of an agent: the model, and reading it from agent.yaml."""
