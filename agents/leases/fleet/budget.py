"""How much of a processor the looks at a large fleet may take: together 3 %.

A look reads all agents. The more it costs, the longer the pause until the next.
"""

SWEEPS_SHARE = 0.02
READERS_SHARE = 0.01
LONGEST_PAUSE = 60.0  # seconds, whatever a look costs


def pause_after(seconds: float, share: float) -> float:
    """Return how many seconds apart looks of this length have to begin."""
    return min(seconds / share, LONGEST_PAUSE)
