from agents.database.dialect import dialect
from agents.models import AgentEvent

# More than the registrations since any backup.
GAP = 1_000_000_000


def skip_generations() -> int:
    """Return the last generation skipped.

    If one were granted again, two processes would hold a lease.
    """
    return dialect.skip_ids(AgentEvent, GAP)
