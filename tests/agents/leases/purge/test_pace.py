"""The sweeps of a very large fleet are further apart than their schedule."""

import pytest

from agents import leases, tasks
from agents.leases.fleet.last_count import LARGE
from agents.leases.purge.sweep_mark import report_sweeps
from agents.models import SweepMark
from tests.agents.passing_time import fleet, time_passes

pytestmark = pytest.mark.django_db

MARGIN = 15  # seconds that a test may take


def swept() -> bool:
    before = SweepMark.objects.get().at
    tasks.purge_expired()
    return SweepMark.objects.get().at > before


@pytest.mark.parametrize(("seconds", "pause"), [(0.4, 20), (0.8, 40), (1.2, 60), (10, 60)])
def test_the_pause_is_fifty_times_as_long_as_the_look_at_the_fleet_but_at_most_a_minute(
    seconds: float, pause: float
) -> None:
    tasks.purge_expired()
    SweepMark.objects.update(seconds=seconds)
    time_passes(pause - MARGIN)
    assert not swept()

    time_passes(MARGIN)

    assert swept()


def test_a_look_at_a_small_fleet_needs_no_pause() -> None:
    fleet(3)

    for _ in range(3):
        tasks.purge_expired()
        assert report_sweeps().is_due


def test_the_sweep_of_a_large_fleet_records_how_long_it_looked() -> None:
    fleet(LARGE)

    tasks.purge_expired()

    assert SweepMark.objects.get().seconds > 0
    assert not report_sweeps().is_due


def test_a_purge_by_an_operator_does_not_wait() -> None:
    tasks.purge_expired()
    SweepMark.objects.update(seconds=1)
    fleet(2, silent_for=70)

    assert leases.purge_expired().purged == 2


def test_a_sweep_that_pauses_is_not_overdue(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("agents.leases.purge.sweep_mark._started", float("-inf"))
    tasks.purge_expired()
    SweepMark.objects.update(seconds=0.6)
    time_passes(4 * 30 - MARGIN)
    assert not report_sweeps().overdue

    time_passes(MARGIN)

    assert report_sweeps().overdue


def test_after_the_clock_was_set_back_a_sweep_is_due() -> None:
    tasks.purge_expired()
    SweepMark.objects.update(seconds=1)

    time_passes(-3600)

    assert report_sweeps().is_due
