"""What a watcher was sent, judged by the history of the fleet."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COMES = ("registered", "re-registered", "recovered")
ENDS = ("expired", "deregistered", "purged")
CHANGES = ("drained", "quarantined", "resumed")
# The registry sends only the last of an agent's changes that it reads at once. A watcher that is
# connected has each change read within a second.
READ_AT_ONCE_SECONDS = 2.0


@dataclass(frozen=True)
class Event:
    """One of the history, by the clock of this machine.

    `at`: when it happened. `read`: when a watcher first had it or a later one. An expiry is written
    after it happened.
    """

    number: int
    agent_id: str
    kind: str
    at: float
    read: float


@dataclass(frozen=True)
class Message:
    """`received` and `connected` (since when) are by the clock of this machine."""

    position: int
    agent_id: str
    received: float
    connected: float


@dataclass(frozen=True)
class Faults:
    missed: int
    out_of_order: int
    duplicates: int

    @property
    def are_none(self) -> bool:
        return not (self.missed or self.out_of_order or self.duplicates)

    def __str__(self) -> str:
        return (
            f"missed {self.missed}, out of order {self.out_of_order}, "
            f"duplicates after resume {self.duplicates}"
        )

    def __add__(self, other: "Faults") -> "Faults":
        return Faults(
            self.missed + other.missed,
            self.out_of_order + other.out_of_order,
            self.duplicates + other.duplicates,
        )


NO_FAULTS = Faults(0, 0, 0)


def with_reads(
    rows: Sequence[tuple[int, str, str, float]], messages: Iterable[Message]
) -> list[Event]:
    """Return events from the columns of the history, in order, and the messages of all watchers."""
    firsts: dict[int, float] = {}
    for message in messages:
        firsts[message.position] = min(message.received, firsts.get(message.position, math.inf))
    events = []
    read = math.inf
    for number, agent_id, kind, at in reversed(rows):
        read = min(read, firsts.get(number, math.inf))
        events.append(Event(number, agent_id, kind, at, read))
    return events[::-1]


def visible(events: Iterable[Event]) -> list[Event]:
    """Return the events that change a list of the living, of all since the registry was new."""
    living: set[str] = set()
    found = []
    for event in events:
        was_listed = event.agent_id in living
        if event.kind in COMES:
            living.add(event.agent_id)
        elif event.kind in ENDS:
            living.discard(event.agent_id)
        if event.kind in COMES or (was_listed and event.kind in (*ENDS, *CHANGES)):
            found.append(event)
    return found


def judge(events: Sequence[Event], start: int, messages: Sequence[Message]) -> Faults:
    """`events`: the visible ones. `start`: the position at which the watch began."""
    seen: set[int] = set()
    newest = out_of_order = duplicates = 0
    for message in messages:
        if message.position in seen:
            duplicates += 1
        elif message.position < newest:
            out_of_order += 1
        seen.add(message.position)
        newest = max(newest, message.position)
    return Faults(_missed(events, start, messages), out_of_order, duplicates)


def delays(events: Iterable[Event], messages: Iterable[Message]) -> list[float]:
    """Return the seconds from each expiry until a watcher that was connected then had its event."""
    by_position = {message.position: message for message in messages}
    found = []
    for event in events:
        message = by_position.get(event.number)
        if event.kind == "expired" and message is not None and message.connected <= event.at:
            found.append(message.received - event.at)
    return found


def _missed(events: Sequence[Event], start: int, messages: Sequence[Message]) -> int:
    by_position = {message.position: message for message in messages}
    by_agent: dict[str, list[Event]] = defaultdict(list)
    for event in events:
        if event.number > start:
            by_agent[event.agent_id].append(event)
    return sum(_missed_of_agent(own, by_position) for own in by_agent.values())


def _missed_of_agent(events: Sequence[Event], by_position: dict[int, Message]) -> int:
    missed = 0
    following: Event | None = None
    answer: Message | None = None  # of the following event
    for event in reversed(events):
        message = by_position.get(event.number)
        if message is None and following is not None and answer is not None:
            is_close = following.read - event.read < READ_AT_ONCE_SECONDS
            was_away = answer.connected > event.at
            message = answer if is_close or was_away else None
        missed += message is None
        following, answer = event, message
    return missed
