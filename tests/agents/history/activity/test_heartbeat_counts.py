"""Heartbeats by the minute."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from rest_framework.test import APIClient

from agents.history.activity import HeartbeatCounter, heartbeat_counts
from agents.models import ActivityMinute
from tests.agents.conftest import Register, both_paths
from tests.agents.history.activity.minutes import Clock, database_failing, minutes, renew, total

pytestmark = pytest.mark.django_db


class Parameters:
    """Records the parameters of the last statement."""

    def __init__(self) -> None:
        self.last: Any = ()

    def __call__(self, execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        self.last = params
        return execute(sql, params, *rest)


@both_paths
def test_every_renewed_lease_is_counted_by_either_path(api: APIClient, register: Register) -> None:
    for agent_id in ("a", "b"):
        register(agent_id)
    counter = HeartbeatCounter()
    for _ in range(3):
        api.post("/agents/a/heartbeat")
    known = [{"agent_id": agent_id} for agent_id in ("a", "b", "unknown")]
    api.post("/agents/heartbeat", {"agents": known})
    api.post("/agents/unknown/heartbeat")

    counter.sample()
    counter.flush()

    assert total("heartbeats") == 5


def test_heartbeats_before_the_counter_was_made_do_not_count() -> None:
    renew(3)
    counter = HeartbeatCounter()

    counter.sample()
    counter.flush()

    assert not ActivityMinute.objects.exists()


def test_each_heartbeat_is_added_once_and_processes_add_up() -> None:
    one, other = HeartbeatCounter(), HeartbeatCounter()
    renew(3)
    for counter in (one, other):
        counter.sample()
        counter.flush()
        counter.flush()
    renew(1)
    one.sample()
    one.flush()

    assert total("heartbeats") == 7


def test_an_outage_of_the_database_loses_no_heartbeat_and_no_minute() -> None:
    clock = Clock()
    counter = HeartbeatCounter(clock)
    renew(2)
    counter.sample()
    with database_failing(), pytest.raises(OperationalError):
        counter.flush()
    clock.seconds += 120
    renew(5)
    counter.sample()

    counter.flush()

    [(early, two), (late, five)] = sorted(minutes("heartbeats").items())
    assert (two, five) == (2, 5)
    assert late - early == timedelta(minutes=2)
    assert abs(late - timezone.now()) < timedelta(minutes=2)


def test_waiting_samples_are_bounded_and_none_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(heartbeat_counts, "MAX_SAMPLES", 3)
    clock = Clock()
    counter = HeartbeatCounter(clock)
    for _ in range(10):
        renew(1)
        counter.sample()
        clock.seconds += 60

    with connection.execute_wrapper(parameters := Parameters()):
        counter.flush()

    assert len(parameters.last) == 2 * 3
    assert total("heartbeats") == 10


def test_without_heartbeats_nothing_is_written(
    django_assert_num_queries: Callable[..., Any],
) -> None:
    counter = HeartbeatCounter()
    counter.sample()
    with django_assert_num_queries(0):
        counter.flush()
