"""Any sequence of calls by agents, sweeps and operators agrees with a model made of a dict."""

from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from django.db.models import F
from hypothesis import HealthCheck, settings, strategies
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from agents import leases
from agents.leases import StaleLease, UnknownAgent
from agents.models import AgentEvent, AgentRecord

# Time passes in steps that are much longer than the test takes.
STEP = 500
IDS = strategies.sampled_from(["a", "b", "c"])
TTLS = strategies.sampled_from([STEP, 2 * STEP, 5 * STEP])
STATES = strategies.sampled_from(["active", "draining", "quarantined"])


@dataclass(frozen=True)
class Lease:
    generation: int
    ttl: int
    age: int = 0
    state: str = "active"

    @property
    def alive(self) -> bool:
        return self.age < self.ttl


class LeaseMachine(RuleBasedStateMachine):
    @initialize()
    def start(self) -> None:
        AgentRecord.objects.all().delete()
        AgentEvent.objects.all().delete()
        self.model: dict[str, Lease] = {}
        self.issued: dict[str, list[int]] = {"a": [], "b": [], "c": []}
        self.events: list[tuple[str, str]] = []
        self.refused: set[tuple[str, int]] = set()

    @rule(agent_id=IDS, ttl=TTLS)
    def register(self, agent_id: str, ttl: int) -> None:
        known = self.model.get(agent_id)

        registration = leases.register(agent_id=agent_id, host="h", port=1, ttl_seconds=ttl)

        generation = registration.agent.generation
        assert registration.created == (known is None)
        assert generation > max([0, *self.issued[agent_id]])
        self.issued[agent_id].append(generation)
        self.model[agent_id] = Lease(generation, ttl, state=known.state if known else "active")
        self.events.append((agent_id, "re-registered" if known else "registered"))

    @rule(agent_id=IDS, which=strategies.integers(0, 3))
    def renew(self, agent_id: str, which: int) -> None:
        """Renew with the token of the newest registration, an older one, or none."""
        generation = self._token(agent_id, which)
        expected = self._expected(agent_id, generation)
        if expected is None:
            leases.renew(agent_id=agent_id, generation=generation)
            self.model[agent_id] = replace(self.model[agent_id], age=0)
        else:
            with pytest.raises(expected):
                leases.renew(agent_id=agent_id, generation=generation)

    @rule(agent_id=IDS, which=strategies.integers(0, 3))
    def deregister(self, agent_id: str, which: int) -> None:
        generation = self._token(agent_id, which)
        expected = self._expected(agent_id, generation)
        if expected is None:
            leases.deregister(agent_id=agent_id, generation=generation)
            del self.model[agent_id]
            self.events.append((agent_id, "deregistered"))
        else:
            with pytest.raises(expected):
                leases.deregister(agent_id=agent_id, generation=generation)

    @rule(steps=strategies.integers(1, 3))
    def time_passes(self, steps: int) -> None:
        seconds = steps * STEP
        AgentRecord.objects.update(last_heartbeat=F("last_heartbeat") - timedelta(seconds=seconds))
        self.model = {
            agent_id: replace(lease, age=lease.age + seconds)
            for agent_id, lease in self.model.items()
        }

    @rule(batch_size=strategies.integers(1, 4))
    def sweep(self, batch_size: int) -> None:
        expired = [agent_id for agent_id, lease in self.model.items() if not lease.alive]

        assert leases.purge_expired(batch_size=batch_size).purged == len(expired)

        for agent_id in expired:
            del self.model[agent_id]
            self.events += [(agent_id, "expired"), (agent_id, "purged")]

    @rule(agent_id=IDS)
    def purge_one(self, agent_id: str) -> None:
        expired = agent_id in self.model and not self.model[agent_id].alive

        assert leases.purge_one(agent_id=agent_id, actor="admin:ada") == expired

        if expired:
            del self.model[agent_id]
            self.events += [(agent_id, "expired"), (agent_id, "purged")]

    @rule(agent_id=IDS, state=STATES)
    def set_state(self, agent_id: str, state: str) -> None:
        if agent_id not in self.model:
            with pytest.raises(UnknownAgent):
                leases.set_state(agent_id=agent_id, state=state, actor="admin:ada")
            return
        changes = self.model[agent_id].state != state

        assert leases.set_state(agent_id=agent_id, state=state, actor="admin:ada") == changes

        if changes:
            self.model[agent_id] = replace(self.model[agent_id], state=state)
            kinds = {"active": "resumed", "draining": "drained", "quarantined": "quarantined"}
            self.events.append((agent_id, kinds[state]))

    @rule(agent_id=IDS)
    def extend(self, agent_id: str) -> None:
        if agent_id not in self.model:
            with pytest.raises(UnknownAgent):
                leases.extend(agent_id=agent_id, actor="admin:ada")
            return

        leases.extend(agent_id=agent_id, actor="admin:ada")

        self.model[agent_id] = replace(self.model[agent_id], age=0)
        self.events.append((agent_id, "extended"))

    @invariant()
    def the_records_agree_with_the_model(self) -> None:
        found = AgentRecord.objects.values_list("pk", "generation", "ttl_seconds", "state")
        expected = {
            (agent_id, lease.generation, lease.ttl, lease.state)
            for agent_id, lease in self.model.items()
        }
        assert set(found) == expected

    @invariant()
    def exactly_the_living_are_listed(self) -> None:
        living = {agent_id for agent_id, lease in self.model.items() if lease.alive}
        assert set(AgentRecord.objects.alive().values_list("pk", flat=True)) == living
        expired = AgentRecord.objects.expired().values_list("pk", flat=True)
        assert set(expired) == set(self.model) - living

    @invariant()
    def the_history_is_complete(self) -> None:
        events = list(AgentEvent.objects.values_list("agent_id", "kind", "generation"))
        changes = [(agent_id, kind) for agent_id, kind, _ in events if kind != "refused"]
        assert sorted(changes) == sorted(self.events)
        refused = [(agent_id, number) for agent_id, kind, number in events if kind == "refused"]
        assert sorted(refused) == sorted(self.refused)

    def _token(self, agent_id: str, which: int) -> int | None:
        issued = self.issued[agent_id]
        return issued[-which] if 0 < which <= len(issued) else None

    def _expected(self, agent_id: str, generation: int | None) -> type[Exception] | None:
        lease = self.model.get(agent_id)
        if lease is None:
            return UnknownAgent
        if generation is None or generation == lease.generation:
            return None
        self.refused.add((agent_id, generation))
        return StaleLease


@pytest.mark.django_db
def test_the_leases_agree_with_a_simple_model() -> None:
    run_state_machine_as_test(
        LeaseMachine,
        settings=settings(
            max_examples=50,
            stateful_step_count=30,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
