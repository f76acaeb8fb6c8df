from agents.database.dialect import dialect
from agents.models import AgentEvent

# More than the registrations since any backup.
GAP = 1_000_000_000


def skip_generations() -> int:
    """No generation since the backup may be granted again, or two processes would hold a lease.

    Return the last generation skipped.
    """
    return dialect.skip_ids(AgentEvent, GAP)
