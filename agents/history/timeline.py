"""When an agent was alive, and when it was not: from its history, and its record if it has one.

A registration begins a life, the end of the lease or a deregistration ends it. The time before the
first that is known of is unknown, and counts neither way. So is the time after a lease that ended
while the registry could not hear the agent. An agent that came back before its record was purged
leaves no trace of the gap, and counts as alive meanwhile.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from typing import Protocol

from agents.models import AgentEvent

Kind = AgentEvent.Kind
BEGINS = frozenset({Kind.REGISTERED, Kind.RE_REGISTERED})
ENDS = frozenset({Kind.EXPIRED, Kind.DEREGISTERED, Kind.PURGED})
# Hundredths of a percent in a whole.
WHOLE = 10_000


class Happening(Protocol):
    """What is read of an event."""

    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class Record(Protocol):
    """What is read of the record of an agent that has one: since when, and until when it lives."""

    @property
    def registered_at(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...


class Was(StrEnum):
    ALIVE = "alive"
    GAP = "gap"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Span:
    """How it was from `begin` until just before `end`, which is later."""

    was: Was
    begin: datetime
    end: datetime

    @property
    def lasted(self) -> timedelta:
        return self.end - self.begin


@dataclass(frozen=True)
class Share:
    """For how long an agent was alive, of the time that is known."""

    alive: timedelta
    known: timedelta

    @property
    def percent(self) -> float | None:
        """From 0 to 100, in hundredths, rounded down: 100 only if nothing is missing.

        None if nothing is known.
        """
        return (self.alive * WHOLE // self.known) * 100 / WHOLE if self.known else None


def spans(
    events: Iterable[Happening],
    record: Record | None,
    begin: datetime,
    end: datetime,
    heard_since: datetime | None = None,
) -> list[Span]:
    """Return the spans that fill the window from `begin` to `end`, in order, without a hole.

    `events` are those of one agent, in the order in which they were written, and may begin
    anywhere; `record` is the agent's as it was at `end`. `heard_since`: since when the registry
    has been taking heartbeats.
    """
    return list(_merged(clip(_all_spans(events, record, end, heard_since), begin, end)))


def clip(spans: Iterable[Span], begin: datetime, end: datetime) -> Iterator[Span]:
    """Give what lies between `begin` and `end`; what no span says anything of is unknown."""
    reached = begin
    for span in spans:
        cut = replace(span, begin=max(span.begin, reached), end=min(span.end, end))
        if cut.begin >= cut.end:
            continue
        if reached < cut.begin:
            yield Span(Was.UNKNOWN, reached, cut.begin)
        yield cut
        reached = cut.end
    if reached < end:
        yield Span(Was.UNKNOWN, reached, end)


def share(spans: Sequence[Span]) -> Share:
    known = [span for span in spans if span.was is not Was.UNKNOWN]
    alive = sum((span.lasted for span in known if span.was is Was.ALIVE), timedelta(0))
    lasted = sum((span.lasted for span in known), timedelta(0))
    return Share(alive, lasted)


@dataclass(frozen=True)
class _Life:
    """`begin` None: before anything that is known. `end` None: nobody has told of it."""

    begin: datetime | None
    end: datetime | None


def _lives(events: Iterable[Happening]) -> Iterator[_Life]:
    begin: datetime | None = None
    is_first = True
    for event in events:
        if event.kind in BEGINS:
            if begin is not None and event.kind == Kind.REGISTERED:
                yield _Life(begin, None)
                begin = None
            begin = begin or event.at
        elif event.kind in ENDS:
            # What ended already is purged afterwards.
            if begin is not None or is_first:
                yield _Life(begin, event.at)
            begin = None
        else:
            continue
        is_first = False
    if begin is not None:
        yield _Life(begin, None)


def _with_the_present(lives: Sequence[_Life], record: Record) -> list[_Life]:
    """Put the life of the record to those of the events, which may have been forgotten."""
    former, begin = list(lives), record.registered_at
    if former and former[-1].end is None:
        begin = min(former.pop().begin or begin, begin)
    return [*former, _Life(begin, record.expires_at)]


def _all_spans(
    events: Iterable[Happening], record: Record | None, now: datetime, heard_since: datetime | None
) -> Iterator[Span]:
    lives = list(_lives(events))
    if record is not None:
        lives = _with_the_present(lives, record)
    for life, later in zip_longest(lives, lives[1:]):
        if life.end is None:
            continue
        if life.begin is not None:
            yield Span(Was.ALIVE, life.begin, life.end)
        if later is not None:
            yield Span(Was.GAP, life.end, later.begin or life.end)
        elif record is not None and heard_since is not None:
            yield Span(Was.GAP, max(life.end, heard_since), now)
        else:
            yield Span(Was.GAP, life.end, now)


def _merged(spans: Iterable[Span]) -> Iterator[Span]:
    last: Span | None = None
    for span in spans:
        if last is not None and last.was is span.was:
            last = replace(last, end=span.end)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
