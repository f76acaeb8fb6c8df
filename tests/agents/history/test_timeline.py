"""When an agent was alive: spans from its events and record, and its uptime in percent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agents.history.timeline import Presence, Span, clip, share, spans

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
DAY = timedelta(days=1)
MICROSECOND = timedelta(microseconds=1)
KINDS = [
    "registered",
    "re-registered",
    "expired",
    "recovered",
    "purged",
    "deregistered",
    "refused",
    "drained",
    "resumed",
]


@dataclass(frozen=True)
class Event:
    kind: str
    at: datetime


@dataclass(frozen=True)
class Record:
    registered_at: datetime
    expires_at: datetime

    @property
    def last_heartbeat(self) -> datetime:
        return self.expires_at - timedelta(hours=1)


def ago(hours: float) -> datetime:
    return NOW - timedelta(hours=hours)


def events(*happened: tuple[str, float]) -> list[Event]:
    """Return events from pairs of kind and hours ago."""
    return [Event(kind, ago(hours)) for kind, hours in happened]


def record(registered: float, expires: float = -0.01) -> Record:
    return Record(ago(registered), ago(expires))


def summary(found: Sequence[Span]) -> list[tuple[str, float]]:
    """Return each span's presence, and how many hours ago it began."""
    return [(span.presence.value, (NOW - span.begin) / timedelta(hours=1)) for span in found]


def last_day(*happened: tuple[str, float], lives: Record | None = None) -> list[Span]:
    return spans(events(*happened), lives, NOW - DAY, NOW)


@pytest.mark.parametrize(
    ("happened", "lives", "expected"),
    [
        pytest.param([], None, [("unknown", 24)], id="nothing is known"),
        pytest.param(
            [("registered", 3)],
            record(3),
            [("unknown", 24), ("alive", 3)],
            id="registered within the window",
        ),
        pytest.param(
            [("registered", 30)], record(30), [("alive", 24)], id="registered before the window"
        ),
        pytest.param([], record(2000), [("alive", 24)], id="its history is deleted"),
        pytest.param(
            [("re-registered", 5), ("re-registered", 2)],
            record(30),
            [("alive", 24)],
            id="a restart is no gap",
        ),
        pytest.param(
            [("registered", 9), ("expired", 6), ("purged", 5.9), ("registered", 4)],
            record(4),
            [("unknown", 24), ("alive", 9), ("gap", 6), ("alive", 4)],
            id="it expired and registered again",
        ),
        pytest.param(
            [("registered", 9), ("deregistered", 6)],
            None,
            [("unknown", 24), ("alive", 9), ("gap", 6)],
            id="it deregistered",
        ),
        pytest.param(
            [("expired", 6), ("purged", 5)],
            None,
            [("unknown", 24), ("gap", 6)],
            id="its registration is deleted",
        ),
        pytest.param(
            [("registered", 9)],
            record(9, expires=2),
            [("unknown", 24), ("alive", 9), ("gap", 2)],
            id="expired and not purged yet",
        ),
        pytest.param(
            [("registered", 9), ("registered", 3)],
            record(3),
            [("unknown", 24), ("alive", 3)],
            id="an end without an event",
        ),
        pytest.param(
            [("registered", 9)],
            None,
            [("unknown", 24)],
            id="a record that vanished without an event",
        ),
        pytest.param(
            [("registered", 9), ("expired", 6), ("recovered", 4)],
            record(9),
            [("unknown", 24), ("alive", 9), ("gap", 6), ("alive", 4)],
            id="it recovered",
        ),
        pytest.param(
            [("registered", 9), ("expired", 8), ("recovered", 7), ("expired", 2)],
            record(9, expires=2),
            [("unknown", 24), ("alive", 9), ("gap", 8), ("alive", 7), ("gap", 2)],
            id="it recovered and expired again",
        ),
        pytest.param(
            [("registered", 9), ("expired", 6)],
            record(9, expires=2),
            [("unknown", 24), ("alive", 9), ("gap", 6), ("alive", 3), ("gap", 2)],
            id="its recovery is not recorded yet",
        ),
        pytest.param(
            [("registered", 9), ("expired", 6), ("re-registered", 4)],
            record(9),
            [("unknown", 24), ("alive", 9), ("gap", 6), ("alive", 4)],
            id="it registered again before its purge",
        ),
        pytest.param(
            [("expired", 6), ("recovered", 4)],
            record(2000),
            [("unknown", 24), ("gap", 6), ("alive", 4)],
            id="it recovered, and its registration is deleted",
        ),
        pytest.param(
            [("recovered", 4)],
            record(2000),
            [("alive", 24)],
            id="only its recovery is left",
        ),
        pytest.param(
            [("registered", 9), ("refused", 8), ("drained", 7), ("resumed", 6)],
            record(9),
            [("unknown", 24), ("alive", 9)],
            id="other events end no span",
        ),
        pytest.param(
            [("registered", 9), ("expired", 6), ("registered", 7)],
            record(7),
            [("unknown", 24), ("alive", 9)],
            id="the clock was set back",
        ),
    ],
)
def test_spans_are_derived_from_events_and_record(
    happened: list[tuple[str, float]], lives: Record | None, expected: list[tuple[str, float]]
) -> None:
    assert summary(last_day(*happened, lives=lives)) == expected


