"""``make demo``: the life of an agent, step by step."""
