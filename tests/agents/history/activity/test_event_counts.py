"""Registrations, deregistrations and expiries by the minute, counted from the events."""

import random
import threading
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from agents import leases
from agents.database.dialect import dialect
from agents.history import feed
from agents.history.activity import HeartbeatCounter, count_events, event_counts
from agents.models import ActivityMark, AgentEvent
from tests.agents.history.activity.minutes import happen, minutes, renew, total
from tests.agents.passing_time import fleet
from tests.agents.racing import Together, postgresql_only

pytestmark = pytest.mark.django_db

Kind = AgentEvent.Kind


def count_now() -> None:
    """Count all new events, even if the last count was a moment ago."""
    more = True
    while more:
        ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))
        more = count_events()


def expected(*kinds: str) -> dict[datetime, int]:
    """Count the events of these kinds by minute, independently."""
    moments = AgentEvent.objects.filter(kind__in=kinds).values_list("at", flat=True)
    return dict(Counter(at.replace(second=0, microsecond=0) for at in moments))


def assert_minutes_match_the_events() -> None:
    assert minutes("registrations") == expected(Kind.REGISTERED, Kind.RE_REGISTERED)
    assert minutes("deregistrations") == expected(Kind.DEREGISTERED)
    assert minutes("expiries") == expected(Kind.EXPIRED)


def test_a_registration_after_an_end_is_a_restart() -> None:
    for _ in range(3):
        leases.register(agent_id="a", host="h", port=1)
        leases.deregister(agent_id="a")

    count_now()

    assert (total("registrations"), total("restarts")) == (3, 2)


def test_registrations_deregistrations_and_expiries_are_counted() -> None:
    for agent_id in ("a", "a", "b", "c"):
        leases.register(agent_id=agent_id, host="h", port=1)
    leases.deregister(agent_id="b")
    leases.set_state(agent_id="c", state="draining", actor="admin:grace")
    fleet(3, silent_for=3600)
    leases.purge_expired(force=True)

    count_now()

    assert total("registrations") == 4
    assert total("restarts") == 1
    assert total("deregistrations") == 1
    assert total("expiries") == 3
    assert_minutes_match_the_events()


def test_an_expiry_belongs_to_the_minute_in_which_the_lease_ended() -> None:
    leases.register(agent_id="a", host="h", port=1)
    count_now()
    fleet(1, silent_for=7260, ttl=60)
    leases.purge_expired(force=True)

    count_now()

    [minute] = minutes("expiries")
    ended = timezone.now() - timedelta(hours=2)
    assert abs(ended - minute) < timedelta(seconds=70)


def test_counting_again_changes_nothing() -> None:
    happen(Kind.REGISTERED)
    happen(Kind.REGISTERED, ago=300)
    for _ in range(3):
        count_now()
        assert total("registrations") == 2


def test_counting_events_does_not_change_heartbeats() -> None:
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
    together: Together, monkeypatch: pytest.MonkeyPatch
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
    assert_minutes_match_the_events()


def test_skipped_ids_do_not_delay_the_count() -> None:
    happen(Kind.REGISTERED)
    count_events()
    dialect.skip_ids(AgentEvent, 1_000_000_000)
    happen(Kind.REGISTERED)
    ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))

    assert count_events() is False, "there is nothing left to count"

    assert total("registrations") == 2


def test_after_an_outage_counting_catches_up_in_steps(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(event_counts, "MAX_EVENTS", 50)
    happen(Kind.REGISTERED, ago=6 * 3600)
    count_now()
    some = random.Random(7)  # noqa: S311
    kinds = [Kind.REGISTERED, Kind.RE_REGISTERED, Kind.DEREGISTERED, Kind.EXPIRED, Kind.PURGED]
    for ago in sorted((some.uniform(0, 5 * 3600) for _ in range(400)), reverse=True):
        kind = some.choice(kinds)
        happen(kind, ago=ago + some.uniform(0, 900) if kind is Kind.EXPIRED else ago)

    assert count_events() is False, "the last count was a moment ago"
    ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))
    counts = 1
    while count_events():
        counts += 1

    assert counts > 4
    assert_minutes_match_the_events()


def test_counted_events_are_not_read_again(
    django_assert_num_queries: Callable[..., Any],
) -> None:
    happen(Kind.EXPIRED, ago=2000)
    happen(Kind.PURGED, ago=1000)
    count_now()

    ActivityMark.objects.update(counted_at=timezone.now() - timedelta(hours=1))
    with django_assert_num_queries(2):
        count_events()
    assert total("expiries") == 1


def test_events_are_counted_only_once_every_few_seconds() -> None:
    happen(Kind.REGISTERED)
    count_events()
    happen(Kind.REGISTERED)
    count_events()

    assert total("registrations") == 1


def test_the_first_count_covers_the_last_day() -> None:
    happen(Kind.REGISTERED, ago=10 * 86_400)
    happen(Kind.REGISTERED, ago=3600)

    count_now()

    assert total("registrations") == 1


@pytest.mark.django_db(transaction=True)
def test_processes_that_count_at_once_agree_with_the_events(together: Together) -> None:
    def register_and_count(number: int) -> None:
        for more in range(5):
            leases.register(agent_id=f"{number}-{more}", host="h", port=1)
            ActivityMark.objects.update(counted_at=datetime(2020, 1, 1, tzinfo=UTC))
            count_events()

    together(*[lambda number=number: register_and_count(number) for number in range(6)])
    count_now()

    assert total("registrations") == 30
    assert_minutes_match_the_events()