def test_a_lease_that_ended_in_an_outage_is_followed_by_unknown_until_the_registry_is_back() -> (
    None
):
    found = spans(events(("registered", 9)), record(9, expires=5), NOW - DAY, NOW, ago(2))

    assert summary(found) == [("unknown", 24), ("alive", 9), ("unknown", 5), ("gap", 2)]


@pytest.mark.parametrize("up_for_hours", [8, 30])
def test_an_outage_before_the_lease_ended_does_not_hide_the_gap(up_for_hours: float) -> None:
    up_since = ago(up_for_hours)

    found = spans(events(("registered", 9)), record(9, expires=5), NOW - DAY, NOW, up_since)

    assert summary(found) == [("unknown", 24), ("alive", 9), ("gap", 5)]


def test_a_gap_begins_a_microsecond_after_the_lease_ended() -> None:
    ends_now = Record(ago(30), NOW)
    ended = Record(ago(30), NOW - MICROSECOND)

    assert share(spans([], ends_now, NOW - DAY, NOW)).percent == 100
    assert share(spans([], ended, NOW - DAY, NOW)).percent == 99.99


def test_uptime_counts_only_the_time_since_the_registration() -> None:
    found = share(last_day(("registered", 4), ("expired", 1), lives=None))

    assert (found.percent, found.known) == (75, timedelta(hours=4))


def test_without_any_events_there_is_no_percentage() -> None:
    found = share(last_day())

    assert (found.percent, found.known) == (None, timedelta(0))


moments = st.integers(0, 60 * 24 * 30 * 60).map(lambda seconds: NOW - timedelta(seconds=seconds))
histories = st.lists(st.builds(Event, st.sampled_from(KINDS), moments), max_size=30)
ordered = histories.map(lambda found: sorted(found, key=lambda event: event.at))
records = st.none() | st.builds(Record, moments, moments)


@given(histories, records, moments, moments, st.none() | moments)
def test_spans_fill_the_window_for_any_history(
    history: list[Event],
    lives: Record | None,
    one: datetime,
    other: datetime,
    up_since: datetime | None,
) -> None:
    begin, end = min(one, other), max(one, other)

    found = spans(history, lives, begin, end, up_since)

    assert sum((span.duration for span in found), timedelta(0)) == end - begin
    assert all(span.begin < span.end for span in found)
    assert all(first.end == second.begin for first, second in pairwise(found))
    assert all(first.presence != second.presence for first, second in pairwise(found))
    if found:
        assert (found[0].begin, found[-1].end) == (begin, end)
    percent = share(found).percent
    assert percent is None or 0 <= percent <= 100


@given(ordered, records, st.lists(moments, min_size=3, max_size=3))
def test_parts_of_a_window_add_up_to_the_whole(
    history: list[Event], lives: Record | None, cuts: list[datetime]
) -> None:
    begin, middle, end = sorted(cuts)
    whole = spans(history, lives, begin, end)

    first = share(list(clip(whole, begin, middle)))
    second = share(list(clip(whole, middle, end)))

    assert first.alive + second.alive == share(whole).alive
    assert first.known + second.known == share(whole).known


@given(ordered, records)
def test_a_hundred_percent_means_no_gap(history: list[Event], lives: Record | None) -> None:
    found = spans(history, lives, NOW - 30 * DAY, NOW)

    if share(found).percent == 100:
        assert Presence.GAP not in {span.presence for span in found}
