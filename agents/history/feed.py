"""The only ordered reader of events. A position is the number of an event.

Events are numbered before they commit, so a lower number may appear after a higher one. To miss
none, read up to `settled_position`, and keep that as the cursor.
"""

import time
from datetime import datetime

from django.db.models import Max, Min, QuerySet
from django.db.models.expressions import Combinable

from agents.database.dialect import dialect
from agents.models import AgentEvent

PATIENCE = 1.0  # seconds to wait for open transactions
PAUSE = 0.01


def newest_position() -> int:
    """Return 0 without events."""
    return AgentEvent.objects.aggregate(number=Max("pk"))["number"] or 0


def settled_position() -> int | None:
    """Return a position up to which no event can appear any more.

    Waits for open transactions that write events; None if one takes longer than PATIENCE.
    """
    newest = newest_position()
    # All numbers up to `newest` belong to these, or to transactions that have ended.
    writers = dialect.open_writers(AgentEvent)
    deadline = time.monotonic() + PATIENCE
    while writers:
        if time.monotonic() >= deadline:
            return None
        time.sleep(PAUSE)
        writers &= dialect.open_writers(AgentEvent)
    return newest


def position_before(moment: datetime | Combinable) -> int | None:
    later = AgentEvent.objects.filter(at__gte=moment)
    first = later.aggregate(number=Min("pk"))["number"]
    return None if first is None else first - 1


def position_after(events: int, *, after: int, until: int) -> int:
    """Return the position `events` further on, at most `until`."""
    numbers = between(after, until).values_list("pk", flat=True)
    return next(iter(numbers[events - 1 : events]), until)


def between(after: int, until: int) -> QuerySet[AgentEvent]:
    """Include `until`, but not `after`."""
    return AgentEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")


def newest_first(agent_id: str | None = None) -> QuerySet[AgentEvent]:
    """Return visible events; those of the registry for "". Not for cursors."""
    events = AgentEvent.objects.order_by("-pk")
    return events if agent_id is None else events.filter(agent_id=agent_id)
