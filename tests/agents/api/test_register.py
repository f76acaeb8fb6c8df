"""``POST /agents/register``."""

import json
from functools import partial
from typing import Any

import pytest
from rest_framework.exceptions import ValidationError
from rest_framework.test import APIClient

from agents.api.serializers import RegistrationSerializer
from agents.models import AgentRecord
from agents.serializers.cached import validate
from agents.tokens.lease import verify
from tests.agents.conftest import Register
from tests.agents.racing import Together

pytestmark = pytest.mark.django_db

HALF = chr(0xD800)  # JSON can spell it, UTF-8 cannot
VALID = {"agent_id": "weather-1", "host": "10.0.0.7", "port": 8000}


def test_a_new_agent_is_answered_with_201_and_again_with_200(api: APIClient) -> None:
    assert api.post("/agents/register", VALID).status_code == 201
    assert api.post("/agents/register", VALID).status_code == 200


@pytest.mark.parametrize("path", ["/agents/register", "/agents/register/"])
def test_a_slash_at_the_end_makes_no_difference(api: APIClient, path: str) -> None:
    assert api.post(path, VALID).status_code == 201


def test_the_answer_is_the_agent_with_what_it_needs_for_its_heartbeats(
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
    assert kept == answer


def test_the_address_that_the_call_came_from_is_kept(register: Register) -> None:
    assert register(host="10.0.0.7")["seen_address"] == "127.0.0.1"


@pytest.mark.parametrize("agent_id", ["a", "A.b_c:d-9", "x" * 255, "...", "registers"])
def test_good_ids_are_taken_and_lead_to_the_agent(
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
def test_bad_ids_are_refused(api: APIClient, agent_id: Any) -> None:
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
def test_good_hosts_are_taken(register: Register, host: str) -> None:
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
def test_bad_hosts_are_refused(api: APIClient, host: Any) -> None:
    assert_refused(api, "host", VALID | {"host": host})


@pytest.mark.parametrize("port", [0, -1, 65536, 10**18, 1.5, "", "http", None, True, []])
def test_bad_ports_are_refused(api: APIClient, port: Any) -> None:
    assert_refused(api, "port", VALID | {"port": port})


@pytest.mark.parametrize("ttl", [0, -60, 86_401, 0.5, "long", False])
def test_bad_ttls_are_refused(api: APIClient, ttl: Any) -> None:
    assert_refused(api, "ttl_seconds", VALID | {"ttl_seconds": ttl})


@pytest.mark.parametrize("metadata", [None, {}, "{}"])
def test_no_metadata_comes_in_several_forms(register: Register, metadata: Any) -> None:
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
def test_bad_metadata_is_refused(api: APIClient, metadata: Any) -> None:
    assert_refused(api, "metadata", VALID | {"metadata": metadata})


@pytest.mark.parametrize("field", ["agent_name", "metadata", "version", "tags"])
def test_half_of_a_surrogate_pair_is_refused_wherever_it_stands(api: APIClient, field: str) -> None:
    values = {"metadata": {"a": [HALF]}, "tags": [HALF]}
    text = json.dumps(VALID | {field: values.get(field, HALF)})

    answer = api.post("/agents/register", text, content_type="application/json")

    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [f"{field}[0]" if field == "tags" else field]


@pytest.mark.parametrize("field", ["tags", "skills"])
def test_lists_of_names_are_kept_in_order_and_once(register: Register, field: str) -> None:
    assert register(**{field: ["b", "a", "b"]})[field] == ["b", "a"]


@pytest.mark.parametrize("field", ["tags", "skills"])
@pytest.mark.parametrize("names", ["a", {"a": 1}, [str(number) for number in range(65)]])
def test_bad_lists_of_names_are_refused(api: APIClient, field: str, names: Any) -> None:
    assert_refused(api, field, VALID | {field: names})


def test_a_bad_name_in_a_list_is_pointed_at(api: APIClient) -> None:
    assert_refused(api, "tags[1]", VALID | {"tags": ["fine", ""]})


@pytest.mark.parametrize("status", ["", "sleeping", "READY"])
def test_an_unknown_status_is_refused(api: APIClient, status: Any) -> None:
    assert_refused(api, "status", VALID | {"status": status})


@pytest.mark.parametrize("field", ["agent_id", "host", "port"])
def test_what_is_needed_is_asked_for(api: APIClient, field: str) -> None:
    assert_refused(api, field, {name: value for name, value in VALID.items() if name != field})


def test_many_threads_read_registrations_by_one_serializer(together: Together) -> None:
    """Each is told what is wrong with its own, and nothing of the others'."""

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


def test_unknown_fields_are_refused_by_name_beside_the_wrong_ones(api: APIClient) -> None:
    answer = api.post("/agents/register", VALID | {"ttl": 5, "adress": "x", "port": 0})

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"ttl", "adress", "port"}


def test_a_refused_registration_leaves_the_one_before(api: APIClient, register: Register) -> None:
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
