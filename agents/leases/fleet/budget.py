"""Looking at all agents may take 4 % of a processor, counting tags 1 % more, and facets 1 %."""

SWEEPS_SHARE = 0.02
READERS_SHARE = 0.01
EXPIRIES_SHARE = 0.01
TAGS_SHARE = 0.01
FACETS_SHARE = 0.01
LONGEST_PAUSE_SECONDS = 60.0
LONGEST_FACETS_PAUSE_SECONDS = 600.0


def pause_after(seconds: float, share: float, longest: float = LONGEST_PAUSE_SECONDS) -> float:
    return min(seconds / share, longest)
