"""Registrations, deregistrations and expiries by the minute: what the history comes to.

Minutes are not added to, but counted anew, from all of their events, whenever an event of theirs is
found that might not be counted yet. So it does not matter how often that is done, or by whom, and
the minutes say what the history says. An expiry belongs to the minute in which the lease ended,
which can be long before it was told.

Events become visible in another order than that of their numbers: the highest number there is says
nothing about those before it until whoever took one of them is done. So the events of the last
minutes are looked at again each time.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Max, Min, Q

from agents.database.clock import DatabaseNow, Minute, database_now
from agents.models import ActivityMark, ActivityMinute, AgentEvent

# So long after it took its number, at the latest, an event can be seen by all. A statement of the
# web may take ten seconds, one of the worker a minute; what takes longer is found by recount_day.
SETTLED_AFTER = timedelta(seconds=150)
# Between two looks, however many processes there are.
PAUSE = timedelta(seconds=8)
# Events that one look goes through while it catches up.
MOST_EVENTS = 50_000
# A registry that has counted none begins with those of a day, which is what is shown.
DAY = timedelta(hours=25)
MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)

Kind = AgentEvent.Kind
Span = tuple[datetime, datetime]
KINDS = {
    "registrations": (Kind.REGISTERED, Kind.RE_REGISTERED),
    "deregistrations": (Kind.DEREGISTERED,),
    "expiries": (Kind.EXPIRED,),
}
COUNTED = [kind for kinds in KINDS.values() for kind in kinds]


def count_events() -> bool:
    """Count the minutes of events that are new; return whether there is more to do at once.

    One process at a time does so, and not more often than every few seconds.
    """
    newest = AgentEvent.objects.aggregate(number=Max("pk"))["number"] or 0
    mark = ActivityMark.objects.first() or _first_mark(newest)
    if newest <= mark.settled:
        return False
    with transaction.atomic():
        settled = _lock(earlier_than=DatabaseNow() - PAUSE)
        if settled is None:  # somebody else does it, or just did
            return False
        surely = max(settled, _surely_settled())
        is_behind = surely - settled > MOST_EVENTS
        last = settled + MOST_EVENTS if is_behind else newest
        new = AgentEvent.objects.filter(pk__gt=settled, pk__lte=last, kind__in=COUNTED)
        minutes = new.order_by().values_list(Minute("at"), flat=True).distinct()
        for span in _spans(minutes):
            _count(span)
        ActivityMark.objects.update(settled=min(last, surely))
        if not is_behind:
            ActivityMark.objects.update(counted_at=DatabaseNow())
    return is_behind


def recount_day() -> None:
    """Count all minutes of the last day anew, for events that took very long to become visible."""
    now = database_now()
    hour = now.replace(minute=0, second=0, microsecond=0) - DAY
    while hour <= now:
        with transaction.atomic():
            if _lock() is not None:
                _count((hour, hour + HOUR))
        hour += HOUR


def _first_mark(newest: int) -> ActivityMark:
    recent = AgentEvent.objects.filter(at__gte=DatabaseNow() - DAY)
    first = recent.aggregate(number=Min("pk"))["number"]
    settled = newest if first is None else first - 1
    # As if the last look had been long ago.
    mark = ActivityMark(settled=settled, counted_at=DatabaseNow() - DAY)
    ActivityMark.objects.bulk_create([mark], ignore_conflicts=True)
    return mark


def _lock(earlier_than: object = None) -> int | None:
    """Lock the mark; return up to which number all events are counted.

    Whoever counts with an older view of the events must not have the last word: it is done by one
    at a time. None where another does it, or has done so not `earlier_than`.
    """
    mark = ActivityMark.objects.select_for_update(skip_locked=True)
    if earlier_than is not None:
        mark = mark.filter(counted_at__lt=earlier_than)
    return mark.values_list("settled", flat=True).first()


def _surely_settled() -> int:
    """Return a number before which no event will appear any more: one that was taken long ago."""
    # By when it was told: of the expired, `at` is when the lease ended.
    old = AgentEvent.objects.filter(at__lt=DatabaseNow() - SETTLED_AFTER)
    return old.exclude(kind=Kind.EXPIRED).order_by("-at").values_list("pk", flat=True).first() or 0


def _spans(minutes: Iterable[datetime]) -> Iterator[Span]:
    """Put minutes together that are next to each other."""
    begin = end = None
    for minute in sorted(minutes):
        if begin is not None and end is not None and minute > end:
            yield begin, end
            begin = None
        begin, end = begin or minute, minute + MINUTE
    if begin is not None and end is not None:
        yield begin, end


def _count(span: Span) -> None:
    """Let the minutes from the first moment of `span`, before its second, say what happened."""
    begin, end = span
    events = AgentEvent.objects.filter(at__gte=begin, at__lt=end, kind__in=COUNTED)
    numbers = {name: Count("pk", filter=Q(kind__in=kinds)) for name, kinds in KINDS.items()}
    rows = events.order_by().values(minute=Minute("at")).annotate(**numbers).order_by("minute")
    before = ActivityMinute.objects.filter(minute__gte=begin, minute__lt=end)
    known = {row["minute"]: row for row in before.values("minute", *KINDS)}
    ActivityMinute.objects.bulk_create(
        [ActivityMinute(**row) for row in rows if row != known.get(row["minute"])],
        update_conflicts=True,
        unique_fields=["minute"],
        update_fields=list(KINDS),
        batch_size=500,
    )
