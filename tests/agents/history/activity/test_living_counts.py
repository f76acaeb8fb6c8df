"""The number of living agents is written once a minute."""

import pytest

from agents.history.activity import LivingRecorder
from agents.history.activity.living_counts import INTERVAL, write_living
from agents.models import ActivityMinute
from tests.agents.history.activity.minutes import Clock, happen

pytestmark = pytest.mark.django_db


def written() -> list[int | None]:
    return list(ActivityMinute.objects.order_by("minute").values_list("alive", flat=True))


def test_the_living_are_counted_once_a_minute_for_all_processes() -> None:
    clock, counts = Clock(), iter([53, 54, 55])
    processes = [LivingRecorder(lambda: next(counts), clock) for _ in range(2)]

    for _ in range(3):
        for process in processes:
            process.record()
        clock.seconds += INTERVAL

    # A minute may have begun meanwhile.
    assert written() in ([53], [53, 54])


def test_a_process_looks_only_now_and_then() -> None:
    clock = Clock()
    recorder = LivingRecorder(lambda: 53, clock)
    recorder.record()
    ActivityMinute.objects.all().delete()

    clock.seconds += INTERVAL - 1
    recorder.record()
    assert written() == []

    clock.seconds += 1
    recorder.record()
    assert written() == [53]


def test_what_another_process_has_written_stays_and_other_counts_too() -> None:
    happen("registered")
    write_living(53)
    ActivityMinute.objects.update(heartbeats=7)

    write_living(54)

    assert set(ActivityMinute.objects.values_list("alive", "heartbeats")) <= {(53, 7), (54, 0)}
