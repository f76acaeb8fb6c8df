from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from agents import leases
from agents.leases import StaleLease, UnknownAgent
from agents.models import AgentEvent, AgentRecord
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db


def register(agent_id: str = "weather-1", **more: object) -> AgentRecord:
    details = {"host": "10.0.0.7", "port": 8000} | more
    return leases.register(agent_id=agent_id, **details).agent  # type: ignore[arg-type]


def age(agent_id: str, **since: float) -> None:
    """Let time pass for one agent."""
    agent = AgentRecord.objects.get(pk=agent_id)
    agent.last_heartbeat -= timedelta(**since)
    agent.save()


def history(agent_id: str) -> list[str]:
    events = AgentEvent.objects.filter(agent_id=agent_id).order_by("id")
    return list(events.values_list("kind", flat=True))


def executions() -> int:
    """Return how often prepared statements were executed on this connection."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT SUM(generic_plans + custom_plans) FROM pg_prepared_statements")
        [count] = cursor.fetchone()
    return int(count)


class TestRegister:
    def test_a_new_agent_is_alive_for_its_ttl(self) -> None:
        registration = leases.register(agent_id="a", host="h", port=1, ttl_seconds=90)

        agent = AgentRecord.objects.alive().get()
        assert registration.created
        assert agent == registration.agent
        assert agent.last_heartbeat == agent.registered_at
        assert (agent.expires_at - agent.last_heartbeat).total_seconds() == 90

    def test_omitted_fields_get_their_defaults(self) -> None:
        agent = register("weather-1")

        assert agent.agent_name == "weather-1"
        assert agent.ttl_seconds == 60
        assert agent.metadata == {}
        assert agent.status == "unknown"
        assert agent.state == "active"

    def test_every_given_field_is_stored(self) -> None:
        fields = {
            "agent_name": "Weather ☂",
            "host": "h",
            "port": 65535,
            "ttl_seconds": 86_400,
            "metadata": {"city": {"name": "Köln"}},
            "version": "1.2.3",
            "tags": ["eu", "weather"],
            "skills": ["forecast"],
            "status": "starting",
        }
        register("weather-1", **fields, address="192.0.2.7")

        agent = AgentRecord.objects.get()
        assert {name: getattr(agent, name) for name in fields} == fields
        assert agent.seen_address == "192.0.2.7"

    @pytest.mark.parametrize("again", [False, True])
    @pytest.mark.parametrize("address", ["192.0.2.7", "::ffff:192.0.2.7", "2001:DB8::7", None])
    def test_the_returned_agent_equals_the_stored_one(
        self, address: str | None, *, again: bool
    ) -> None:
        metadata = {"bb": 1e22, "a": [1.0, -0.0, 1e-7, None, {"": "☂"}]}
        if again:
            register("a", version="1")
            leases.set_state(agent_id="a", state="draining", actor="admin:ada")

        returned = register("a", metadata=metadata, tags=["b", "a"], address=address)

        stored = AgentRecord.objects.get()
        names = [field.attname for field in AgentRecord._meta.concrete_fields]
        assert [repr(getattr(returned, name)) for name in names] == [
            repr(getattr(stored, name)) for name in names
        ]
        event = AgentEvent.objects.latest("id")
        assert (event.pk, event.generation) == (stored.generation, stored.generation)
        assert (event.actor, event.reason) == ("agent", "")
        assert event.address == stored.seen_address

    @pytest.mark.skipif(connection.vendor == "sqlite", reason="SQLite has no prepared plans")
    def test_a_registration_takes_one_prepared_statement_on_postgresql(self) -> None:
        register("prepared")
        before = executions()

        for _ in ("new", "again"):
            with CaptureQueriesContext(connection) as queries:
                register("a")
            assert not queries.captured_queries  # Django does not see prepared statements

        assert executions() == before + 2

    @pytest.mark.skipif(connection.vendor != "sqlite", reason="one statement on PostgreSQL")
    def test_a_registration_takes_few_statements_on_sqlite(self) -> None:
        for _ in ("new", "again"):
            with CaptureQueriesContext(connection) as queries:
                register("a")
            assert len(queries) == 6  # with a savepoint within the test's transaction

    def test_registering_again_replaces_the_agents_fields_and_keeps_the_operators_state(
        self,
    ) -> None:
        first = register("a", tags=["old"], metadata={"old": 1}, version="1")
        leases.renew(agent_id="a", load=0.5, note="busy")
        leases.set_state(agent_id="a", state="draining", actor="admin:ada")

        registration = leases.register(agent_id="a", host="new", port=2)

        agent = AgentRecord.objects.get()
        assert not registration.created
        assert (agent.host, agent.port, agent.tags, agent.metadata) == ("new", 2, [], {})
        assert (agent.version, agent.load, agent.note) == ("", None, "")
        assert agent.state == "draining"
        assert agent.registered_at == first.registered_at
        assert agent.last_heartbeat >= first.last_heartbeat

    def test_generations_grow_even_after_a_purge_or_deregistration(self) -> None:
        generations = [register("a").generation, register("a").generation]
        age("a", hours=1)
        assert leases.purge_expired().purged == 1
        generations.append(register("a").generation)
        leases.deregister(agent_id="a")
        generations.append(register("a").generation)

        assert sorted(set(generations)) == generations

    @pytest.mark.parametrize(
        "wrong", [{"port": 0}, {"port": 65536}, {"ttl_seconds": 0}, {"ttl_seconds": 86_401}]
    )
    def test_constraints_of_the_database_enforce_the_limits(self, wrong: dict[str, int]) -> None:
        with pytest.raises(IntegrityError), transaction.atomic():
            register("a", **wrong)

        assert not AgentRecord.objects.exists()
        assert not AgentEvent.objects.exists()


class TestRenew:
    def test_a_renewed_lease_lasts_one_ttl_from_now(self) -> None:
        before = register("a")
        age("a", seconds=59)

        renewed = leases.renew(agent_id="a", generation=before.generation)

        agent = AgentRecord.objects.get()
        assert agent.last_heartbeat >= before.last_heartbeat
        assert renewed.last_heartbeat == agent.last_heartbeat
        assert renewed.expires_at == agent.expires_at

    def test_a_report_is_kept_until_the_next_one(self) -> None:
        register("a")
        leases.renew(agent_id="a", status="busy", load=0.75, note="a long job", address="::1")

        leases.renew(agent_id="a")

        agent = AgentRecord.objects.get()
        assert (agent.status, agent.load, agent.note) == ("busy", 0.75, "a long job")
        assert agent.seen_address == "::1"

    def test_a_report_can_be_cleared(self) -> None:
        register("a")
        leases.renew(agent_id="a", load=0.75, note="a long job")

        leases.renew(agent_id="a", load=0.0, note="")

        agent = AgentRecord.objects.get()
        assert (agent.load, agent.note) == (0.0, "")

    def test_only_the_named_agent_is_renewed(self) -> None:
        register("a")
        other = AgentFactory.create(expired=True)

        leases.renew(agent_id="a")

        assert AgentRecord.objects.get(pk=other.pk).last_heartbeat == other.last_heartbeat

    def test_an_expired_lease_is_renewed_until_it_is_purged(self) -> None:
        generation = register("a").generation
        age("a", hours=1)
        leases.renew(agent_id="a", generation=generation)
        assert AgentRecord.objects.alive().exists()

        age("a", hours=1)
        leases.purge_expired()
        with pytest.raises(UnknownAgent):
            leases.renew(agent_id="a", generation=generation)

    def test_an_older_generation_is_refused_and_changes_nothing(self) -> None:
        old = register("a").generation
        register("a")
        age("a", seconds=30)
        before = AgentRecord.objects.values().get()

        with pytest.raises(StaleLease):
            leases.renew(agent_id="a", generation=old, status="busy")

        assert AgentRecord.objects.values().get() == before

    def test_a_refusal_is_recorded_once_per_generation(self) -> None:
        old = [register("a").generation, register("a").generation]
        newest = register("a").generation
        for generation in [*old, *old]:
            with pytest.raises(StaleLease):
                leases.renew(agent_id="a", generation=generation, address="192.0.2.9")

        refused = AgentEvent.objects.filter(kind="refused").order_by("id")
        assert [event.generation for event in refused] == old
        assert refused[0].reason == f"the lease is held by generation {newest}"
        assert refused[0].address == "192.0.2.9"

    def test_a_generation_newer_than_the_record_is_an_unknown_agent(self) -> None:
        """The database was restored from a backup, and the agent has to register again."""
        generation = register("a").generation

        with pytest.raises(UnknownAgent):
            leases.renew(agent_id="a", generation=generation + 1)


class TestDeregister:
    def test_only_the_named_agent_is_deregistered(self) -> None:
        generation = register("a").generation
        other = register("b")

        leases.deregister(agent_id="a", generation=generation)

        assert AgentRecord.objects.get() == other

    def test_deregistering_an_unknown_agent_raises(self) -> None:
        with pytest.raises(UnknownAgent):
            leases.deregister(agent_id="a")

        assert not AgentEvent.objects.exists()

    def test_an_older_generation_cannot_remove_its_successor(self) -> None:
        old = register("a").generation
        register("a")

        with pytest.raises(StaleLease):
            leases.deregister(agent_id="a", generation=old)

        assert AgentRecord.objects.alive().exists()


class TestPurge:
    def test_expired_agents_are_purged_and_living_ones_stay(self) -> None:
        alive = AgentFactory.create_batch(3)
        AgentFactory.create_batch(4, expired=True)

        assert leases.purge_expired().purged == 4

        assert set(AgentRecord.objects.all()) == set(alive)
        assert leases.purge_expired().purged == 0

    @pytest.mark.parametrize("batch_size", [1, 2, 3, 6, 7])
    def test_batches_of_any_size_purge_all_expired_agents(self, batch_size: int) -> None:
        AgentFactory.create_batch(6, expired=True)

        assert leases.purge_expired(batch_size=batch_size).purged == 6
        assert not AgentRecord.objects.exists()

    def test_one_agent_is_purged_only_when_it_has_expired(self) -> None:
        AgentFactory.create(agent_id="alive")
        AgentFactory.create(agent_id="expired", expired=True)

        assert not leases.purge_one(agent_id="alive", actor="admin:ada")
        assert leases.purge_one(agent_id="expired", actor="admin:ada")
        assert not leases.purge_one(agent_id="unknown", actor="admin:ada")

        assert AgentRecord.objects.get().pk == "alive"
        assert history("alive") == []
        assert history("expired") == ["expired", "purged"]


class TestState:
    @pytest.mark.parametrize(
        ("state", "event"), [("draining", "drained"), ("quarantined", "quarantined")]
    )
    def test_the_operators_state_is_stored_and_recorded(self, state: str, event: str) -> None:
        register("a", status="ready")

        assert leases.set_state(agent_id="a", state=state, actor="admin:ada", reason="old host")
        assert not leases.set_state(agent_id="a", state=state, actor="admin:ada")
        agent = AgentRecord.objects.get()
        assert (agent.state, agent.status) == (state, "ready")

        assert leases.set_state(agent_id="a", state="active", actor="admin:ada")
        assert history("a") == ["registered", event, "resumed"]
        recorded = AgentEvent.objects.get(kind=event)
        assert (recorded.actor, recorded.reason) == ("admin:ada", "old host")

    def test_a_heartbeat_does_not_change_the_operators_state(self) -> None:
        register("a")
        leases.set_state(agent_id="a", state="quarantined", actor="admin:ada")

        assert leases.renew(agent_id="a", status="ready").state == "quarantined"

    def test_setting_the_state_of_an_unknown_agent_raises(self) -> None:
        with pytest.raises(UnknownAgent):
            leases.set_state(agent_id="a", state="draining", actor="admin:ada")


class TestHistory:
    def test_the_history_of_a_purged_agent_says_who_and_why(self) -> None:
        generation = register("a", address="192.0.2.7", ttl_seconds=30).generation
        age("a", minutes=5)
        expires_at = AgentRecord.objects.get().expires_at
        leases.purge_expired(actor="command")

        registered, expired, purged = AgentEvent.objects.order_by("id")
        assert (registered.kind, registered.actor) == ("registered", "agent")
        assert registered.address == "192.0.2.7"
        assert (expired.kind, expired.at) == ("expired", expires_at)
        assert expired.reason == "no heartbeat for 30 s"
        assert (purged.kind, purged.actor) == ("purged", "command")
        assert purged.at > expired.at
        assert {registered.generation, expired.generation, purged.generation} == {generation}

    def test_a_second_registration_has_its_own_kind_of_event(self) -> None:
        register("a")
        register("a")
        leases.deregister(agent_id="a", reason="stopped")
        register("a")

        assert history("a") == ["registered", "re-registered", "deregistered", "registered"]
        assert AgentEvent.objects.get(kind="deregistered").reason == "stopped"

    def test_renewals_are_not_recorded(self) -> None:
        register("a")
        for _ in range(3):
            leases.renew(agent_id="a")

        assert history("a") == ["registered"]
