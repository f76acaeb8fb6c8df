"""Counts events by whole minutes, so that counting one twice is harmless.

An expiry counts when the lease ended, perhaps long before its event.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q

from agents.database.clock import DatabaseNow, Minute
from agents.history import feed
from agents.models import ActivityMark, ActivityMinute, AgentEvent

PAUSE = timedelta(seconds=8)
MAX_EVENTS = 50_000
LONGEST_CHART = timedelta(hours=25)
MINUTE = timedelta(minutes=1)

Kind = AgentEvent.Kind
Span = tuple[datetime, datetime]
COUNTED = [Kind.REGISTERED, Kind.RE_REGISTERED, Kind.DEREGISTERED, Kind.EXPIRED]
HAS_EARLIER = Exists(
    AgentEvent.objects.filter(agent_id=OuterRef("agent_id"), pk__lt=OuterRef("pk"))
)
NUMBERS = {
    "registrations": Q(kind__in=[Kind.REGISTERED, Kind.RE_REGISTERED]),
    "restarts": Q(kind=Kind.RE_REGISTERED) | (Q(kind=Kind.REGISTERED) & Q(HAS_EARLIER)),
    "deregistrations": Q(kind=Kind.DEREGISTERED),
    "expiries": Q(kind=Kind.EXPIRED),
}


def count_events() -> bool:
    """Return whether more events are left. Does nothing if another process just counted."""
    mark = ActivityMark.objects.first()
    if mark is not None and feed.newest_position() <= mark.settled:
        return False
    end = feed.settled_position()
    if end is None:
        return False
    if mark is None:
        _create_mark(end)
    with transaction.atomic():
        begin = _lock_mark()
        if begin is None or end <= begin:
            return False
        until = feed.position_after(MAX_EVENTS, after=begin, until=end)
        new = feed.between(begin, until).filter(kind__in=COUNTED).order_by()
        for span in _spans(new.values_list(Minute("at"), flat=True).distinct()):
            _count(span)
        is_behind = until < end
        ActivityMark.objects.update(settled=until)
        if not is_behind:
            ActivityMark.objects.update(counted_at=DatabaseNow())
    return is_behind


def seconds_behind() -> float | None:
    """Return the age of the oldest event that is not counted, None before the first count."""
    settled = ActivityMark.objects.values_list("settled", flat=True).first()
    return None if settled is None else feed.seconds_behind(settled)


def _create_mark(end: int) -> None:
    first = feed.position_before(DatabaseNow() - LONGEST_CHART)
    position = end if first is None else min(first, end)
    mark = ActivityMark(settled=position, counted_at=DatabaseNow() - LONGEST_CHART)
    ActivityMark.objects.bulk_create([mark], ignore_conflicts=True)


def _lock_mark() -> int | None:
    """Return the mark's position, None if it is not time to count.

    Locked, so that no older count can overwrite a newer one.
    """
    mark = ActivityMark.objects.select_for_update(skip_locked=True)
    due = mark.filter(counted_at__lt=DatabaseNow() - PAUSE)
    return due.values_list("settled", flat=True).first()


def _spans(minutes: Iterable[datetime]) -> Iterator[Span]:
    begin = end = None
    for minute in sorted(minutes):
        if begin is not None and end is not None and minute > end:
            yield begin, end
            begin = None
        begin, end = begin or minute, minute + MINUTE
    if begin is not None and end is not None:
        yield begin, end


def _count(span: Span) -> None:
    begin, end = span
    events = AgentEvent.objects.filter(at__gte=begin, at__lt=end, kind__in=COUNTED)
    numbers = {name: Count("pk", filter=condition) for name, condition in NUMBERS.items()}
    rows = events.order_by().values(minute=Minute("at")).annotate(**numbers).order_by("minute")
    before = ActivityMinute.objects.filter(minute__gte=begin, minute__lt=end)
    known = {row["minute"]: row for row in before.values("minute", *NUMBERS)}
    ActivityMinute.objects.bulk_create(
        [ActivityMinute(**row) for row in rows if row != known.get(row["minute"])],
        update_conflicts=True,
        unique_fields=["minute"],
        update_fields=list(NUMBERS),
        batch_size=500,
    )
