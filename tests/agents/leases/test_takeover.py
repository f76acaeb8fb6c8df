"""No token takes over the id of a living agent, or registers more agents than it may."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import F
from django.test import Client
from rest_framework.test import APIClient

from agents import leases
from agents.models import AccessToken, AgentEvent, AgentRecord
from agents.tokens import access as access_tokens
from agents.tokens.enrollment import Enrolment, IdHeldByAnother, TooManyAgents
from tests.agents.racing import Together, behind_a_renewal, postgresql_only, wait_for_a_lock
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

VALID = {"agent_id": "a", "host": "h", "port": 1}
TAKEN = (
    "An agent that is alive has this id, and another token has registered it. "
    "The id is free when that agent deregisters or its lease ends."
)


@pytest.fixture
def token_mode(settings: Any) -> None:
    settings.REGISTRY_AUTH = "token"


def new_token(**terms: Any) -> str:
    _, text = access_tokens.issue(**({"name": "t", "actor": "command"} | terms))
    return text


def register(text: str, agent_id: str = "a") -> Any:
    api = APIClient(headers={"Authorization": f"Bearer {text}"})
    return api.post("/agents/register", VALID | {"agent_id": agent_id})


def expire(agent_id: str = "a") -> None:
    heartbeat = F("last_heartbeat") - timedelta(hours=1)
    AgentRecord.objects.filter(pk=agent_id).update(last_heartbeat=heartbeat)


@pytest.mark.usefixtures("token_mode")
class TestTakeover:
    def test_a_restarted_container_takes_over_its_own_id_at_once(self) -> None:
        token = new_token()
        first = register(token).json()

        again = register(token)

        assert again.status_code == 200
        assert again.json()["generation"] > first["generation"]
        zombie = APIClient(headers={"Lease-Token": first["lease_token"]})
        assert zombie.post("/agents/a/heartbeat").status_code == 409

    def test_another_token_cannot_take_over_a_living_id(self) -> None:
        first = register(new_token()).json()

        answer = register(new_token())

        assert (answer.status_code, answer.json()["detail"]) == (409, TAKEN)
        holder = APIClient(headers={"Lease-Token": first["lease_token"]})
        assert holder.post("/agents/a/heartbeat").status_code == 200
        assert AgentRecord.objects.get().generation == first["generation"]

    def test_a_refused_takeover_is_recorded_once_per_token(self) -> None:
        generation = register(new_token()).json()["generation"]
        others = [new_token(), new_token()]

        for _ in range(3):
            for other in others:
                register(other)

        refused = AgentEvent.objects.filter(kind="refused")
        keys = AccessToken.objects.order_by("pk").values_list("key", flat=True)[1:]
        assert sorted(event.actor for event in refused) == sorted(f"token:{key}" for key in keys)
        assert {event.reason for event in refused} == {
            f"generation {generation} is alive, and was registered by another token"
        }
        assert {event.address for event in refused} == {"127.0.0.1"}

    def test_an_id_is_free_when_its_lease_has_ended(self) -> None:
        register(new_token())
        expire()
        second = new_token()

        assert register(second).status_code == 200
        assert AgentRecord.objects.get().enrolled_by == second[4:16]

    def test_an_id_is_free_when_its_agent_has_deregistered(self) -> None:
        first = register(new_token()).json()
        APIClient(headers={"Lease-Token": first["lease_token"]}).delete("/agents/a")

        assert register(new_token()).status_code == 201

    def test_an_expired_lease_that_is_renewed_holds_its_id_again(self) -> None:
        first = register(new_token()).json()
        expire()
        APIClient(headers={"Lease-Token": first["lease_token"]}).post("/agents/a/heartbeat")

        assert register(new_token()).status_code == 409

    def test_staff_may_take_over_an_id_and_a_token_may_not_take_it_back(
        self, admin_client: Client
    ) -> None:
        token = new_token()
        register(token)

        taken = admin_client.post("/agents/register", VALID, content_type="application/json")

        assert taken.status_code == 200
        assert register(token).status_code == 409

    def test_no_token_can_take_over_a_living_agent_from_open_mode(
        self,
    ) -> None:
        AgentFactory.create(agent_id="a")
        assert register(new_token()).status_code == 409
        expire()
        assert register(new_token()).status_code == 200

    def test_two_tokens_with_the_same_prefix_are_different_holders(self) -> None:
        register(new_token(agent_prefix="a"))

        assert register(new_token(agent_prefix="a")).status_code == 409


def test_in_open_mode_the_newest_registration_holds_the_id() -> None:
    assert register(new_token()).status_code == 201
    assert register(new_token()).status_code == 200
    assert APIClient().post("/agents/register", VALID).status_code == 200
    assert AgentRecord.objects.get().enrolled_by == ""


class TestNumberOfAgents:
    def test_a_token_cannot_register_more_agents_than_its_limit(self) -> None:
        token = new_token(max_agents=2)
        assert register(token, "a").status_code == 201
        assert register(token, "b").status_code == 201

        answer = register(token, "c")

        assert (answer.status_code, answer.json()["detail"]) == (
            403,
            "This token may have at most 2 living agents.",
        )
        assert AgentRecord.objects.count() == 2
        assert AgentEvent.objects.exclude(agent_id="").count() == 2

    def test_a_tokens_own_agents_may_register_again_at_the_limit(self) -> None:
        token = new_token(max_agents=1)

        assert register(token, "a").status_code == 201
        assert register(token, "a").status_code == 200

    def test_expired_agents_do_not_count_even_before_they_are_purged(self) -> None:
        """A purge may be held while a whole fleet restarts with other ids."""
        token = new_token(max_agents=1)
        register(token, "a")
        expire("a")

        assert register(token, "b").status_code == 201
        assert (
            register(token, "a").status_code == 403
        )  # expired, so it would be the second one alive

    def test_agents_of_other_tokens_count_only_once_taken_over(self) -> None:
        register(new_token(), "a")
        token = new_token(max_agents=1)

        assert register(token, "b").status_code == 201
        assert register(token, "a").status_code == 403

    @pytest.mark.usefixtures("token_mode")
    def test_a_held_id_is_409_even_at_the_tokens_limit(self) -> None:
        register(new_token(), "a")
        token = new_token(max_agents=1)
        register(token, "b")

        assert register(token, "a").status_code == 409

    def test_agents_that_recovered_beyond_the_limit_may_register_again(self) -> None:
        token = new_token(max_agents=1)
        lease = register(token, "a").json()["lease_token"]
        expire("a")
        register(token, "b")
        APIClient(headers={"Lease-Token": lease}).post("/agents/a/heartbeat")
        assert AgentRecord.objects.alive().count() == 2

        assert register(token, "a").status_code == 200
        assert register(token, "b").status_code == 200
        assert register(token, "c").status_code == 403


@pytest.mark.django_db(transaction=True)
class TestRaces:
    def test_of_two_tokens_that_register_a_new_id_at_once_one_gets_it(
        self, together: Together
    ) -> None:
        enrolments = [Enrolment(f"token:{key}", key, takes_over=False) for key in "xy"]
        for number in range(10):
            agent_id = f"agent-{number}"
            won = together(*(lambda e=e: outcome(agent_id, e) for e in enrolments))  # noqa: B023

            assert sorted(won) == ["IdHeldByAnother", "registered"]
            winner = enrolments[won.index("registered")]
            assert AgentRecord.objects.get(pk=agent_id).enrolled_by == winner.token
            kinds = AgentEvent.objects.filter(agent_id=agent_id).order_by("pk")
            assert [event.kind for event in kinds] == ["registered", "refused"]

    def test_concurrent_registrations_do_not_exceed_the_limit(self, together: Together) -> None:
        token, _ = access_tokens.issue(name="t", actor="command", max_agents=3)
        enrolment = Enrolment("token", token.key, max_agents=3, takes_over=False)
        for number in range(5):
            ids = [f"agent-{number}-{one}" for one in range(8)]
            outcomes = together(*(lambda i=i: outcome(i, enrolment) for i in ids))

            assert sorted(outcomes) == ["TooManyAgents"] * 5 + ["registered"] * 3
            assert AgentRecord.objects.alive().count() == 3
            AgentRecord.objects.all().delete()

    @postgresql_only
    def test_the_second_registration_waits_for_the_first_and_counts_it(
        self, together: Together
    ) -> None:
        token, _ = access_tokens.issue(name="t", actor="command", max_agents=1)
        enrolment = Enrolment("token", token.key, max_agents=1, takes_over=False)
        first_is_in = threading.Event()

        def first() -> str:
            with transaction.atomic():
                first_outcome = outcome("a", enrolment)
                first_is_in.set()
                wait_for_a_lock()
            return first_outcome

        def second() -> str:
            assert first_is_in.wait(30)
            return outcome("b", enrolment)

        assert together(first, second) == ["registered", "TooManyAgents"]

    @postgresql_only
    def test_a_registration_that_waited_for_a_heartbeat_finds_the_id_alive(
        self, together: Together
    ) -> None:
        AgentFactory.create(agent_id="a", expired=True)

        def takeover() -> str:
            return outcome("a", Enrolment("token:x", "x", takes_over=False))

        assert behind_a_renewal(together, "a", takeover)[1] == "IdHeldByAnother"


def test_an_id_that_becomes_free_during_the_refusal_is_registered_after_all() -> None:
    AgentFactory.create(agent_id="a")

    def deregister_first(execute: Any, sql: str, *arguments: Any) -> Any:
        """Remove the holder just before the registry looks it up."""
        if sql.startswith("SELECT"):
            AgentRecord.objects.all().delete()
        return execute(sql, *arguments)

    enrolment = Enrolment("token:x", "x", takes_over=False)
    with connection.execute_wrapper(deregister_first):
        registration = leases.register(agent_id="a", host="h", port=1, enrolment=enrolment)

    assert registration.created
    assert [event.kind for event in AgentEvent.objects.all()] == ["registered"]


def outcome(agent_id: str, enrolment: Enrolment) -> str:
    try:
        leases.register(agent_id=agent_id, host="h", port=1, enrolment=enrolment)
    except (IdHeldByAnother, TooManyAgents) as error:
        return type(error).__name__
    return "registered"
