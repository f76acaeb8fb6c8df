"""Input from clients in other languages is accepted where its meaning is clear, else refused."""

import gzip
import json
from typing import Any

import pytest
from django.test import Client

from agents.models import AgentRecord
from agents.states import State
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db

JSON = "application/json"
JAVA_ACCEPT = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
BROWSER_ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


def register(client: Client, body: Any, **headers: str) -> Any:
    if not isinstance(body, bytes):
        body = json.dumps({"agent_id": "a", "host": "h", "port": 1} | body).encode()
    return client.post("/agents/register", body, content_type=JSON, headers=headers)


class TestRegistration:
    def test_null_for_an_optional_field_means_not_given(self, client: Client) -> None:
        optional = ["agent_name", "ttl_seconds", "metadata", "version", "tags", "skills", "status"]

        answer = register(client, dict.fromkeys(optional))

        assert answer.status_code == 201
        assert (answer.json()["agent_name"], answer.json()["ttl_seconds"]) == ("a", 60)
        assert (answer.json()["tags"], answer.json()["version"]) == ([], "")

    @pytest.mark.parametrize("field", ["agent_id", "host", "port"])
    def test_null_for_a_required_field_is_refused(self, client: Client, field: str) -> None:
        answer = register(client, {field: None})

        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == [field]

    def test_null_in_a_heartbeat_leaves_the_report_unchanged(self, client: Client) -> None:
        AgentFactory.create(agent_id="a", status="busy", note="n", load=0.5)

        answer = client.post(
            "/agents/a/heartbeat", {"status": None, "note": None, "load": None}, JSON
        )

        assert answer.status_code == 200
        agent = AgentRecord.objects.get()
        assert (agent.status, agent.note, agent.load) == ("busy", "n", 0.5)

    def test_a_byte_order_mark_is_ignored(self, client: Client) -> None:
        body = b'\xef\xbb\xbf{"agent_id": "a", "host": "h", "port": 1}'

        assert register(client, body).status_code == 201

    @pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP, identity"])
    def test_a_body_with_a_content_encoding_is_refused(self, client: Client, encoding: str) -> None:
        body = gzip.compress(b'{"agent_id": "a", "host": "h", "port": 1}')

        answer = register(client, body, Content_Encoding=encoding)

        assert answer.status_code == 415
        assert f"Content-Encoding: {encoding} is not accepted" in answer.json()["detail"]

    def test_the_encoding_identity_is_accepted(self, client: Client) -> None:
        assert register(client, {}, Content_Encoding="identity").status_code == 201

    @pytest.mark.parametrize(
        "number",
        ["1" + "0" * 400, "9223372036854775808", "-9223372036854775809", "1e400", "-1e999"],
    )
    @pytest.mark.parametrize("template", ['{"n": %s}', '"{\\"n\\": %s}"', '{"a": [{"n": %s}]}'])
    def test_a_number_beyond_a_double_or_64_bits_is_refused(
        self, client: Client, number: str, template: str
    ) -> None:
        metadata = template % number
        body = f'{{"agent_id": "a", "host": "h", "port": 1, "metadata": {metadata}}}'

        answer = register(client, body.encode())

        assert answer.status_code in {400, 422}
        assert not AgentRecord.objects.exists()

    @pytest.mark.parametrize("number", [2**63 - 1, -(2**63), 1e308, 5e-324, -0.0])
    def test_numbers_at_the_limits_are_stored_exactly(self, client: Client, number: float) -> None:
        kept = register(client, {"metadata": {"n": number}}).json()["metadata"]["n"]

        # PostgreSQL writes all the digits of a large number.
        assert kept == number or float(kept) == number

    @pytest.mark.parametrize(
        ("host", "reason"),
        [
            ("0.0.0.0", "for listening"),  # noqa: S104
            ("::", "for listening"),
            ("::ffff:0.0.0.0", "for listening"),
            ("224.0.0.1", "multicast"),
            ("ff02::1", "multicast"),
            ("255.255.255.255", "broadcast"),
            ("250.1.2.3", "reserved"),
            ("999.1.1.1", "not an IPv4 address"),
            ("127.1", "not an IPv4 address"),
            ("0x7f.0.0.1", "not an IPv4 address"),
            ("0x7f000001", "not an IPv4 address"),
            ("2130706433", "not an IPv4 address"),
            ("host.5", "not an IPv4 address"),
        ],
    )
    def test_a_host_that_cannot_be_called_is_refused(
        self, client: Client, host: str, reason: str
    ) -> None:
        answer = register(client, {"host": host})

        assert answer.status_code == 422
        assert reason in answer.json()["errors"]["host"][0]

    @pytest.mark.parametrize(
        "host",
        ["127.0.0.1", "::1", "localhost", "10.0.0.7", "fe80::1", "my_agent", "a.1b", "x.0y", "h2"],
    )
    def test_a_host_that_can_be_called_is_accepted(self, client: Client, host: str) -> None:
        assert register(client, {"host": host}).json()["host"] == host


