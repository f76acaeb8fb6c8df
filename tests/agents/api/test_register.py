"""``POST /agents/register``."""

import json
from functools import partial
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from agents.models import AgentRecord
from agents.registrations.serializers import RegistrationSerializer
from agents.serializers.cached import validate
from agents.tokens.lease import verify
from tests.agents.conftest import DJANGO, FAST, Register
from tests.agents.fast_path.client import FastPathClient
from tests.agents.racing import Together

pytestmark = pytest.mark.django_db

LONE_SURROGATE = chr(0xD800)  # JSON can encode it, UTF-8 cannot
VALID = {"agent_id": "weather-1", "host": "10.0.0.7", "port": 8000}


@pytest.fixture(params=[DJANGO, FAST])
def api(request: pytest.FixtureRequest) -> APIClient:
    """A client of the API, whose registrations go through the fast path too."""
    return FastPathClient() if request.param == FAST else APIClient()


def test_a_first_registration_is_201_and_a_second_is_200(api: APIClient) -> None:
    assert api.post("/agents/register", VALID).status_code == 201
    assert api.post("/agents/register", VALID).status_code == 200


@pytest.mark.parametrize("path", ["/agents/register", "/agents/register/"])
def test_the_path_may_end_with_a_slash(api: APIClient, path: str) -> None:
    assert api.post(path, VALID).status_code == 201


def test_the_response_has_the_agent_its_lease_token_and_its_interval(
    api: APIClient, register: Register
) -> None:
    answer = register("weather-1", agent_name="Weather", ttl_seconds=90, metadata={"a": [1]})

    assert list(answer)[:9] == [
        "agent_id",
        "agent_name",
        "host",
        "port",
        "is_alive",
        "last_heartbeat",
        "registered_at",
        "ttl_seconds",
        "metadata",
    ]
    assert answer["is_alive"] is True
    assert answer["metadata"] == {"a": [1]}
    assert answer["heartbeat_interval"] == 30
    assert verify("weather-1", answer["lease_token"]) == answer["generation"]
    kept = api.get("/agents/weather-1").json()
    del answer["lease_token"], answer["heartbeat_interval"]
    assert kept == {**answer, "agent_card": None}


def test_the_address_of_the_caller_is_stored(register: Register) -> None:
    assert register(host="10.0.0.7")["seen_address"] == "127.0.0.1"


@pytest.mark.parametrize("agent_id", ["a", "A.b_c:d-9", "x" * 255, "...", "registers"])
def test_valid_ids_are_accepted_and_usable_in_urls(
    api: APIClient, register: Register, agent_id: str
) -> None:
    register(agent_id)

    assert api.get(f"/agents/{agent_id}").status_code == 200


@pytest.mark.parametrize(
    "agent_id",
    [
        "",
        " ",
        "a b",
        "a/b",
        "ä",
        "a\n",
        "\n",
        "x" * 256,
        "register",
        "heartbeat",
        "watch",
        "pick",
        ".",
        "..",
        None,
        [],
        {},
        True,
    ],
)
def test_invalid_ids_are_refused(api: APIClient, agent_id: Any) -> None:
    assert_refused(api, "agent_id", VALID | {"agent_id": agent_id})


@pytest.mark.parametrize(
    "host",
    [
        "a",
        "agent_1",
        "my-agent.default.svc.cluster.local",
        "10.0.0.1",
        "::1",
        "2001:db8::7",
        "x" * 63,
        "example.com.",
    ],
)
def test_valid_hosts_are_accepted(register: Register, host: str) -> None:
    assert register(host=host)["host"] == host


@pytest.mark.parametrize(
    "host",
    [
        "",
        "a b",
        "http://a",
        "a:8000",
        "[::1]",
        "a/b",
        "-a",
        "a..b",
        "x" * 257,
        "fe80::1%eth0",
        "<script>",
        "a\n",
        "a\x00",
        None,
        [],
    ],
)
def test_invalid_hosts_are_refused(api: APIClient, host: Any) -> None:
    assert_refused(api, "host", VALID | {"host": host})


@pytest.mark.parametrize("port", [0, -1, 65536, 10**18, 1.5, "", "http", None, True, []])
def test_invalid_ports_are_refused(api: APIClient, port: Any) -> None:
    assert_refused(api, "port", VALID | {"port": port})


@pytest.mark.parametrize("ttl", [0, -60, 86_401, 0.5, "long", False])
def test_invalid_ttls_are_refused(api: APIClient, ttl: Any) -> None:
    assert_refused(api, "ttl_seconds", VALID | {"ttl_seconds": ttl})


