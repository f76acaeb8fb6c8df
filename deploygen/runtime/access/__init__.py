"""Who may call the agent, and how much."""
