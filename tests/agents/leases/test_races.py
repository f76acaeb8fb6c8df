"""The rules of leases hold when several processes act at once, on both databases."""

import threading
from datetime import timedelta

import pytest
from django.db import transaction
from django.db.models import F

from agents import leases
from agents.models import AgentEvent, AgentRecord
from tests.agents.racing import Together, behind_a_renewal, postgresql_only
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def register(agent_id: str = "a") -> leases.Registration:
    return leases.register(agent_id=agent_id, host="h", port=1)


def renewed(agent_id: str, generation: int | None = None) -> bool | str:
    """Return True if the heartbeat was accepted, else the name of the error."""
    try:
        leases.renew(agent_id=agent_id, generation=generation)
    except (leases.UnknownAgent, leases.StaleLease) as error:
        return type(error).__name__
    return True


def test_of_concurrent_registrations_one_is_new_and_the_newest_holds_the_lease(
    together: Together,
) -> None:
    for number in range(10):
        agent_id = f"agent-{number}"
        registrations = together(*[lambda: register(agent_id)] * 8)  # noqa: B023 - used at once

        generations = [registration.agent.generation for registration in registrations]
        assert len(set(generations)) == 8
        assert [r.created for r in registrations].count(True) == 1
        assert AgentRecord.objects.get(pk=agent_id).generation == max(generations)
        events = AgentEvent.objects.filter(agent_id=agent_id).order_by("id")
        assert [event.generation for event in events] == sorted(generations)
        assert [event.kind for event in events] == ["registered"] + ["re-registered"] * 7


def test_an_old_generation_is_refused_once_a_new_one_is_registered(together: Together) -> None:
    for _ in range(10):
        old = register().agent.generation
        *_, new = together(*[lambda: renewed("a", old)] * 6, lambda: register().agent.generation)  # noqa: B023

        assert renewed("a", old) == "StaleLease"
        assert isinstance(new, int)
        assert renewed("a", new) is True


def test_concurrent_sweeps_and_heartbeats_lose_no_renewed_agent(
    together: Together,
) -> None:
    """Renewed agents are alive, and agents that got 404 are gone."""
    AgentFactory.create_batch(200, expired=True)
    ids = list(AgentRecord.objects.values_list("pk", flat=True))

    def heartbeats(mine: list[str]) -> dict[str, bool | str]:
        return {agent_id: renewed(agent_id) for agent_id in mine}

    sweeps = [lambda: leases.purge_expired(batch_size=7).purged] * 2
    *counts, first, second = together(
        *sweeps, lambda: heartbeats(ids[::2]), lambda: heartbeats(ids[1::2])
    )

    assert isinstance(first, dict)
    assert isinstance(second, dict)
    results = first | second
    alive = {agent_id for agent_id in ids if results[agent_id] is True}
    assert set(AgentRecord.objects.alive().values_list("pk", flat=True)) == alive
    assert AgentRecord.objects.count() == len(alive)
    assert sum(count for count in counts if isinstance(count, int)) == len(ids) - len(alive)
    assert AgentEvent.objects.filter(kind="purged").count() == len(ids) - len(alive)


def test_concurrent_sweeps_purge_and_record_each_agent_once(
    together: Together,
) -> None:
    AgentFactory.create_batch(300, expired=True)

    counts = together(*[lambda: leases.purge_expired(batch_size=10).purged] * 4)

    assert sum(counts) == 300
    assert AgentEvent.objects.filter(kind="expired").count() == 300


@postgresql_only
def test_an_agent_whose_renewal_is_not_yet_committed_survives_the_sweep(
    together: Together,
) -> None:
    """The sweep still sees it as expired, but skips its locked row."""
    AgentFactory.create(agent_id="renewing", expired=True)
    AgentFactory.create(agent_id="dead", expired=True)
    swept = threading.Event()

    def renewal() -> None:
        with transaction.atomic():
            leases.renew(agent_id="renewing")
            renewing.set()
            assert swept.wait(30)

    def sweep() -> int:
        assert renewing.wait(30)
        try:
            return leases.purge_expired().purged
        finally:
            swept.set()

    renewing = threading.Event()
    assert together(renewal, sweep)[1] == 1  # it skipped the locked row and purged the other
    assert AgentRecord.objects.alive().get().pk == "renewing"


@postgresql_only
def test_an_agent_that_renews_while_its_deletion_waits_survives(
    together: Together,
) -> None:
    """The DELETE's own condition is evaluated again after waiting for the row."""
    AgentFactory.create(agent_id="a", expired=True)

    def purge() -> bool:
        return leases.purge_one(agent_id="a", actor="admin:ada")

    assert behind_a_renewal(together, "a", purge)[1] is False
    assert AgentRecord.objects.alive().exists()


@postgresql_only
def test_a_registration_that_waited_lasts_from_the_end_of_the_wait(together: Together) -> None:
    AgentFactory.create(agent_id="a")

    waited_until, registration = behind_a_renewal(together, "a", register)

    last_heartbeat = registration.agent.last_heartbeat
    assert last_heartbeat > waited_until
    assert AgentEvent.objects.get().at == last_heartbeat


def test_a_concurrent_sweep_does_not_undo_a_registration(
    together: Together,
) -> None:
    for _ in range(10):
        register()
        AgentRecord.objects.update(last_heartbeat=F("last_heartbeat") - timedelta(hours=1))

        together(register, leases.purge_expired)

        assert AgentRecord.objects.alive().exists()
