"""``make trials``: agents with packages that people use, each built, started and called."""
