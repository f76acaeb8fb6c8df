"""``make bench``: compares the cost of a heartbeat with that of other systems."""
