"""The only ordered reader of events. A position is the number of an event, or 0.

Numbers are given before the commit, so a lower number may appear after a higher one. To miss none,
read up to `settled_position`.
"""

import base64
import binascii
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Max, Min, QuerySet
from django.db.models.expressions import Combinable

from agents.database.clock import DatabaseNow
from agents.database.dialect import dialect
from agents.models import HAS_LAST_RECORD, AgentEvent

PATIENCE = 1.0  # seconds to wait for open transactions
MAX_DIGITS = 18
PAUSE = 0.01


class InvalidCursor(ValueError):
    pass


@dataclass(frozen=True)
class Cursor:
    position: int

    def __str__(self) -> str:
        return base64.urlsafe_b64encode(str(self.position).encode()).decode().rstrip("=")

    @classmethod
    def read(cls, text: str) -> "Cursor":
        """Raise InvalidCursor."""
        try:
            padded = text.encode() + b"=" * (-len(text) % 4)
            number = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
        except (binascii.Error, UnicodeError) as error:
            raise InvalidCursor from error
        if not number.isdecimal() or len(number) > MAX_DIGITS:
            raise InvalidCursor
        return cls(int(number))


def newest_position() -> int:
    return AgentEvent.objects.aggregate(number=Max("pk"))["number"] or 0


def is_complete_after(position: int) -> bool:
    """Return whether no event after this position was lost.

    If one was, by retention or a restored backup, the event at the position is missing too.
    """
    if position:
        return AgentEvent.objects.filter(pk=position).exists()
    return not newest_position() or AgentEvent.objects.filter(pk=1).exists()


def settled_position(patience: float = PATIENCE) -> int | None:
    """Return a position up to which no more events can appear.

    Waits for open transactions that write events. None after `patience` seconds.
    """
    newest = newest_position()
    # All numbers up to `newest` belong to these transactions or to ended ones.
    writers = dialect.open_writers(AgentEvent)
    deadline = time.monotonic() + patience
    while writers:
        if time.monotonic() >= deadline:
            return None
        time.sleep(PAUSE)
        writers &= dialect.open_writers(AgentEvent)
    return newest


def seconds_behind(position: int) -> float:
    """Return the age of the first event after a position, 0 if there is none."""
    later = AgentEvent.objects.filter(pk__gt=position).order_by("pk")
    times = later.values_list("at", DatabaseNow()).first()
    return 0.0 if times is None else max((times[1] - times[0]).total_seconds(), 0.0)


def position_before(moment: datetime | Combinable) -> int | None:
    later = AgentEvent.objects.filter(at__gte=moment)
    first = later.aggregate(number=Min("pk"))["number"]
    return None if first is None else first - 1


def position_after(events: int, *, after: int, until: int) -> int:
    numbers = between(after, until).values_list("pk", flat=True)
    return next(iter(numbers[events - 1 : events]), until)


def between(after: int, until: int) -> QuerySet[AgentEvent]:
    return AgentEvent.objects.filter(pk__gt=after, pk__lte=until).order_by("pk")


def numbered(numbers: Collection[int]) -> list[AgentEvent]:
    """Return these events, oldest first, without their records."""
    events = AgentEvent.objects.filter(pk__in=numbers) if numbers else AgentEvent.objects.none()
    return list(events.order_by("pk").defer("record"))


def later_kinds(
    agents: Collection[str], kinds: Collection[str], after: int
) -> list[tuple[str, str, int]]:
    """Return agent, kind and number of the agents' events of these `kinds` after a position."""
    events = AgentEvent.objects.filter(agent_id__in=agents, kind__in=kinds, pk__gt=after)
    return list(events.order_by("pk").values_list("agent_id", "kind", "pk"))


def last_kinds(agents: Collection[str], kinds: Collection[str], before: int) -> Mapping[str, str]:
    if not agents:
        return {}
    events = AgentEvent.objects.filter(agent_id__in=agents, kind__in=kinds, pk__lt=before)
    newest = events.order_by().values("agent_id").annotate(number=Max("pk")).values("number")
    return dict(AgentEvent.objects.filter(pk__in=newest).values_list("agent_id", "kind"))


def last_records(ends: Collection[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return by event the last records, with ids, of the agents it ended."""
    if not ends:
        return {}
    events = AgentEvent.objects.filter(pk__in=ends, record__isnull=False)
    return {
        number: {**(record or {}), "agent_id": agent_id}
        for number, agent_id, record in events.values_list("pk", "agent_id", "record")
    }


def last_records_of(agents: Collection[str]) -> Mapping[str, Mapping[str, Any]]:
    """Return the last records of agents that have one, with their ids."""
    if not agents:
        return {}
    ends = AgentEvent.objects.filter(agent_id__in=agents, record__isnull=False).order_by()
    newest = ends.values("agent_id").annotate(number=Max("pk")).values_list("number", flat=True)
    return {record["agent_id"]: record for record in last_records(list(newest)).values()}


def last_record(agent_id: str) -> Mapping[str, Any] | None:
    end = last_end(agent_id)
    return None if end is None else end.record


def older(
    position: int, agent_id: str | None = None, kinds: Collection[str] = ()
) -> QuerySet[AgentEvent]:
    """Return the events before a position, newest first, with their records."""
    events = AgentEvent.objects.filter(pk__lt=position).order_by("-pk")
    if agent_id is not None:
        events = events.filter(agent_id=agent_id)
    return events.filter(kind__in=kinds) if kinds else events


def newest_first(agent_id: str | None = None) -> QuerySet[AgentEvent]:
    """Return events without their long records. Not for cursors.

    `agent_id`: "" for events of the registry itself.
    """
    events = AgentEvent.objects.order_by("-pk").defer("record")
    return events if agent_id is None else events.filter(agent_id=agent_id)


def ends_newest_first() -> QuerySet[AgentEvent]:
    """Return the events that ended agents, with their records. Not for cursors."""
    return AgentEvent.objects.filter(HAS_LAST_RECORD).order_by("-at", "-pk")


def last_end(agent_id: str) -> AgentEvent | None:
    """Return the event that ended an agent last, with its record."""
    ends = AgentEvent.objects.filter(HAS_LAST_RECORD, agent_id=agent_id).order_by("-pk")
    return ends.first()
