"""``make fleet``: simulates many agents in one process and checks the registry against them."""
