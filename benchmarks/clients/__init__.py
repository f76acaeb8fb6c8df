"""``make clients``: frameworks that call agents by A2A, each called with two agents."""
