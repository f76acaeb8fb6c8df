"""An operator extends a lease, which renews it once on the agent's behalf."""

from datetime import timedelta

import pytest

from agents import leases
from agents.durations import exactly
from agents.models import MAX_EXTENSION_REASON_LENGTH, AgentEvent, AgentRecord
from tests.agents.racing import Together, behind_a_renewal, postgresql_only
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)

ADMIN = "admin:ada"
UNCHANGED = (
    "generation",
    "status",
    "load",
    "note",
    "seen_address",
    "state",
    "registered_at",
    "tags",
)


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
def test_an_extended_lease_ends_one_ttl_from_now_even_if_it_had_expired(expired: bool) -> None:
    silent = timedelta(seconds=1000 if expired else 200)
    agent = AgentFactory.create(ttl_seconds=300)
    AgentRecord.objects.update(last_heartbeat=agent.last_heartbeat - silent)

    until = leases.extend(agent_id=agent.pk, actor=ADMIN)

    assert timedelta(seconds=299) < time_left(agent) <= timedelta(seconds=300)
    assert AgentRecord.objects.alive().get().expires_at == until


def test_an_extension_changes_only_the_time() -> None:
    leases.register(agent_id="a", host="h", port=1, tags=["t"], address="192.0.2.7")
    leases.renew(agent_id="a", status="busy", load=0.5, note="n")
    leases.set_state(agent_id="a", state="draining", actor=ADMIN)
    before = AgentRecord.objects.values(*UNCHANGED).get()

    extend()

    assert AgentRecord.objects.values(*UNCHANGED).get() == before


def test_the_history_records_who_extended_until_when_and_why() -> None:
    agent = AgentFactory.create(agent_id="a")

    until = leases.extend(agent_id="a", actor=ADMIN, reason="it restores a backup")

    event = AgentEvent.objects.get()
    assert (event.kind, event.actor, event.generation) == ("extended", ADMIN, agent.generation)
    assert event.reason == f"until {exactly(until)}: it restores a backup"


def test_without_a_reason_the_event_says_until_when() -> None:
    AgentFactory.create(agent_id="a")

    until = leases.extend(agent_id="a", actor=ADMIN)

    assert AgentEvent.objects.get().reason == f"until {exactly(until)}"


def test_the_longest_reason_fits_into_the_event() -> None:
    AgentFactory.create(agent_id="a")

    assert extend(reason="r" * MAX_EXTENSION_REASON_LENGTH)

    assert len(AgentEvent.objects.get().reason) <= 256


def test_extending_an_unknown_agent_fails_and_records_nothing() -> None:
    with pytest.raises(leases.UnknownAgent):
        leases.extend(agent_id="gone", actor=ADMIN)

    assert not AgentEvent.objects.exists()


def test_the_next_heartbeat_renews_an_extended_lease() -> None:
    generation = leases.register(agent_id="a", host="h", port=1).agent.generation
    extend()

    assert leases.renew(agent_id="a", generation=generation).state == "active"


def test_a_concurrent_extension_and_purge_never_both_succeed(together: Together) -> None:
    """Either the agent is extended and alive, or it was purged first."""
    for number in range(10):
        agent_id = f"agent-{number}"
        AgentFactory.create(agent_id=agent_id, expired=True)

        extended, purged = together(
            lambda: extend(agent_id),  # noqa: B023 - used at once
            lambda: leases.purge_one(agent_id=agent_id, actor=ADMIN),  # noqa: B023
        )

        assert extended != purged
        assert AgentRecord.objects.alive().filter(pk=agent_id).exists() == extended


def test_a_concurrent_extension_does_not_undo_a_deregistration(together: Together) -> None:
    for number in range(10):
        agent_id = f"agent-{number}"
        AgentFactory.create(agent_id=agent_id)

        together(
            lambda: extend(agent_id),  # noqa: B023 - used at once
            lambda: leases.deregister(agent_id=agent_id),  # noqa: B023
        )

        assert not AgentRecord.objects.filter(pk=agent_id).exists()


@postgresql_only
def test_an_extension_that_waited_for_a_heartbeat_lasts_from_the_end_of_the_wait(
    together: Together,
) -> None:
    AgentFactory.create(agent_id="a", expired=True)

    def wait() -> object:
        return leases.extend(agent_id="a", actor=ADMIN)

    waited_until, until = behind_a_renewal(together, "a", wait)

    agent = AgentRecord.objects.get()
    assert agent.last_heartbeat > waited_until
    assert agent.expires_at == until
