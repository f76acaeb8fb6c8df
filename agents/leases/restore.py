"""What to do after the database was restored to an older state."""

from agents.database.dialect import dialect
from agents.models import AgentEvent

# More registrations than there can have been since any backup, and a tiny part of the numbers.
GAP = 1_000_000_000


def skip_generations() -> int:
    """Leave a gap in the generations of leases; return the last one skipped.

    Agents hold leases that were granted after the backup and that the restored registry does not
    know. Without the gap it would grant their generations again, and two processes could hold one
    lease.
    """
    return dialect.skip_ids(AgentEvent, GAP)