class TestBulkHeartbeats:
    def test_invalid_entries_do_not_affect_the_others(self, client: Client) -> None:
        AgentFactory.create_batch(2, state=State.ACTIVE)
        first, second = AgentRecord.objects.values_list("pk", flat=True)
        entries = [
            {"agent_id": first},
            {"agent_id": "not an id!"},
            {"agent_id": second, "token": "misspelt"},
            "no object",
            {},
            {"agent_id": second},
        ]

        answer = client.post("/agents/heartbeat", {"agents": entries}, JSON)

        assert answer.status_code == 200
        assert answer.json()["renewed"] == 2
        invalid = answer.json()["invalid"]
        assert [(one["place"], one["agent_id"]) for one in invalid] == [
            (1, "not an id!"),
            (2, second),
            (3, None),
            (4, None),
        ]
        assert invalid[1]["errors"] == {"token": ["There is no such field."]}

    def test_a_bulk_heartbeat_without_a_valid_list_is_refused(self, client: Client) -> None:
        agents: Any
        for agents in ({}, "a", None, [{"agent_id": "a"}] * 1_001):
            answer = client.post("/agents/heartbeat", {"agents": agents}, JSON)
            assert answer.status_code == 422
            assert "agents" in answer.json()["errors"]


class TestReading:
    def test_an_unknown_parameter_of_the_list_is_refused_by_name(self, client: Client) -> None:
        answer = client.get("/agents?tags=x&limit=5")

        assert answer.status_code == 422
        assert list(answer.json()["errors"]) == ["tags"]
        assert "tag" in answer.json()["errors"]["tags"][0]

    def test_an_unknown_parameter_of_a_single_agent_is_refused(self, client: Client) -> None:
        AgentFactory.create(agent_id="a")

        assert client.get("/agents/a", {"include_dead": "1"}).status_code == 422
        assert client.get("/agents/a", {"format": "json"}).status_code == 200

    @pytest.mark.parametrize(
        ("headers", "media_type"),
        [
            ({"Accept": JAVA_ACCEPT}, JSON),
            ({"Accept": "*/*"}, JSON),
            ({}, JSON),
            ({"Accept": "text/html, */*"}, JSON),
            ({"Accept": BROWSER_ACCEPT, "Content-Type": JSON}, JSON),
            ({"Accept": BROWSER_ACCEPT}, "text/html"),
            ({"Accept": "text/html", "Sec-Fetch-Mode": "navigate"}, "text/html"),
            ({"Accept": "text/html"}, "text/html"),
        ],
    )
    def test_only_browsers_get_html(
        self, client: Client, headers: dict[str, str], media_type: str
    ) -> None:
        environ: dict[str, Any] = {"CONTENT_TYPE": headers.get("Content-Type", "")}

        answer = client.get("/agents", headers=headers, **environ)

        assert answer.status_code == 200
        assert answer.headers["Content-Type"].startswith(media_type)

    @pytest.mark.parametrize("text", ["москва", "МОСКВА", "Straße", "ÉCOLE", "100%", "a_b", "\\x"])
    def test_searching_ignores_case_in_every_script(self, client: Client, text: str) -> None:
        names = ["Агент Москва 1", "straße 5", "école", "at 100% load", "is a_b", r"C:\X"]
        for number, name in enumerate(names):
            AgentFactory.create(agent_id=str(number), agent_name=name)

        found = client.get("/agents", {"search": text}).json()

        expected = [name for name in names if text.casefold() in name.casefold()]
        assert [agent["agent_name"] for agent in found] == expected
