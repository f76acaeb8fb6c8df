"""What runs in the environment of the peers, which has none of our own packages."""
