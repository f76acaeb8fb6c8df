"""A small run of `make discovery`, and its judgement of registries with one fault each."""

import io
import re
from pathlib import Path

import pytest

from benchmarks.discovery.__main__ import cost_of_crowd, report
from benchmarks.discovery.messages import Event, Faults, Message, delays, judge, visible, with_reads
from benchmarks.discovery.plan import Plan
from benchmarks.discovery.run import Run, web_processes
from benchmarks.fleet.own_registry import own_registry
from benchmarks.fleet.progress import Progress

HISTORY = [
    Event(1, "a", "registered", 0.0, 0.0),
    Event(2, "b", "registered", 1.0, 1.0),
    Event(3, "a", "drained", 10.0, 10.0),
    Event(4, "a", "expired", 20.0, 20.0),
    Event(5, "b", "re-registered", 30.0, 30.0),
    Event(6, "a", "recovered", 40.0, 40.0),
]


def sent(*positions: int, connected: float = 0.0) -> list[Message]:
    """Return the messages of these events, each received half a second late."""
    events = {event.number: event for event in HISTORY}
    return [
        Message(one, events[one].agent_id, events[one].at + 0.5, connected) for one in positions
    ]


def test_watchers_of_a_changing_fleet_miss_nothing_when_a_process_is_killed(
    postgres_programs: Path,
) -> None:
    plan = Plan(agents=40, watchers=10, duration=8.0, bound=60.0, crowd=30, idle_seconds=0.2)
    with own_registry(2) as registry:
        address = ("127.0.0.1", _port(registry.url))
        run = Run(plan, registry, address, Progress(io.StringIO()))
        run.execute()
        run.leave()
        assert len(web_processes(registry)) == 2
        cost = cost_of_crowd(plan, registry, address)

    assert run.is_good, report(run)
    assert len(run.events) >= 60, report(run)
    text = report(run)
    assert f"watchers 10, events {len(run.events)}, missed 0, out of order 0, " in text
    assert "duplicates after resume 0" in text
    assert re.fullmatch(r"30 watchers: -?\d+\.\d MB, \d+\.\d\d s of CPU a minute idle", cost)


def test_all_messages_in_order_are_no_faults() -> None:
    assert judge(HISTORY, 0, sent(1, 2, 3, 4, 5, 6)).are_none


def test_events_before_the_list_are_not_missed() -> None:
    assert judge(HISTORY, 3, sent(4, 5, 6)).are_none


@pytest.mark.parametrize("lost", [1, 2, 3, 4, 5, 6])
def test_each_event_without_a_message_is_missed(lost: int) -> None:
    messages = sent(*({1, 2, 3, 4, 5, 6} - {lost}))

    assert judge(HISTORY, 0, messages) == Faults(missed=1, out_of_order=0, duplicates=0)


def test_a_change_that_was_read_together_with_a_later_one_of_its_agent_is_not_missed() -> None:
    history = [*HISTORY, Event(7, "a", "drained", 41.0, 41.0)]
    late = Message(7, "a", 42.0, connected=0.0)

    assert judge(history, 0, [*sent(1, 2, 3, 4, 5), late]).are_none


def test_an_expiry_that_is_written_late_is_read_together_with_the_return() -> None:
    rows = [(1, "a", "expired", 10.0), (2, "a", "recovered", 14.0), (3, "b", "registered", 30.0)]
    late = [Message(2, "a", 14.5, 0.0), Message(3, "b", 30.5, 0.0)]

    events = with_reads(rows, late)

    assert [event.read for event in events] == [14.5, 14.5, 30.5]
    assert judge(events, 0, late).are_none


def test_changes_while_a_watcher_was_away_may_come_as_one() -> None:
    resumed = sent(5, 6, connected=35.0)

    assert judge(HISTORY, 0, [*sent(1, 2, 3), *resumed]).are_none
    assert judge(HISTORY, 0, [*sent(1, 2, 3), *sent(6, connected=15.0)]).missed == 2


def test_messages_sent_twice_and_in_the_wrong_order_are_counted() -> None:
    assert judge(HISTORY, 0, sent(1, 2, 3, 4, 5, 5, 6)) == Faults(0, 0, duplicates=1)
    assert judge(HISTORY, 0, sent(1, 3, 2, 4, 5, 6)) == Faults(0, out_of_order=1, duplicates=0)


def test_the_delay_of_an_expiry_is_that_of_watchers_that_were_connected() -> None:
    assert delays(HISTORY, sent(3, 4, 5)) == [0.5]
    assert delays(HISTORY, sent(4, connected=25.0)) == []


def test_what_happens_to_an_expired_agent_is_not_visible() -> None:
    dead = [Event(5, "a", "quarantined", 21.0, 21.0), Event(6, "a", "purged", 22.0, 22.0)]

    assert visible([*HISTORY[:4], *dead]) == HISTORY[:4]


def _port(url: str) -> int:
    return int(url.rpartition(":")[2])
