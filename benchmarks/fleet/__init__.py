"""``make fleet``: many agents from one process, and whether the registry is right about each."""
