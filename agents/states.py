"""A new operator state is one entry of `State`, and a migration."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self

from django.db import models


class Level(StrEnum):
    """Least serious first. theme.css gives each a colour."""

    OK = "ok"
    WARN = "warn"
    HOLD = "hold"
    ISOLATED = "isolated"
    BAD = "bad"

    @property
    def rank(self) -> int:
        return list(Level).index(self)


UNKNOWN_LEVEL = Level.WARN


@dataclass(frozen=True, kw_only=True)
class Entry:
    """`hint`: shown below a number of agents."""

    value: str
    level: Level
    hint: str = ""


@dataclass(frozen=True, kw_only=True)
class StateEntry(Entry):
    """`verb`: the operation that sets it. `event`: records it. `effect`: for confirming it."""

    verb: str
    event: str
    effect: str


@dataclass(frozen=True, kw_only=True)
class WorkEntry(Entry):
    """`takes_work`: whether such an agent may be picked."""

    takes_work: bool


class Described(models.TextChoices):
    """Entries' fields are attributes."""

    level: Level
    hint: str

    def __new__(cls, entry: Any) -> Self:
        member = str.__new__(cls, entry.value)
        member._value_ = entry.value
        member.__dict__.update({k: v for k, v in vars(entry).items() if k != "value"})
        return member

    @classmethod
    def level_of(cls, value: str) -> Level:
        """A newer version may have written the value."""
        return cls(value).level if value in cls.values else UNKNOWN_LEVEL

    @property
    def words(self) -> str:
        return self.value.replace("-", " ")

    @property
    def label(self) -> str:
        return self.words.capitalize()


class Lease(Described):
    """Not stored."""

    ALIVE = Entry(value="alive", level=Level.OK, hint="valid lease")
    EXPIRING_SOON = Entry(value="expiring-soon", level=Level.WARN, hint="two heartbeats missed")
    EXPIRED = Entry(value="expired", level=Level.BAD, hint="lease has ended")


class State(Described):
    verb: str
    event: str
    effect: str

    ACTIVE = StateEntry(
        value="active",
        level=Level.OK,
        hint="may be given work",
        verb="resume",
        event="resumed",
        effect="The agent is active again and may be given work.",
    )
    DRAINING = StateEntry(
        value="draining",
        level=Level.HOLD,
        hint="no new work",
        verb="drain",
        event="drained",
        effect="The agent stays registered and is listed as draining, so that it gets no new work. "
        "Work in progress is not interrupted.",
    )
    QUARANTINED = StateEntry(
        value="quarantined",
        level=Level.ISOLATED,
        hint="not to be called",
        verb="quarantine",
        event="quarantined",
        effect="The agent stays registered and is listed as quarantined: nobody should call it. "
        "It keeps its lease as long as it sends heartbeats.",
    )

    @property
    def is_default(self) -> bool:
        return self is State.ACTIVE


# The default comes last: it undoes the others.
BY_OPERATION = sorted(State, key=lambda state: state.is_default)


class Status(Described):
    takes_work: bool

    # Agents need not report anything.
    UNKNOWN = WorkEntry(value="unknown", level=Level.OK, takes_work=True)
    STARTING = WorkEntry(value="starting", level=Level.WARN, takes_work=False)
    READY = WorkEntry(value="ready", level=Level.OK, takes_work=True)
    BUSY = WorkEntry(value="busy", level=Level.OK, takes_work=True)
    # Its readiness check fails.
    DEGRADED = WorkEntry(value="degraded", level=Level.WARN, takes_work=False)
    DRAINING = WorkEntry(value="draining", level=Level.HOLD, takes_work=False)


class Probe(Described):
    """What the registry finds when it calls an agent, damped."""

    takes_work: bool

    # Also of agents that the registry must not call.
    NOT_PROBED = WorkEntry(value="not-probed", level=Level.OK, takes_work=True)
    ANSWERS = WorkEntry(value="answers", level=Level.OK, takes_work=True)
    # It answers that it is not.
    NOT_READY = WorkEntry(value="not-ready", level=Level.WARN, takes_work=False)
    FLAPPING = WorkEntry(value="flapping", level=Level.WARN, takes_work=False)
    UNREACHABLE = WorkEntry(value="unreachable", level=Level.BAD, takes_work=False)
