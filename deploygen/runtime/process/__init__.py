"""The agent's process."""
