"""Heartbeats are sent on schedule, and judged by when they were due."""

import threading
from array import array
from collections import Counter
from itertools import pairwise

import pytest

from benchmarks.heartbeats.contestants import HttpContestant
from benchmarks.heartbeats.load import Target
from benchmarks.heartbeats.open_loop import table
from benchmarks.heartbeats.open_loop.comparison import measure_all
from benchmarks.heartbeats.open_loop.figures import OpenFigures, Row, open_figures
from benchmarks.heartbeats.open_loop.schedule import due_times
from benchmarks.heartbeats.open_loop.sender import OpenLoad, sender
from benchmarks.heartbeats.ratios import ratios
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import request
from tests.benchmarks.scripted_server import scripted_server, sized


def target_at(address: Address) -> Target:
    return Target(address, [request("POST", address, f"/{number}") for number in range(3)])


def load_of(right: int = 100, late: int = 0, unanswered: int = 0, due: int = 100) -> OpenLoad:
    return OpenLoad(
        due,
        right=right,
        late=late,
        unanswered=unanswered,
        latencies=array("d", [0.002] * right),
        delays=array("d", [0.0] * due),
        seconds=1.0,
    )


def figures_of(load: OpenLoad) -> OpenFigures:
    return open_figures(load, [750_000_000, 250_000_000])


def test_each_agent_has_one_heartbeat_per_period() -> None:
    due = list(due_times(agents=10, rate=5, seconds=4))
    assert due == sorted(due)
    assert len(due) == 20
    assert all(0 <= time < 4 for time in due)
    first, second = due[:10], due[10:]
    assert second == pytest.approx([time + 2 for time in first])


def test_a_run_shorter_than_a_period_has_its_share_of_heartbeats() -> None:
    assert len(due_times(agents=10_000, rate=500, seconds=2)) == pytest.approx(1_000, rel=0.1)


def test_gaps_between_heartbeats_vary() -> None:
    due = due_times(agents=1_000, rate=1_000, seconds=1)
    gaps = [later - earlier for earlier, later in pairwise(due)]
    assert min(gaps) < 0.0001
    assert max(gaps) > 0.003


def test_kept_connections_are_used_in_turn() -> None:
    with (
        scripted_server(lambda _: (sized(200), False)) as (address, seen),
        sender(target_at(address), 2, fresh=False) as one,
    ):
        loads = [one.run([0.0]) for _ in range(6)]
    assert sum(load.right for load in loads) == 6
    assert seen == [3, 3]


def test_connections_stay_open_for_the_next_run() -> None:
    with (
        scripted_server(lambda _: (sized(200), False)) as (address, seen),
        sender(target_at(address), 1, fresh=False) as one,
    ):
        one.run([0.0])
        one.run([0.0])
    assert seen == [2]


def test_each_heartbeat_can_have_a_connection_of_its_own() -> None:
    with (
        scripted_server(lambda _: (sized(200), False)) as (address, seen),
        sender(target_at(address), 100, fresh=True) as one,
    ):
        load = one.run([0.0, 0.01, 0.02])
    assert load.right == 3
    assert seen == [1, 1, 1]


def test_heartbeats_are_sent_while_others_wait_for_their_response() -> None:
    both_arrived = threading.Barrier(2)

    def script(_: int) -> tuple[bytes, bool]:
        both_arrived.wait(timeout=10)
        return sized(200), False

    with (
        scripted_server(script) as (address, _),
        sender(target_at(address), 2, fresh=False) as one,
    ):
        load = one.run([0.0, 0.01])
    assert load.right == 2


def test_a_latency_includes_the_wait_for_a_connection() -> None:
    released = threading.Event()
    timer = threading.Timer(0.2, released.set)

    def script(_: int) -> tuple[bytes, bool]:
        released.wait(timeout=10)
        return sized(200), False

    with (
        scripted_server(script) as (address, _),
        sender(target_at(address), 1, fresh=False) as one,
    ):
        timer.start()
        load = one.run([0.0, 0.05])
    assert load.right == 2
    # Due at 0.05 s, sent when the first response arrived.
    assert load.latencies[1] > 0.1


def test_a_heartbeat_without_response_is_unanswered() -> None:
    with (
        scripted_server(lambda _: (b"", False)) as (address, _),
        sender(target_at(address), 1, fresh=False) as one,
    ):
        load = one.run([0.0, 0.0])
    assert (load.right, load.unanswered) == (0, 2)


