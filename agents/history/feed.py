"""The only ordered reader of events.

A position is the number of an event. Events are numbered before they commit, so a lower number can
become visible after a higher one. To miss none, read up to `settled_position`, and keep that as the
cursor.
"""

import time
from datetime import datetime

from django.db.models import Max, Min, QuerySet
from django.db.models.expressions import Combinable

from agents.database.dialect import dialect
from agents.models import AgentEvent

# Seconds: how long to wait for open transactions, and how often to look.
PATIENCE = 1.0
PAUSE = 0.01


def newest_position() -> int:
    """Return the position of the newest visible event, 0 without any."""
    return AgentEvent.objects.aggregate(number=Max("pk"))["number"] or 0


def settled_position() -> int | None:
    """Return a position up to which no event can appear any more.

    Waits for the transactions that are writing events now. None if one stays open for longer than
    `PATIENCE`.
    """
    newest = newest_position()
    # Every number up to `newest` was taken by one of these, or by a transaction that has ended.
    writers = dialect.open_writers(AgentEvent)
    deadline = time.monotonic() + PATIENCE
    while writers:
        if time.monotonic() >= deadline:
            return None
        time.sleep(PAUSE)
        writers &= dialect.open_writers(AgentEvent)
    return newest


def position_before(moment: datetime | Combinable) -> int | None:
    """Return the position before the first event at `moment` or later, None without any."""
    later = AgentEvent.objects.filter(at__gte=moment)
    first = later.aggregate(number=Min("pk"))["number"]
    return None if first is None else first - 1


def position_after(events: int, *, after: int, until: int) -> int:
    """Return the position so many events after `after`, but at most `until`."""
    numbers = between(after, until).values_list("pk", flat=True)
    return next(iter(numbers[events - 1 : events]), until)


def between(after: int, until: int) -> QuerySet[AgentEvent]:
    """Return the events after the position `after`, up to and including `until`, in order."""
    return AgentEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")


def newest_first(agent_id: str | None = None) -> QuerySet[AgentEvent]:
    """Return visible events, of one agent if given ("": the whole registry). Not for cursors."""
    events = AgentEvent.objects.order_by("-pk")
    return events if agent_id is None else events.filter(agent_id=agent_id)
