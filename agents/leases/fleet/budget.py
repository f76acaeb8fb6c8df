"""Looking at all agents may take 4 % of a processor, and counting tags 1 % more."""

SWEEPS_SHARE = 0.02
READERS_SHARE = 0.01
EXPIRIES_SHARE = 0.01
TAGS_SHARE = 0.01
LONGEST_PAUSE_SECONDS = 60.0


def pause_after(seconds: float, share: float) -> float:
    return min(seconds / share, LONGEST_PAUSE_SECONDS)
