"""An operator extends a lease: renewed once in its agent's place."""

from datetime import timedelta

import pytest

from agents import leases
from agents.durations import exactly
from agents.models import MAX_EXTENSION_REASON_LENGTH, AgentEvent, AgentRecord
from tests.agents.racing import Together, behind_a_renewal, postgresql_only
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = "admin:ada"
SAID = ("generation", "status", "load", "note", "seen_address", "state", "registered_at", "tags")


def extend(agent_id: str = "a", reason: str = "") -> bool:
    """Return whether there was an agent to extend."""
    try:
        leases.extend(agent_id=agent_id, actor=ADMIN, reason=reason)
    except leases.UnknownAgent:
        return False
    return True


def time_left(agent: AgentRecord) -> timedelta:
    read = AgentRecord.objects.with_read_at().get(pk=agent.pk)
    left: timedelta = read.expires_at - vars(read)["read_at"]
    return left


@pytest.mark.parametrize("expired", [False, True])
def test_a_lease_ends_a_ttl_from_now_also_one_that_had_ended(expired: bool) -> None:
    silent = timedelta(seconds=1000 if expired else 200)
    agent = AgentFactory.create(ttl_seconds=300)
    AgentRecord.objects.update(last_heartbeat=agent.last_heartbeat - silent)

    until = leases.extend(agent_id=agent.pk, actor=ADMIN)

    assert timedelta(seconds=299) < time_left(agent) <= timedelta(seconds=300)
    assert AgentRecord.objects.alive().get().expires_at == until


def test_all_but_the_time_stays_as_it_was() -> None:
    leases.register(agent_id="a", host="h", port=1, tags=["t"], address="192.0.2.7")
    leases.renew(agent_id="a", status="busy", load=0.5, note="n")
    leases.set_state(agent_id="a", state="draining", actor=ADMIN)
    before = AgentRecord.objects.values(*SAID).get()

    extend()

    assert AgentRecord.objects.values(*SAID).get() == before


def test_the_history_tells_who_did_it_until_when_and_why() -> None:
    agent = AgentFactory.create(agent_id="a")

    until = leases.extend(agent_id="a", actor=ADMIN, reason="it restores a backup")

    event = AgentEvent.objects.get()
    assert (event.kind, event.actor, event.generation) == ("extended", ADMIN, agent.generation)
    assert event.reason == f"until {exactly(until)}: it restores a backup"


def test_without_a_reason_it_tells_until_when() -> None:
    AgentFactory.create(agent_id="a")

    until = leases.extend(agent_id="a", actor=ADMIN)

    assert AgentEvent.objects.get().reason == f"until {exactly(until)}"


def test_the_longest_reason_has_room() -> None:
    AgentFactory.create(agent_id="a")

    assert extend(reason="r" * MAX_EXTENSION_REASON_LENGTH)

    assert len(AgentEvent.objects.get().reason) <= 256


def test_who_is_not_there_is_not_extended_and_not_told_of() -> None:
    with pytest.raises(leases.UnknownAgent):
        leases.extend(agent_id="gone", actor=ADMIN)

    assert not AgentEvent.objects.exists()


def test_the_agents_next_heartbeat_renews_it_as_ever() -> None:
    generation = leases.register(agent_id="a", host="h", port=1).agent.generation
    extend()

    assert leases.renew(agent_id="a", generation=generation).state == "active"


def test_an_extension_and_a_purge_at_once_leave_it_alive_or_gone(together: Together) -> None:
    """Whoever was told that it is extended finds it alive; else it was purged before."""
    for number in range(10):
        agent_id = f"agent-{number}"
        AgentFactory.create(agent_id=agent_id, expired=True)

        extended, purged = together(
            lambda: extend(agent_id),  # noqa: B023 - used at once
            lambda: leases.purge_one(agent_id=agent_id, actor=ADMIN),  # noqa: B023
        )

        assert extended != purged
        assert AgentRecord.objects.alive().filter(pk=agent_id).exists() == extended


def test_an_extension_and_a_deregistration_at_once_leave_nothing(together: Together) -> None:
    for number in range(10):
        agent_id = f"agent-{number}"
        AgentFactory.create(agent_id=agent_id)

        together(
            lambda: extend(agent_id),  # noqa: B023 - used at once
            lambda: leases.deregister(agent_id=agent_id),  # noqa: B023
        )

        assert not AgentRecord.objects.filter(pk=agent_id).exists()


@postgresql_only
def test_behind_a_heartbeat_it_lasts_from_when_it_had_waited(together: Together) -> None:
    AgentFactory.create(agent_id="a", expired=True)

    def wait() -> object:
        return leases.extend(agent_id="a", actor=ADMIN)

    waited_until, until = behind_a_renewal(together, "a", wait)

    agent = AgentRecord.objects.get()
    assert agent.last_heartbeat > waited_until
    assert agent.expires_at == until
