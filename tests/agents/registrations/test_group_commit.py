"""Registrations committed together: each has its own outcome, none waits for another."""

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from agents import leases, rate_limits
from agents.leases import Registration
from agents.models import TOKEN_KEY_LENGTH, AgentEvent, AgentRecord
from agents.rate_limits import RateExceeded
from agents.registrations.calls import Call, ForDjango
from agents.registrations.group_commit import MAX_NEW_TOKENS, GroupCommit
from agents.tokens import access, right_tokens
from tests.agents.fast_path.client import FastPathClient
from tests.agents.heartbeats.test_group_commit import locked
from tests.agents.racing import postgresql_only

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_counts")]

REGISTER = "/agents/register"
ADDRESS = "10.0.0.9"


def registration(agent_id: str, **more: Any) -> dict[str, Any]:
    return {"agent_id": agent_id, "host": "10.0.0.7", "port": 8000, "ttl_seconds": 60} | more


def call_for(agent_id: str, token: str | None = None, **more: Any) -> Call:
    return Call(registration(agent_id, **more), token, ADDRESS, None)


def commit(*calls: Call) -> None:
    """Commit until each call has its outcome."""
    delivered: list[Call] = []
    group = GroupCommit(delivered.extend)
    for call in calls:
        assert group.offer(call)
    for _ in range(100):
        if len(delivered) == len(calls):
            return
        group.commit_waiting()
    pytest.fail("some calls have no outcome")


def token(**terms: Any) -> str:
    """Return an access token that was valid a moment ago."""
    text = access.issue(name="test", actor="test", **terms)[1]
    right_tokens.remember(text)
    return text


def kinds(*calls: Call) -> list[type]:
    return [type(call.outcome) for call in calls]


def test_a_batch_is_written_in_few_queries_with_an_event_for_each() -> None:
    leases.register(agent_id="a0", host="old", port=1, address=ADDRESS)
    calls = [call_for(f"a{number}", tags=[str(number)]) for number in range(50)]

    with CaptureQueriesContext(connection) as queries:
        commit(*calls)

    assert len(queries) < 10
    created = [call.outcome.created for call in calls if isinstance(call.outcome, Registration)]
    assert created == [False] + [True] * 49
    agents = {agent.agent_id: agent for agent in AgentRecord.objects.all()}
    events = {
        event.pk: event for event in AgentEvent.objects.filter(address=ADDRESS, actor="agent")
    }
    for number, call in enumerate(calls):
        agent = agents[call.agent_id]
        assert agent.tags == [str(number)]
        assert (agent.seen_address, agent.host) == (ADDRESS, "10.0.0.7")
        event = events[agent.generation]
        assert (event.agent_id, event.generation) == (agent.agent_id, agent.generation)


def test_registrations_of_one_id_are_written_in_order() -> None:
    first, other, second = call_for("a", host="h1"), call_for("b"), call_for("a", host="h2")

    commit(first, other, second)

    assert kinds(first, other, second) == [Registration] * 3
    assert AgentRecord.objects.get(pk="a").host == "h2"
    assert isinstance(first.outcome, Registration)
    assert isinstance(second.outcome, Registration)
    assert (first.outcome.created, second.outcome.created) == (True, False)
    assert first.outcome.agent.generation < second.outcome.agent.generation


@postgresql_only
def test_a_locked_record_is_left_to_django_without_delaying_the_others() -> None:
    for agent_id in ("a", "b"):
        leases.register(agent_id=agent_id, host="old", port=1)
    held, free, new = call_for("a"), call_for("b"), call_for("c")

    with locked("a"):
        commit(held, free, new)

    assert kinds(held, free, new) == [ForDjango, Registration, Registration]
    assert AgentRecord.objects.get(pk="a").host == "old"


