"""After the database was restored from a backup."""

from agents.database.dialect import dialect
from agents.models import AgentEvent

# More than the registrations since any backup.
GAP = 1_000_000_000


def skip_generations() -> int:
    """Return the last generation skipped.

    Those granted after the backup must not be granted again, or two processes hold one lease.
    """
    return dialect.skip_ids(AgentEvent, GAP)
