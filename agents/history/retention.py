from datetime import timedelta

from agents.database.clock import DatabaseNow
from agents.models import ActivityMinute, AgentEvent

BATCH_SIZE = 1000


def delete_old_history(*, days: int, batch_size: int = BATCH_SIZE) -> int:
    """Return the number of events deleted."""
    oldest = DatabaseNow() - timedelta(days=days)
    ActivityMinute.objects.filter(minute__lt=oldest).delete()
    deleted = 0
    while True:
        old = AgentEvent.objects.filter(at__lt=oldest)
        batch = list(old.values_list("pk", flat=True)[:batch_size])
        count, _ = AgentEvent.objects.filter(pk__in=batch).delete()
        deleted += count
        if count < batch_size:
            return deleted
