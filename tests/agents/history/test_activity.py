"""What happened by the minute: heartbeats as they were counted, the rest as the history has it."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.utils import timezone
from rest_framework.test import APIClient

from agents import leases
from agents.history import activity, feed
from agents.history.activity import (
    ActivityRecorder,
    HeartbeatCounter,
    count_events,
    event_counts,
    heartbeat_counts,
)
from agents.history.numbers import skip_numbers
from agents.models import ActivityMark, ActivityMinute, AgentEvent, AgentRecord
from tests.agents.conftest import Register, both_doors
from tests.agents.passing_time import fleet
from tests.agents.racing import Together, postgresql_only
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

Kind = AgentEvent.Kind


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def total(name: str) -> int:
    return sum(ActivityMinute.objects.values_list(name, flat=True))


def minutes(name: str) -> dict[datetime, int]:
    rows = ActivityMinute.objects.exclude(**{name: 0})
    return dict(rows.values_list("minute", name))


@contextmanager
def database_failing() -> Iterator[None]:
    def fail(*_: Any) -> Any:
        raise OperationalError("gone")

    with connection.execute_wrapper(fail):
        yield


class TestHeartbeats:
    @both_doors
    def test_each_lease_that_is_renewed_counts_by_whichever_door(
        self, api: APIClient, register: Register
    ) -> None:
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

    def test_what_was_before_the_tally_is_not_its(self) -> None:
        renew(3)
        counter = HeartbeatCounter()

        counter.sample()
        counter.flush()

        assert not ActivityMinute.objects.exists()

    def test_each_is_added_once_and_all_processes_together(self) -> None:
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

    def test_a_database_that_is_away_loses_none_and_each_minute_gets_its_own(self) -> None:
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

    def test_what_waits_for_the_database_is_bounded_and_none_is_lost(
        self, monkeypatch: pytest.MonkeyPatch
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

        assert len(parameters.seen) == 2 * 3
        assert total("heartbeats") == 10

    def test_nothing_is_written_where_nothing_happened(
        self, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        counter = HeartbeatCounter()
        counter.sample()
        with django_assert_num_queries(0):
            counter.flush()


class Parameters:
    """Keeps the parameters of the last statement."""

    def __init__(self) -> None:
        self.seen: Any = ()

    def __call__(self, execute: Any, sql: str, params: Any, *rest: Any) -> Any:
        self.seen = params
        return execute(sql, params, *rest)


def renew(times: int) -> None:
    AgentRecord.objects.filter(pk="renewed").exists() or AgentFactory.create(agent_id="renewed")
    for _ in range(times):
        leases.renew(agent_id="renewed")


# --- Events ---------------------------------------------------------------------------------


def happen(kind: str, *, ago: float = 0) -> AgentEvent:
    at = timezone.now() - timedelta(seconds=ago)
    return AgentEvent.objects.create(agent_id="a", kind=kind, at=at, actor="agent")


def count_now() -> None:
    """Count what is new, as if the last look had been long ago."""
    more = True
    while more:
        ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))
        more = count_events()


def of_the_history(*kinds: str) -> dict[datetime, int]:
    """Count by hand what the minutes should say."""
    moments = AgentEvent.objects.filter(kind__in=kinds).values_list("at", flat=True)
    return dict(Counter(at.replace(second=0, microsecond=0) for at in moments))


def assert_as_the_history_has_it() -> None:
    assert minutes("registrations") == of_the_history(Kind.REGISTERED, Kind.RE_REGISTERED)
    assert minutes("deregistrations") == of_the_history(Kind.DEREGISTERED)
    assert minutes("expiries") == of_the_history(Kind.EXPIRED)


class TestEvents:
    def test_what_happens_to_agents_is_counted(self) -> None:
        for agent_id in ("a", "a", "b", "c"):
            leases.register(agent_id=agent_id, host="h", port=1)
        leases.deregister(agent_id="b")
        leases.set_state(agent_id="c", state="draining", actor="admin:grace")
        fleet(3, silent_for=3600)
        leases.purge_expired(force=True)

        count_now()

        assert total("registrations") == 4
        assert total("deregistrations") == 1
        assert total("expiries") == 3
        assert_as_the_history_has_it()

    def test_an_expiry_belongs_to_the_minute_in_which_the_lease_ended(self) -> None:
        leases.register(agent_id="a", host="h", port=1)
        count_now()
        fleet(1, silent_for=7260, ttl=60)
        leases.purge_expired(force=True)

        count_now()

        [minute] = minutes("expiries")
        ended = timezone.now() - timedelta(hours=2)
        assert abs(ended - minute) < timedelta(seconds=70)

    def test_it_does_not_matter_how_often_it_is_done(self) -> None:
        happen(Kind.REGISTERED)
        happen(Kind.REGISTERED, ago=300)
        for _ in range(3):
            count_now()
            assert total("registrations") == 2

    def test_the_heartbeats_of_the_minute_stay(self) -> None:
        counter = HeartbeatCounter()
        renew(4)
        counter.sample()
        counter.flush()
        happen(Kind.REGISTERED)

        count_now()
        renew(1)
        counter.sample()
        counter.flush()

        assert total("heartbeats") == 5
        assert total("registrations") == 1

    @pytest.mark.django_db(transaction=True)
    @postgresql_only
    def test_an_event_that_commits_late_is_counted(
        self, together: Together, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(feed, "PATIENCE", 0.1)
        written, counted = threading.Event(), threading.Event()

        def late() -> None:
            with transaction.atomic():
                happen(Kind.REGISTERED, ago=300)
                written.set()
                assert counted.wait(30)

        def early() -> None:
            assert written.wait(30)
            happen(Kind.REGISTERED)
            count_now()
            counted.set()

        together(late, early)
        count_now()

        assert total("registrations") == 2
        assert_as_the_history_has_it()

    def test_numbers_that_were_skipped_do_not_delay_it(self) -> None:
        happen(Kind.REGISTERED)
        count_events()
        skip_numbers(1_000_000_000)
        happen(Kind.REGISTERED)
        ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))

        assert count_events() is False, "there is nothing left to count"

        assert total("registrations") == 2

    def test_after_a_pause_of_hours_all_are_counted_a_part_at_a_time(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(event_counts, "MAX_EVENTS", 50)
        happen(Kind.REGISTERED, ago=6 * 3600)
        count_now()
        some = random.Random(7)  # noqa: S311
        kinds = [Kind.REGISTERED, Kind.RE_REGISTERED, Kind.DEREGISTERED, Kind.EXPIRED, Kind.PURGED]
        for ago in sorted((some.uniform(0, 5 * 3600) for _ in range(400)), reverse=True):
            kind = some.choice(kinds)
            happen(kind, ago=ago + some.uniform(0, 900) if kind is Kind.EXPIRED else ago)

        assert count_events() is False, "it was just done"
        ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))
        looks = 1
        while count_events():
            looks += 1

        assert looks > 4
        assert_as_the_history_has_it()

    def test_what_is_settled_is_not_looked_at_again(
        self, django_assert_num_queries: Callable[..., Any]
    ) -> None:
        happen(Kind.EXPIRED, ago=2000)
        happen(Kind.PURGED, ago=1000)
        count_now()

        ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))
        with django_assert_num_queries(2):
            count_events()
        assert total("expiries") == 1

    def test_of_many_processes_one_does_it(self) -> None:
        happen(Kind.REGISTERED)
        count_events()
        happen(Kind.REGISTERED)
        count_events()

        assert total("registrations") == 1

    def test_a_registry_with_a_long_history_begins_with_a_day_of_it(self) -> None:
        happen(Kind.REGISTERED, ago=10 * 86_400)
        happen(Kind.REGISTERED, ago=3600)

        count_now()

        assert total("registrations") == 1

    @pytest.mark.django_db(transaction=True)
    def test_many_who_count_at_once_come_to_what_the_history_has(self, together: Together) -> None:
        def register_and_count(number: int) -> None:
            for more in range(5):
                leases.register(agent_id=f"{number}-{more}", host="h", port=1)
                ActivityMark.objects.update(counted_at=datetime(2020, 1, 1, tzinfo=UTC))
                count_events()

        together(*[lambda number=number: register_and_count(number) for number in range(6)])
        count_now()

        assert total("registrations") == 30
        assert_as_the_history_has_it()


class TestRecorder:
    def test_it_writes_now_and_then_and_not_each_time(
        self, django_assert_num_queries: Callable[..., Any]
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

    def test_without_a_database_it_goes_on_and_makes_up_for_it(self) -> None:
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


# --- What is kept, and how it is read -------------------------------------------------------


NOON = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def test_buckets_of_equal_length_end_with_the_one_of_now() -> None:
    rows = [
        (NOON - timedelta(minutes=31), 1, 1, 1, 1),
        (NOON - timedelta(minutes=30), 1, 2, 3, 4),
        (NOON - timedelta(minutes=1), 10, 20, 30, 40),
        (NOON, 5, 0, 0, 0),
        (NOON + timedelta(minutes=29), 0, 0, 0, 7),
        (NOON + timedelta(minutes=30), 9, 9, 9, 9),
    ]
    now = NOON + timedelta(minutes=20, seconds=59)

    buckets = activity.in_buckets(rows, now=now, number=2, minutes=30)

    assert buckets == [
        activity.Bucket(NOON - timedelta(minutes=30), 11, 22, 33, 44),
        activity.Bucket(NOON, 5, 0, 0, 7),
    ]


def test_a_bucket_in_which_nothing_happened_is_there_as_well() -> None:
    buckets = activity.in_buckets([], now=NOON, number=60, minutes=1)

    assert len(buckets) == 60
    assert buckets[-1] == activity.Bucket(NOON)
    assert buckets[0].begin == NOON - timedelta(minutes=59)


def test_minutes_are_read_from_a_moment_on() -> None:
    for minute in (0, 1, 2):
        ActivityMinute.objects.create(minute=NOON + timedelta(minutes=minute), heartbeats=minute)

    rows = activity.read_minutes(NOON + timedelta(minutes=1))

    assert [row[0].minute for row in rows] == [1, 2]
    assert [row[-1] for row in rows] == [1, 2]