def test_a_wrong_or_missing_token_is_left_to_django(settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    tokens = [token(), access.issue(name="new", actor="test")[1], "art_wrong", None]
    calls = [call_for(f"a{i}", one) for i, one in enumerate(tokens)]

    commit(*calls)

    assert kinds(*calls) == [Registration, Registration, ForDjango, ForDjango]
    assert right_tokens.was_right(str(tokens[1]))
    assert not right_tokens.was_right("art_wrong")
    assert set(AgentRecord.objects.values_list("agent_id", flat=True)) == {"a0", "a1"}


def test_many_wrong_tokens_cost_the_others_few_queries(settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_WRONG_TOKENS_PER_ADDRESS = "off"
    wrong = [f"art_{i:0{TOKEN_KEY_LENGTH}}_{'x' * 43}" for i in range(100)]
    calls = [call_for(f"w{i}", text) for i, text in enumerate(wrong)] + [call_for("a", token())]

    with CaptureQueriesContext(connection) as queries:
        commit(*calls)

    assert kinds(*calls) == [ForDjango] * 100 + [Registration]
    assert MAX_NEW_TOKENS <= len(queries) < MAX_NEW_TOKENS + 20


def test_a_new_token_is_left_to_django_after_too_many_wrong_ones_from_its_address(
    settings: Settings,
) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_WRONG_TOKENS_PER_ADDRESS = "1/hour"
    rate_limits.count("RATE_WRONG_TOKENS_PER_ADDRESS", ADDRESS)
    known, new = token(), access.issue(name="new", actor="test")[1]
    calls = [call_for("a", known), call_for("b", new)]

    commit(*calls)

    assert kinds(*calls) == [Registration, ForDjango]


@pytest.mark.parametrize(
    "terms",
    [{"may_register": False, "may_read": True}, {"agent_prefix": "b"}, {"max_agents": 5}],
    ids=["may not register", "another prefix", "a limited number"],
)
def test_a_token_with_limits_is_left_to_django(settings: Settings, terms: dict[str, Any]) -> None:
    settings.REGISTRY_AUTH = "token"
    call = call_for("a", token(**terms))

    commit(call)

    assert kinds(call) == [ForDjango]


def test_a_revoked_token_is_left_to_django(settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    text = token()
    commit(before := call_for("a", text))
    access.revoke(key=text.split("_")[1], actor="test")

    commit(after := call_for("b", text))

    assert kinds(before, after) == [Registration, ForDjango]


def test_a_batch_is_admitted_up_to_the_rate(settings: Settings) -> None:
    settings.RATE_REGISTER_PER_ADDRESS = "7/hour"
    calls = [call_for(f"a{number}") for number in range(10)]

    commit(*calls)

    assert kinds(*calls) == [Registration] * 7 + [RateExceeded] * 3
    assert AgentRecord.objects.count() == 7


def test_the_rate_of_an_id_is_counted(settings: Settings) -> None:
    settings.RATE_REGISTER_PER_AGENT = "2/hour"
    calls = [call_for("a") for _ in range(3)]

    commit(*calls)

    assert kinds(*calls) == [Registration, Registration, RateExceeded]


def test_an_id_of_another_token_is_refused_like_by_django_and_counted_once(
    settings: Settings,
) -> None:
    settings.REGISTRY_AUTH = "token"
    settings.RATE_REGISTER_PER_TOKEN = "2/hour"
    commit(call_for("a", token()))
    client = FastPathClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {token()}")

    responses = [client.post(REGISTER, registration("a")) for _ in range(3)]

    assert [response.status_code for response in responses] == [409, 409, 429]
    assert AgentEvent.objects.filter(agent_id="a", kind="refused").count() == 1


def test_the_first_use_of_a_token_gets_the_same_response_as_the_next(settings: Settings) -> None:
    settings.REGISTRY_AUTH = "token"
    record, text = access.issue(name="test", actor="test")
    client = FastPathClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {text}")

    responses = [client.post(REGISTER, registration("a")) for _ in range(2)]

    assert [response.status_code for response in responses] == [201, 200]
    assert client.taken == [True, True]
    assert responses[0].headers["Vary"] == responses[1].headers["Vary"]
    assert set(AgentEvent.objects.filter(agent_id="a").values_list("actor", flat=True)) == {
        f"token:{record.key}"
    }


def test_a_row_the_database_refuses_does_not_fail_the_others() -> None:
    calls = [call_for("a"), call_for("b", ttl_seconds=0), call_for("c")]

    commit(*calls)

    assert [type(call.outcome).__name__ for call in calls] == [
        "Registration",
        "IntegrityError",
        "Registration",
    ]
