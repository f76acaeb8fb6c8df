"""Leases that end, and are renewed after that, leave events."""

from collections.abc import Iterable
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.db.models import F

from agents import leases
from agents.history.record import Kind
from agents.leases.expiry import lookout as module
from agents.leases.expiry.lookout import Lookout
from agents.leases.purge.registry_uptime import pulse
from agents.models import AgentEvent, AgentRecord
from tests.agents.passing_time import fleet, heartbeats, time_passes
from tests.agents.racing import Together, postgresql_only

pytestmark = pytest.mark.django_db
LIFE = [Kind.EXPIRED, Kind.RECOVERED, Kind.PURGED]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ten seconds pass between two looks at the fleet."""
    monkeypatch.setattr(module, "SHORTEST_PAUSE_SECONDS", 10.0)


@pytest.fixture
def lookout(clock: Clock) -> Lookout:
    return Lookout(clock)


def later(clock: Clock, seconds: float) -> None:
    """Let time pass for the database, and for the process."""
    time_passes(seconds)
    clock.now += seconds


def events(*kinds: str) -> list[tuple[str, str]]:
    found = AgentEvent.objects.filter(kind__in=kinds or LIFE).order_by("pk")
    return list(found.values_list("agent_id", "kind"))


@pytest.mark.usefixtures("seldom")
def test_what_one_check_leaves_the_next_writes(
    lookout: Lookout, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_BATCHES", 1)
    monkeypatch.setattr(module, "BATCH_SIZE", 1)
    monkeypatch.setattr("agents.leases.expiry.record.BATCH_SIZE", 1)
    lookout.check()  # looks at the fleet
    for agent_id in ("a", "b"):
        leases.register(agent_id=agent_id, host="h", port=80, ttl_seconds=1)
    later(clock, 2)

    assert [lookout.check(), lookout.check()] == [1, 1]
    assert sorted(events(Kind.EXPIRED)) == [("a", Kind.EXPIRED), ("b", Kind.EXPIRED)]


def test_an_expiry_is_recorded_once_with_the_end_of_the_lease(
    lookout: Lookout, clock: Clock
) -> None:
    [agent] = fleet(1, silent_for=61)
    end = AgentRecord.objects.get().expires_at

    assert lookout.check() == 1
    later(clock, 2)
    assert lookout.check() == 0

    event = AgentEvent.objects.get()
    assert (event.agent_id, event.kind, event.actor) == (agent, Kind.EXPIRED, "registry")
    assert event.reason == "no heartbeat for 60 s"
    assert event.at == end - timedelta(seconds=2)


def test_living_agents_have_no_events(lookout: Lookout, clock: Clock) -> None:
    fleet(3, silent_for=30)

    for _ in range(5):
        assert lookout.check() == 0
        later(clock, 1)


def test_a_heartbeat_after_the_end_is_a_recovery(lookout: Lookout, clock: Clock) -> None:
    [agent] = fleet(1, silent_for=61)
    lookout.check()
    heartbeats()
    later(clock, 2)
    renewed = AgentRecord.objects.get().last_heartbeat

    assert lookout.check() == 1
    assert events() == [(agent, Kind.EXPIRED), (agent, Kind.RECOVERED)]
    assert AgentEvent.objects.get(kind=Kind.RECOVERED).at == renewed
    assert lookout.check() == 0


def test_an_agent_that_expires_again_has_another_event(lookout: Lookout, clock: Clock) -> None:
    fleet(1, silent_for=61)
    lookout.check()
    heartbeats()
    later(clock, 61)
    lookout.check()

    assert [kind for _, kind in events()] == [Kind.EXPIRED, Kind.RECOVERED, Kind.EXPIRED]


def test_a_registration_after_the_end_is_no_recovery(lookout: Lookout, clock: Clock) -> None:
    [agent] = fleet(1, silent_for=61)
    lookout.check()
    leases.register(agent_id=agent, host="h", port=1)
    later(clock, 2)
    lookout.check()

    assert events(*LIFE, Kind.RE_REGISTERED) == [
        (agent, Kind.EXPIRED),
        (agent, Kind.RE_REGISTERED),
    ]


def test_a_purge_does_not_repeat_the_expiry(lookout: Lookout) -> None:
    noticed, _ = fleet(2, silent_for=61)
    AgentRecord.objects.exclude(pk=noticed).update(
        last_heartbeat=F("last_heartbeat") + timedelta(2)
    )
    lookout.check()
    AgentRecord.objects.exclude(pk=noticed).update(
        last_heartbeat=F("last_heartbeat") - timedelta(2)
    )
    pulse()
    leases.purge_expired(force=True)

    assert sorted(kind for _, kind in events()) == sorted([Kind.EXPIRED, Kind.PURGED] * 2)
    assert events()[:1] == [(noticed, Kind.EXPIRED)]


def test_an_agent_that_recovered_and_expired_unseen_is_purged_with_its_second_expiry(
    lookout: Lookout,
) -> None:
    [agent] = fleet(1, silent_for=61)
    lookout.check()
    AgentRecord.objects.update(last_heartbeat=F("last_heartbeat") + timedelta(seconds=0.5))
    leases.purge_one(agent_id=agent, actor="admin:ada")

    assert [kind for _, kind in events()] == [Kind.EXPIRED, Kind.EXPIRED, Kind.PURGED]


def test_another_process_goes_on_where_one_stopped(lookout: Lookout, clock: Clock) -> None:
    recovering, _ = fleet(2, silent_for=61)
    lookout.check()
    heartbeats([recovering])
    fleet(1, silent_for=61, prefix="new")

    assert Lookout(clock).check() == 2
    assert sorted(kind for _, kind in events()) == [Kind.EXPIRED] * 3 + [Kind.RECOVERED]


@pytest.mark.usefixtures("seldom")
def test_a_lease_that_ends_between_two_looks_is_found_without_one(
    lookout: Lookout, clock: Clock
) -> None:
    fleet(1, silent_for=55)
    lookout.check()
    looks = lookout.looks
    later(clock, 6)

    assert lookout.check() == 1
    assert lookout.looks == looks


def test_slow_searches_do_not_delay_the_ends_that_a_look_has_found(
    lookout: Lookout, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow() -> list[str]:
        clock.now += 1.0
        return []

    [agent_id] = fleet(1, silent_for=58)
    lookout.check()
    monkeypatch.setattr(module, "find_recovered", slow)
    lookout.check()  # the next search is due in 25 s

    later(clock, 3)
    assert lookout.check() == 1
    assert events() == [(agent_id, "expired")]


@pytest.mark.usefixtures("seldom")
def test_a_short_lease_that_begins_after_a_look_is_found_without_another(
    lookout: Lookout, clock: Clock
) -> None:
    fleet(1)
    lookout.check()
    looks = lookout.looks
    fleet(1, ttl=5)
    later(clock, 6)

    assert lookout.check() == 1
    assert lookout.looks == looks


@pytest.mark.usefixtures("seldom")
def test_a_renewed_lease_that_was_about_to_end_is_left_alone(
    lookout: Lookout, clock: Clock
) -> None:
    fleet(1, silent_for=55)
    lookout.check()
    heartbeats()
    later(clock, 6)

    assert lookout.check() == 0


def test_of_a_fleet_that_expires_at_once_every_agent_has_its_event(
    lookout: Lookout, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_ENDING", 50)
    ids = fleet(120, silent_for=61)

    for _ in range(3):
        lookout.check()
        clock.now += module.TICK_SECONDS

    assert sorted(agent for agent, _ in events()) == sorted(ids)


@pytest.mark.parametrize("batch", [7, 1000])
def test_of_a_fleet_that_recovers_at_once_every_agent_has_its_event(
    lookout: Lookout, clock: Clock, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    fleet(20, silent_for=61)
    lookout.check()
    monkeypatch.setattr(module, "BATCH_SIZE", batch)
    monkeypatch.setattr("agents.leases.expiry.record.BATCH_SIZE", batch)
    heartbeats()
    later(clock, 2)

    assert lookout.check() == 20


@pytest.mark.django_db(transaction=True)
class TestRaces:
    @postgresql_only
    def test_a_locked_record_is_left_for_the_next_check(
        self, together: Together, lookout: Lookout, clock: Clock
    ) -> None:
        [agent] = fleet(1, silent_for=61)

        with transaction.atomic():
            AgentRecord.objects.select_for_update().get()
            [checked] = together(lambda: Lookout(clock).check())

        assert checked == 0
        assert lookout.check() == 1
        assert events() == [(agent, Kind.EXPIRED)]

    def test_processes_that_look_and_purge_at_once_write_each_event_once(
        self, together: Together
    ) -> None:
        ids = fleet(300, silent_for=61)

        def purge() -> None:
            leases.purge_expired(force=True, batch_size=7)

        together(*[lambda: Lookout().check() for _ in range(3)], purge, purge)
        leases.purge_expired(force=True)

        assert by_agent(events()) == {agent: [Kind.EXPIRED, Kind.PURGED] for agent in ids}


def by_agent(found: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    kinds: dict[str, list[str]] = {}
    for agent, kind in found:
        kinds.setdefault(agent, []).append(kind)
    return kinds


@postgresql_only
def test_heartbeats_stay_hot() -> None:
    """No index has a column that heartbeats write."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE tablename = 'agents_agentrecord'")
        definitions = [row[0] for row in cursor.fetchall()]

    assert len(definitions) >= 4
    for column in ("last_heartbeat", "status", "load", "note", "seen_address"):
        assert not [text for text in definitions if column in text]
