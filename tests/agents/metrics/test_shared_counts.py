"""A small fleet is counted for each request, a large one periodically and by one thread."""

import threading

import pytest
from django.db import OperationalError

from agents.metrics.shared_counts import LARGE, OLDEST_SECONDS, SharedCount
from tests.agents.racing import Together


class Fleet:
    """Returns its size and the number of the count; `now` is the clock."""

    def __init__(self, agents: int) -> None:
        self.agents = agents
        self.now = 1_000.0
        self.counted = 0
        self.shared = SharedCount(self.count, lambda result: result[0], lambda: self.now)

    def count(self) -> tuple[int, int]:
        self.counted += 1
        return self.agents, self.counted


def test_a_small_fleet_is_counted_each_time() -> None:
    fleet = Fleet(agents=LARGE - 1)

    assert [fleet.shared.get() for _ in range(3)] == [(LARGE - 1, count) for count in (1, 2, 3)]


@pytest.mark.parametrize(
    ("agents", "seconds"), [(LARGE, 1), (100_000, 1), (300_000, 3), (10_000_000, 5)]
)
def test_a_large_fleet_is_counted_once_in_a_while(agents: int, seconds: float) -> None:
    fleet = Fleet(agents=agents)
    assert fleet.shared.get() == (agents, 1)

    fleet.now += seconds - 0.001
    assert fleet.shared.get() == (agents, 1)

    fleet.now += 0.001
    assert fleet.shared.get() == (agents, 2)


def test_a_fleet_that_has_become_small_is_counted_each_time_again() -> None:
    fleet = Fleet(agents=LARGE)
    fleet.shared.get()
    fleet.agents, fleet.now = 1, fleet.now + 1

    assert [fleet.shared.get() for _ in range(2)] == [(1, 2), (1, 3)]


def test_the_age_of_a_count_is_measured_from_its_start() -> None:
    class Slow(Fleet):
        def count(self) -> tuple[int, int]:
            self.now += 10
            return super().count()

    fleet = Slow(agents=LARGE)

    assert [fleet.shared.get() for _ in range(2)] == [(LARGE, 1), (LARGE, 2)]


def test_an_error_is_raised_instead_of_the_last_count_and_blocks_no_later_call() -> None:
    class Failing(Fleet):
        fails = False

        def count(self) -> tuple[int, int]:
            if self.fails:
                raise OperationalError
            return super().count()

    fleet = Failing(agents=LARGE)
    fleet.shared.get()
    fleet.now, fleet.fails = fleet.now + 1, True
    for _ in range(2):
        with pytest.raises(OperationalError):
            fleet.shared.get()
    fleet.fails = False

    assert fleet.shared.get() == (LARGE, 2)


@pytest.mark.parametrize(
    ("agents", "age", "expected"),
    [(LARGE, OLDEST_SECONDS - 1, 1), (LARGE, OLDEST_SECONDS, 3), (LARGE - 1, 0, 3)],
)
def test_during_a_count_others_get_the_last_one_unless_it_is_too_old(
    together: Together, agents: int, age: float, expected: int
) -> None:
    counting, go_on = threading.Event(), threading.Event()

    class Slow(Fleet):
        def count(self) -> tuple[int, int]:
            mine = super().count()
            if mine[1] == 2:
                counting.set()
                assert go_on.wait(30)
            return mine

    fleet = Slow(agents=agents)
    fleet.shared.get()
    fleet.now += age

    def another() -> tuple[int, int]:
        assert counting.wait(30)
        try:
            return fleet.shared.get()
        finally:
            go_on.set()

    assert together(fleet.shared.get, another) == [(agents, 2), (agents, expected)]
