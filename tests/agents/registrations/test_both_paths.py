"""The fast path and the DRF action: the same registration, the same response, the same rows."""

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase
from rest_framework.test import APIClient

from agents.models import AgentCard, AgentEvent, AgentRecord
from agents.registrations.bodies import parse_registration
from agents.registrations.serializers import RegistrationSerializer
from agents.serializers.cached import validate
from agents.serializers.fields import MAX_CARD_BYTES
from agents.strict_json import parse_json
from tests.agents.fast_path.client import FastPathClient
from tests.agents.heartbeats.test_both_paths import content_of
from tests.factories import AgentFactory

PLAIN = {"agent_id": "a", "host": "10.0.0.7", "port": 8000}
TIMES = ("last_heartbeat", "registered_at", "expires_at")
VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-1, 70_000),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.text("ab \t\n\0\u200b\ud800é", min_size=60, max_size=70),
    st.lists(st.sampled_from(["x", "y", "x", "", " ", "z" * 65, 1, None]), max_size=4),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)
FIELDS: dict[str, list[Any]] = {
    "agent_id": ["a", "new", "watch", "x y", "é", "a" * 256],
    "agent_name": ["", "Agent", " Agent", "n" * 255, "n" * 256],
    "host": ["10.0.0.7", "weather-1.example.", "::1", "0.0.0.0", "1.2.3", "a b", "999.1.1.1"],  # noqa: S104
    "port": [1, 0, 65_535, 65_536, "8000", 8000.0, True],
    "ttl_seconds": [1, 60, 86_400, 86_401, 0, "60"],
    "metadata": [{}, {"a": [1, {"b": 1.5e300}]}, '{"a": 1}', [1], {"é": "\U0001f600"}],
    "version": ["1.2.3", "", "v" * 64, "v" * 65],
    "tags": [["x", "y", "x"], [], ["x"] * 65, "x", [" x"]],
    "skills": [["summarise"], [None]],
    "status": ["ready", "busy", "tired", ""],
    "agent_card": [{}, {"name": "A", "skills": [{"tags": ["x"]}] * 40}, {"a": "é"}, [1], "{}"],
    "unknown": [1],
}
REGISTRATIONS = st.fixed_dictionaries(
    {name: st.sampled_from(FIELDS[name]) for name in PLAIN},
    optional={
        name: st.one_of(st.sampled_from(values), VALUES)
        for name, values in FIELDS.items()
        if name not in PLAIN
    },
)
NEARLY_PLAIN = st.dictionaries(st.sampled_from(list(FIELDS)), VALUES, max_size=2).map(
    lambda more: PLAIN | more
)
DEEP: Any = {}
for _ in range(40):
    DEEP = {"a": DEEP}
LARGEST_CARD = {"a": "x" * (MAX_CARD_BYTES - len('{"a":""}'))}
BODIES = st.one_of(
    REGISTRATIONS.map(json.dumps),
    st.one_of(REGISTRATIONS, NEARLY_PLAIN).map(
        lambda fields: json.dumps(fields, ensure_ascii=True)
    ),
    st.sampled_from(
        [
            "",
            "[]",
            "null",
            "{}",
            json.dumps(PLAIN)[:-1],
            json.dumps(PLAIN).replace("8000", "8000.0"),
            json.dumps(PLAIN)[:-1] + ', "port": 8001}',
            json.dumps(PLAIN | {"metadata": DEEP}),
            json.dumps(PLAIN | {"metadata": {"a": "x" * 4_000}}),
            json.dumps(PLAIN | {"agent_card": LARGEST_CARD}),
            json.dumps(PLAIN | {"agent_card": LARGEST_CARD | {"more": 1}}),
            json.dumps(PLAIN | {"agent_card": DEEP}),
            json.dumps(PLAIN | {"agent_card": {"a": "x" * 3_000}, "metadata": DEEP}),
            json.dumps(PLAIN | {"agent_card": {"a": "x" * 3_000}, "metadata": {"a": "x" * 4_000}}),
            json.dumps(PLAIN | {"metadata": {'"agent_card"': "x" * 4_000}}),
            json.dumps(PLAIN)[:-1] + ', "metadata": {"n": 1e400}}',
            json.dumps(PLAIN)[:-1] + ', "metadata": {"n": 1' + "0" * 400 + "}}",
        ]
    ),
)


class BothPaths(TestCase):
    """Runs each example in its own transaction."""

    def setUp(self) -> None:
        self.django = APIClient()
        self.fast = FastPathClient()

    def agree(self, call: Callable[[APIClient], Any]) -> Any:
        """Make a call by both paths with the same agents; return the common response."""
        expected = self.outcome(self.django, call)
        assert self.outcome(self.fast, call) == expected
        return expected[0]

    def outcome(self, client: APIClient, call: Callable[[APIClient], Any]) -> Any:
        for model in (AgentRecord, AgentEvent, AgentCard):
            model.objects.all().delete()
        AgentFactory.create(agent_id="a", state="draining", load=0.5, note="busy", tags=["old"])
        return response_of(call(client)), rows()

    @given(body=BODIES, path=st.sampled_from(["/agents/register", "/agents/register/"]))
    def test_both_paths_agree_on_any_body(self, body: str, path: str) -> None:
        def call(client: APIClient) -> Any:
            return client.generic("POST", path, body, "application/json")

        self.agree(call)

    def test_the_fast_path_handles_an_ordinary_registration(self) -> None:
        for agent_id, status in (("a", 200), ("new", 201)):
            response = self.agree(
                lambda client, agent_id=agent_id: client.post(  # type: ignore[misc]
                    "/agents/register",
                    PLAIN | {"agent_id": agent_id, "metadata": {"team": "x"}, "tags": ["b", "b"]},
                )
            )
            assert response["status"] == status
            assert response["body"]["tags"] == ["b"]
        assert self.fast.taken == [True, True]

    def test_the_fast_path_keeps_cards(self) -> None:
        self.agree(
            lambda client: client.post(
                "/agents/register", PLAIN | {"metadata": {"team": "x"}, "agent_card": LARGEST_CARD}
            )
        )
        assert self.fast.taken == [True]
        [kept] = AgentCard.objects.all()
        assert (kept.agent_id, kept.card) == ("a", LARGEST_CARD)
        assert kept.generation == AgentRecord.objects.get(agent_id="a").generation


@given(body=BODIES.map(str.encode))
def test_the_fast_path_parses_a_body_like_the_serializer(body: bytes) -> None:
    fields = parse_registration(body)
    if fields is None:
        return
    assert fields == dict(validate(RegistrationSerializer, parse_json(body)))


def response_of(response: Any) -> Any:
    answer = content_of(response)
    if "lease_token" in answer["body"]:
        generation = answer["body"].pop("generation")
        assert answer["body"].pop("lease_token").startswith(f"{generation}.")
        for name in TIMES:
            assert answer["body"].pop(name)
    return answer


def rows() -> Any:
    excluded = {"last_heartbeat", "registered_at", "generation"}
    agents = [
        {name: value for name, value in agent.items() if name not in excluded}
        for agent in AgentRecord.objects.order_by("pk").values()
    ]
    events = AgentEvent.objects.order_by("agent_id", "kind").values(
        "agent_id", "kind", "reason", "actor", "address"
    )
    return agents, list(events), list(AgentCard.objects.values("agent_id", "card"))