@pytest.mark.parametrize("metadata", [None, {}, "{}"])
def test_several_forms_of_empty_metadata_are_accepted(register: Register, metadata: Any) -> None:
    assert register(metadata=metadata)["metadata"] == {}


def test_metadata_may_be_a_string_that_holds_an_object(register: Register) -> None:
    assert register(metadata='{"a": {"b": [1, null]}}')["metadata"] == {"a": {"b": [1, None]}}


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


def test_metadata_may_have_4000_bytes_and_32_levels(register: Register) -> None:
    largest = {"a": "é" * 1996}  # {"a":""} has 8
    assert register(metadata=largest)["metadata"] == largest
    assert register(metadata=nested(32))["metadata"] == nested(32)


@pytest.mark.parametrize(
    "metadata",
    [
        "",
        "x",
        "[]",
        "[" * 2000,
        '{"a": NaN}',
        [],
        5,
        True,
        {"a": "x" * 3993},
        nested(34),
        {"a": "\x00"},
        {"\x00": 1},
    ],
)
def test_invalid_metadata_is_refused(api: APIClient, metadata: Any) -> None:
    assert_refused(api, "metadata", VALID | {"metadata": metadata})


@pytest.mark.parametrize("field", ["agent_name", "metadata", "version", "tags"])
def test_a_lone_surrogate_is_refused_in_any_field(api: APIClient, field: str) -> None:
    values = {"metadata": {"a": [LONE_SURROGATE]}, "tags": [LONE_SURROGATE]}
    text = json.dumps(VALID | {field: values.get(field, LONE_SURROGATE)})

    answer = api.post("/agents/register", text, content_type="application/json")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [f"{field}[0]" if field == "tags" else field]


@pytest.mark.parametrize("field", ["tags", "skills"])
def test_lists_of_names_keep_their_order_without_duplicates(register: Register, field: str) -> None:
    assert register(**{field: ["b", "a", "b"]})[field] == ["b", "a"]


@pytest.mark.parametrize("field", ["tags", "skills"])
@pytest.mark.parametrize("names", ["a", {"a": 1}, [str(number) for number in range(65)]])
def test_invalid_lists_of_names_are_refused(api: APIClient, field: str, names: Any) -> None:
    assert_refused(api, field, VALID | {field: names})


def test_an_invalid_name_is_reported_with_its_position(api: APIClient) -> None:
    assert_refused(api, "tags[1]", VALID | {"tags": ["fine", ""]})


@pytest.mark.parametrize("status", ["", "sleeping", "READY"])
def test_an_unknown_status_is_refused(api: APIClient, status: Any) -> None:
    assert_refused(api, "status", VALID | {"status": status})


@pytest.mark.parametrize("field", ["agent_id", "host", "port"])
def test_a_missing_required_field_is_refused(api: APIClient, field: str) -> None:
    assert_refused(api, field, {name: value for name, value in VALID.items() if name != field})


def test_many_threads_can_share_one_serializer(together: Together) -> None:
    """Each gets the values and errors of its own registration only."""

    def read_many(number: int) -> None:
        for _ in range(50):
            agent_id = f"agent-{number}"
            good = VALID | {"agent_id": agent_id, "tags": [agent_id], "port": number + 1}
            assert validate(RegistrationSerializer, good)["tags"] == [agent_id]
            with pytest.raises(ValidationError) as refused:
                validate(
                    RegistrationSerializer, VALID | {"agent_id": agent_id, agent_id: 1, "tags": {}}
                )
            assert set(refused.value.detail) == {agent_id, "tags"}

    together(*(partial(read_many, number) for number in range(8)))


def test_unknown_fields_are_refused_by_name_together_with_invalid_ones(api: APIClient) -> None:
    answer = api.post("/agents/register", VALID | {"ttl": 5, "adress": "x", "port": 0})

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"ttl", "adress", "port"}


def test_a_refused_registration_leaves_the_earlier_one_unchanged(
    api: APIClient, register: Register
) -> None:
    before = register()
    api.post("/agents/register", VALID | {"host": "new", "port": 0})

    agent = AgentRecord.objects.get()
    assert (agent.host, agent.generation) == (before["host"], before["generation"])


def assert_refused(api: APIClient, field: str, registration: dict[str, Any]) -> None:
    answer = api.post("/agents/register", registration)

    assert answer.status_code == 422, answer.content
    assert set(answer.json()["errors"]) == {field}
    assert field in answer.json()["detail"]
    assert not AgentRecord.objects.exists()
