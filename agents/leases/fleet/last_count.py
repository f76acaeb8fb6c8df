"""The last count of the fleet, shared by all who only show it."""

from datetime import timedelta

from django.db.models import Q

from agents.database.availability import UNAVAILABLE
from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.leases.fleet.budget import READERS_SHARE, pause_after
from agents.leases.fleet.count import Count, Group, count_fleet
from agents.models import LastCount

LARGE = 10_000  # agents


def recent_count() -> Count:
    """Count a small fleet. One process at a time counts a large one for all."""
    last = _last_count()
    if last is None:
        count = count_fleet()
        if count.registered >= LARGE:
            _keep(count)
        return count
    pause = pause_after(last.seconds, READERS_SHARE)
    if 0 <= last.age < pause or not _may_count(pause):
        return last
    return count_for_all()


def count_for_all() -> Count:
    """Count the fleet, and keep a large count for `recent_count`."""
    with dialect.in_one_process():
        count = count_fleet()
    if count.registered >= LARGE:
        _keep(count)
    else:
        LastCount.objects.all().delete()
    return count


def _last_count() -> Count | None:
    last = LastCount.objects.annotate(read_at=DatabaseNow()).first()
    if last is None:
        return None
    groups = [Group(*group) for group in last.groups]
    return Count(groups, last.seconds, last.at, (last.read_at - last.at).total_seconds())


def _may_count(pause: float) -> bool:
    # `began_at` is ahead if the database's clock was set back.
    ended = Q(began_at__lte=DatabaseNow() - timedelta(seconds=pause)) | Q(
        began_at__gt=DatabaseNow()
    )
    try:
        with dialect.without_waiting_for_writers():
            return bool(LastCount.objects.filter(ended).update(began_at=DatabaseNow()))
    except UNAVAILABLE:
        return False  # SQLite's writer is at work, or the database is away


def _keep(count: Count) -> None:
    began = DatabaseNow() - timedelta(seconds=count.seconds)
    last = LastCount(
        at=began,
        began_at=began,
        seconds=count.seconds,
        groups=count.groups,
    )
    LastCount.objects.bulk_create(
        [last],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["at", "began_at", "seconds", "groups"],
    )
