"""When a web process writes its activity."""

from collections.abc import Callable
from typing import Any

import pytest

from agents.history.activity import ActivityRecorder
from agents.models import AgentEvent
from tests.agents.history.activity.minutes import Clock, database_failing, happen, renew, total

pytestmark = pytest.mark.django_db

Kind = AgentEvent.Kind


def test_activity_is_written_once_in_ten_seconds(
    django_assert_num_queries: Callable[..., Any],
) -> None:
    clock = Clock()
    recorder = ActivityRecorder(clock)
    happen(Kind.REGISTERED)
    renew(2)
    for _ in range(4):
        clock.seconds += 2
        recorder.sample()
        with django_assert_num_queries(0):
            recorder.record()
    clock.seconds += 2

    recorder.record()

    assert (total("heartbeats"), total("registrations")) == (2, 1)


def test_activity_during_a_database_outage_is_written_afterwards() -> None:
    clock = Clock()
    recorder = ActivityRecorder(clock)
    renew(2)
    recorder.sample()
    clock.seconds += 10
    with database_failing():
        recorder.record()
    assert total("heartbeats") == 0

    clock.seconds += 10
    recorder.record()

    assert total("heartbeats") == 2
