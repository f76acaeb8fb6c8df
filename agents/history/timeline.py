"""When an agent was alive, from its events and its record.

Unknown: before the first event, and after a lease that ended while the registry was down. A gap
that ends before anybody looks leaves no event, and counts as alive.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import zip_longest
from typing import Protocol

from agents.models import AgentEvent

Kind = AgentEvent.Kind
BEGINS = frozenset({Kind.REGISTERED, Kind.RE_REGISTERED, Kind.RECOVERED})
ENDS = frozenset({Kind.EXPIRED, Kind.DEREGISTERED, Kind.PURGED})
WHOLE = 10_000  # hundredths of a percent


class Event(Protocol):
    @property
    def kind(self) -> str: ...
    @property
    def at(self) -> datetime: ...


class Record(Protocol):
    @property
    def registered_at(self) -> datetime: ...
    @property
    def last_heartbeat(self) -> datetime: ...
    @property
    def expires_at(self) -> datetime: ...


class Presence(StrEnum):
    ALIVE = "alive"
    GAP = "gap"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Span:
    presence: Presence
    begin: datetime
    end: datetime

    @property
    def duration(self) -> timedelta:
        return self.end - self.begin


@dataclass(frozen=True)
class Share:
    alive: timedelta
    known: timedelta

    @property
    def percent(self) -> float | None:
        """Rounded down to hundredths, so that 100 means no gap; None if unknown."""
        return (self.alive * WHOLE // self.known) * 100 / WHOLE if self.known else None


def spans(
    events: Iterable[Event],
    record: Record | None,
    begin: datetime,
    end: datetime,
    up_since: datetime | None = None,
) -> list[Span]:
    """Return spans that fill the time from `begin` to `end`.

    `events`: oldest first. `record`: at `end`.
    """
    return list(_joined(clip(_all_spans(events, record, end, up_since), begin, end)))


def clip(spans: Iterable[Span], begin: datetime, end: datetime) -> Iterator[Span]:
    """Yield spans from `begin` to `end`, with gaps as unknown."""
    covered = begin
    for span in spans:
        cut = replace(span, begin=max(span.begin, covered), end=min(span.end, end))
        if cut.begin >= cut.end:
            continue
        if covered < cut.begin:
            yield Span(Presence.UNKNOWN, covered, cut.begin)
        yield cut
        covered = cut.end
    if covered < end:
        yield Span(Presence.UNKNOWN, covered, end)


def share(spans: Sequence[Span]) -> Share:
    known = [span for span in spans if span.presence is not Presence.UNKNOWN]
    alive = [span for span in known if span.presence is Presence.ALIVE]
    return Share(alive=_total(alive), known=_total(known))


def _total(spans: Iterable[Span]) -> timedelta:
    return sum((span.duration for span in spans), timedelta(0))


@dataclass(frozen=True)
class _Life:
    """None: no event says when."""

    begin: datetime | None
    end: datetime | None


def _lives(events: Iterable[Event]) -> Iterator[_Life]:
    begin: datetime | None = None
    is_first = True
    for event in events:
        if event.kind in BEGINS:
            if begin is not None and event.kind == Kind.REGISTERED:
                yield _Life(begin, None)
                begin = None
            begin = begin or event.at
        elif event.kind in ENDS:
            # A purge after an expiry ends nothing.
            if begin is not None or is_first:
                yield _Life(begin, event.at)
            begin = None
        else:
            continue
        is_first = False
    if begin is not None:
        yield _Life(begin, None)


def _with_current_life(lives: Sequence[_Life], record: Record) -> list[_Life]:
    """The record's registration may be older than the history."""
    *former, last = lives or [_Life(record.registered_at, None)]
    if last.end is None:
        begin = last.begin or record.registered_at
        if not former:
            begin = min(begin, record.registered_at)
        return [*former, _Life(begin, record.expires_at)]
    if record.expires_at <= last.end:
        return list(lives)
    # The event that begins this life was deleted, or is still unwritten.
    begin = record.registered_at if record.registered_at >= last.end else record.last_heartbeat
    return [*lives, _Life(max(begin, last.end), record.expires_at)]


def _all_spans(
    events: Iterable[Event], record: Record | None, now: datetime, up_since: datetime | None
) -> Iterator[Span]:
    lives = list(_lives(events))
    if record is not None:
        lives = _with_current_life(lives, record)
    for life, later in zip_longest(lives, lives[1:]):
        if life.end is None:
            continue
        if life.begin is not None:
            yield Span(Presence.ALIVE, life.begin, life.end)
        if later is not None:
            yield Span(Presence.GAP, life.end, later.begin or life.end)
        elif record is not None and up_since is not None:
            yield Span(Presence.GAP, max(life.end, up_since), now)
        else:
            yield Span(Presence.GAP, life.end, now)


def _joined(spans: Iterable[Span]) -> Iterator[Span]:
    last: Span | None = None
    for span in spans:
        if last is not None and last.presence is span.presence:
            last = replace(last, end=span.end)
            continue
        if last is not None:
            yield last
        last = span
    if last is not None:
        yield last