def test_wrong_responses_are_counted_by_status() -> None:
    with (
        scripted_server(lambda number: (sized(503 if number == 2 else 200), False)) as (address, _),
        sender(target_at(address), 1, fresh=False) as one,
    ):
        load = one.run([0.0, 0.01, 0.02])
    assert (load.right, dict(load.wrong)) == (2, {"503": 1})


def test_a_heartbeat_is_repeated_on_a_connection_that_the_server_closed() -> None:
    def script(number: int) -> tuple[bytes, bool]:
        return (b"", True) if number == 2 else (sized(200), False)

    with (
        scripted_server(script) as (address, _),
        sender(target_at(address), 1, fresh=False) as one,
    ):
        load = one.run([0.0, 0.1])
    assert (load.right, dict(load.wrong)) == (2, {})


def test_cpu_is_per_thousand_right_responses() -> None:
    assert figures_of(load_of(right=50, unanswered=50)).cpu == 20
    assert figures_of(load_of(right=0, unanswered=100)).cpu is None


def test_the_database_has_its_part_of_the_cpu() -> None:
    seen = figures_of(load_of())
    assert (seen.cpu, seen.database) == (10, 2.5)
    assert open_figures(load_of(), [1_000]).database is None


@pytest.mark.parametrize(("late", "holds"), [(1, True), (2, False)])
def test_a_server_holds_a_rate_if_99_percent_are_answered_in_time(late: int, holds: bool) -> None:
    seen = figures_of(load_of(late=late))
    assert seen.holds is holds
    assert ("does not hold the rate: 98.0% in time" in seen.notes) is not holds


def test_a_sender_that_is_behind_its_schedule_says_so() -> None:
    load = load_of()
    assert not figures_of(load).generator_was_limit
    load.delays = array("d", [0.0] * 98 + [0.006] * 2)
    assert figures_of(load).notes == "the load generator was the limit: p99 6.0 ms behind"


def test_a_sender_that_needs_a_whole_core_says_so() -> None:
    load = load_of()
    load.own_cpu = 0.95
    assert figures_of(load).generator_was_limit


def test_notes_have_what_was_wrong_and_missing() -> None:
    load = load_of(right=90, unanswered=4)
    load.wrong = Counter({"503": 6})
    assert "6 of 503; 4 unanswered" in figures_of(load).notes


def test_a_server_that_is_too_slow_is_not_tried_at_higher_rates() -> None:
    contestant = HttpContestant("any", "any", [], Target(("127.0.0.1", 1), []), 1)

    def measure_one(_: HttpContestant, rate: int, fresh: bool) -> OpenFigures:
        too_slow = fresh and rate == 500
        return figures_of(load_of(right=49, unanswered=51) if too_slow else load_of())

    measured = measure_all({"peer": contestant}, [5_000, 500], measure_one)
    assert [(row.rate, row.fresh, row.seen is not None) for row in measured] == [
        (500, False, True),
        (500, True, True),
        (5_000, False, True),
        (5_000, True, False),
    ]
    assert table.rows(measured)[-1][-1] == "not tried: too slow at a lower rate"


def test_ratios_are_of_kept_connections_at_their_rate() -> None:
    def row(name: str, rate: int, nanoseconds: int, *, fresh: bool = False) -> Row:
        return Row(name, rate, fresh, open_figures(load_of(), [nanoseconds]))

    measured = [
        row("ours", 5_000, 30),
        row("ours", 5_000, 90, fresh=True),
        row("hello-uvicorn", 5_000, 25),
        row("hello-granian", 5_000, 20),
        row("ours", 2_000, 40),
        row("etcd", 2_000, 100),
        Row("etcd", 5_000, False, None),
    ]
    lines = {ratio.name: ratio.line for ratio in ratios({}, measured)}
    assert lines["open-hello"] == "ratio open-hello 1.500"  # of the cheaper one
    assert lines["open-etcd"] == "ratio open-etcd 0.400"
    assert lines["etcd"] == "ratio etcd missing"


def test_a_verdict_says_that_the_load_generator_was_the_limit() -> None:
    load = load_of()
    ours = Row("ours", 2_000, False, open_figures(load, [40]))
    load.delays = array("d", [0.006] * 100)
    etcd = Row("etcd", 2_000, False, open_figures(load, [100]))
    [verdict] = [ratio.verdict for ratio in ratios({}, [ours, etcd]) if ratio.name == "open-etcd"]
    assert verdict == "open-etcd: 0.400 of at most 0.5: ok (the load generator was the limit)"
