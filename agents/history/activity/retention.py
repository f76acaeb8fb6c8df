"""How long the minutes of activity are kept: as long as the history."""

from datetime import timedelta

from agents.database.clock import DatabaseNow
from agents.models import ActivityMinute


def trim_activity(*, days: int) -> int:
    """Delete the minutes that are older than `days`; return how many."""
    old = ActivityMinute.objects.filter(minute__lt=DatabaseNow() - timedelta(days=days))
    count, _ = old.delete()
    return count
