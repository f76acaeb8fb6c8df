"""After the database was restored from a backup."""

from agents.database.dialect import dialect
from agents.models import AgentEvent

# More than the registrations since any backup, and a tiny part of all numbers.
GAP = 1_000_000_000


def skip_generations() -> int:
    """Leave a gap in the generations; return the last one skipped.

    Without it, generations granted after the backup would be granted again, and two processes
    could hold one lease.
    """
    return dialect.skip_ids(AgentEvent, GAP)
