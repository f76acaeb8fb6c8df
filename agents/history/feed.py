"""The only ordered reader of events.

A position in the feed is the number of an event. An event takes its number before it commits, so
one with a lower number can become visible after one with a higher number. A reader that must not
miss any reads up to `settled_position`, and keeps that as its cursor.
"""

import time
from datetime import datetime

from django.db.models import Max, Min, QuerySet
from django.db.models.expressions import Combinable

from agents.database.dialect import dialect
from agents.models import AgentEvent

# Seconds to wait for open transactions, and between two looks at them.
PATIENCE = 1.0
PAUSE = 0.01


def newest_position() -> int:
    """Return the position of the newest event that can be seen; 0 without any."""
    return AgentEvent.objects.aggregate(number=Max("pk"))["number"] or 0


def settled_position() -> int | None:
    """Return a position up to which no event can appear any more.

    Waits for the transactions that are writing events at this moment. None if one of them stays
    open for longer than `PATIENCE`. Positions mean the same in every process.
    """
    newest = newest_position()
    # Whoever holds a number up to `newest` is among these, or has finished.
    writers = dialect.open_writers(AgentEvent)
    deadline = time.monotonic() + PATIENCE
    while writers:
        if time.monotonic() >= deadline:
            return None
        time.sleep(PAUSE)
        writers &= dialect.open_writers(AgentEvent)
    return newest


def position_before(moment: datetime | Combinable) -> int | None:
    """Return the position just before the first event at `moment` or later; None without any."""
    later = AgentEvent.objects.filter(at__gte=moment)
    first = later.aggregate(number=Min("pk"))["number"]
    return None if first is None else first - 1


def position_after(events: int, *, after: int, until: int) -> int:
    """Return the position so many events behind `after`; `until` if there are fewer before it."""
    numbers = between(after, until).values_list("pk", flat=True)
    return next(iter(numbers[events - 1 : events]), until)


def between(after: int, until: int) -> QuerySet[AgentEvent]:
    """Return the events behind the position `after`, up to `until` and with it, in order."""
    return AgentEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")


def newest_first(agent_id: str | None = None) -> QuerySet[AgentEvent]:
    """Return the events of one agent ("" for the whole registry), or all, to be shown to people.

    These are what can be seen now, and no base for a cursor: see `settled_position`.
    """
    events = AgentEvent.objects.order_by("-pk")
    return events if agent_id is None else events.filter(agent_id=agent_id)
