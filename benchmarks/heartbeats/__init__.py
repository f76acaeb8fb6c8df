"""``make bench``: what a heartbeat costs, here and elsewhere, side by side in one run."""
