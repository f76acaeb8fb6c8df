"""The registry as an MCP server, called by the SDK's own client through the real web server."""

import asyncio
import json
import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import httpx2
import pytest
from mcp import Client
from mcp.client.streamable_http import streamable_http_client

from tests import plain_http
from tests.integration.postgres_cluster import running_cluster
from tests.integration.registry_process import MANAGE, PROJECT
from tests.processes import wait_until
from tests.registry_project.server.registry_web import (
    RegistryWeb,
    prepared,
    registry_web,
    request,
)

READERS_TOOLS = ["find_agents", "fleet_summary", "get_agent", "why_did_it_vanish"]
INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


class Assistant:
    """Connects as an assistant does, for each call anew."""

    def __init__(self, url: str, token: str = "") -> None:
        self._url = f"{url}/mcp"
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def tools(self) -> dict[str, Any]:
        async def ask(client: Client) -> dict[str, Any]:
            return {tool.name: tool for tool in (await client.list_tools()).tools}

        return asyncio.run(self._connected(ask))

    def call(self, tool: str, **arguments: Any) -> Any:
        """Return the result, which the text says too."""
        result = self._call(tool, arguments)
        assert not result.is_error, result
        assert json.loads(result.content[0].text) == result.structured_content
        return result.structured_content

    def refusal(self, tool: str, **arguments: Any) -> str:
        result = self._call(tool, arguments)
        assert result.is_error
        text: str = result.content[0].text
        return text

    def _call(self, tool: str, arguments: dict[str, Any]) -> Any:
        return asyncio.run(self._connected(lambda client: client.call_tool(tool, arguments)))

    async def _connected(self, use: Callable[[Client], Any]) -> Any:
        async with httpx2.AsyncClient(headers=self._headers, timeout=60) as http:
            transport = streamable_http_client(self._url, http_client=http)
            async with Client(transport) as client:
                return await use(client)


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    return prepared(tmp_path_factory.mktemp("mcp"), SWEEP_INTERVAL_SECONDS="3600")


@pytest.fixture(scope="module")
def web(
    tmp_path_factory: pytest.TempPathFactory, environment: Mapping[str, str]
) -> Iterator[RegistryWeb]:
    """In open mode."""
    with registry_web(tmp_path_factory.mktemp("mcp-web"), environment) as web:
        yield web


@pytest.fixture(scope="module")
def strict_web(
    tmp_path_factory: pytest.TempPathFactory, environment: Mapping[str, str]
) -> Iterator[RegistryWeb]:
    """The same registry, in token mode."""
    strict = {**environment, "REGISTRY_AUTH": "token"}
    with registry_web(tmp_path_factory.mktemp("mcp-strict"), strict) as web:
        yield web


@pytest.fixture(scope="module")
def assistant(web: RegistryWeb) -> Assistant:
    return Assistant(web.url)


def manage(environment: Mapping[str, str], *arguments: str) -> str:
    argv = [*MANAGE, *arguments]
    done = subprocess.run(
        argv, env=os.environ | dict(environment), check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


@pytest.fixture(scope="module")
def token(environment: Mapping[str, str]) -> Callable[..., str]:
    """Issue a token with these options; the same again for the same."""
    return cache(lambda *options: manage(environment, "issue_token", "--quiet", *options))


def deregister(web: RegistryWeb, agent: Any) -> None:
    header = f"Lease-Token: {agent['lease_token']}"
    assert web.exchange(request("DELETE", f"/agents/{agent['agent_id']}", header)).status == 200


def test_the_tools_are_described_with_their_arguments(assistant: Assistant) -> None:
    tools = assistant.tools()

    assert sorted(tools) == sorted([*READERS_TOOLS, "drain_agent"])
    for tool in tools.values():
        assert tool.description
        assert tool.input_schema["additionalProperties"] is False
        assert tool.annotations.read_only_hint is (tool.name != "drain_agent")
    properties = tools["find_agents"].input_schema["properties"]
    assert all(one.get("description") for name, one in properties.items() if name != "limit")
    assert {"skill", "tag", "metadata", "condition", "include_dead"} <= set(properties)


def test_agents_are_found_by_filters(web: RegistryWeb, assistant: Assistant) -> None:
    for number in range(3):
        metadata = {"region": "eu" if number else "us"}
        web.register(f"found-{number}", tags=["found"], version=f"1.{number}", metadata=metadata)

    def ids(**arguments: Any) -> list[str]:
        found = assistant.call("find_agents", tag=["found"], **arguments)
        return [agent["agent_id"] for agent in found["agents"]]

    assert ids() == ["found-0", "found-1", "found-2"]
    assert ids(metadata={"region": "eu"}, sort="-agent_id") == ["found-2", "found-1"]
    assert ids(version=[">=1.1,<1.2"], search=["FOUND"]) == ["found-1"]
    first = assistant.call("find_agents", tag=["found"], limit=2)
    assert (len(first["agents"]), first["there_are_more"]) == (2, True)
    assert assistant.call("find_agents", tag=["nobody"]) == {"agents": [], "there_are_more": False}


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"colour": ["red"]}, "colour"),
        ({"status": ["asleep"]}, "status"),
        ({"limit": 1000}, "limit"),
        ({"sort": "colour"}, "sort"),
        ({"tag": "not a list"}, "tag"),
    ],
)
def test_wrong_arguments_are_named(
    assistant: Assistant, arguments: dict[str, Any], named: str
) -> None:
    assert named in assistant.refusal("find_agents", **arguments)


def test_an_agent_is_described_with_its_condition(web: RegistryWeb, assistant: Assistant) -> None:
    card = {"name": "Described", "url": "http://10.0.0.1"}
    web.register("described", metadata={"a": 1}, status="degraded", agent_card=card)

    found = assistant.call("get_agent", agent_id="described")

    assert (found["agent"]["agent_id"], found["agent"]["metadata"]) == ("described", {"a": 1})
    assert found["agent_card"] == card
    assert found["condition"] == "degraded"
    assert found["facts"]["operator"].startswith("active")
    listed = plain_http.get(f"{web.url}/agents/described").json()
    same = set(found["agent"]) - {"is_alive"}
    assert {name: listed[name] for name in same} == {name: found["agent"][name] for name in same}


def test_an_agent_that_is_not_there_is_refused_with_what_to_do(assistant: Assistant) -> None:
    assert "why_did_it_vanish" in assistant.refusal("get_agent", agent_id="nobody")


class TestWhyDidItVanish:
    def test_it_has_not(self, web: RegistryWeb, assistant: Assistant) -> None:
        web.register("present", ttl_seconds=600)
        found = assistant.call("why_did_it_vanish", agent_id="present")
        assert found["is_listed"]
        assert found["answer"].startswith("It has not vanished. It is alive: last heartbeat")

    def test_it_died(
        self, web: RegistryWeb, environment: Mapping[str, str], assistant: Assistant
    ) -> None:
        web.register("mortal", ttl_seconds=1, status="busy", tags=["last-words"])
        wait_until(
            lambda: not assistant.call("why_did_it_vanish", agent_id="mortal")["is_listed"],
            "its end",
        )
        found = assistant.call("why_did_it_vanish", agent_id="mortal")
        assert found["answer"].startswith("It is expired: no heartbeat for")
        assert "Its last report was 'busy'" in found["answer"]
        manage(environment, "purge_expired", "--force")
        found = assistant.call("why_did_it_vanish", agent_id="mortal")
        assert found["answer"].startswith("Its lease ended ")
        assert "no heartbeat for 1 s" in found["answer"]
        assert "it was purged" in found["answer"]
        assert found["last_record"]["tags"] == ["last-words"]
        kinds = [event["event"] for event in found["newest_events"]]
        assert kinds == ["purged", "expired", "registered"]

    def test_it_left(self, web: RegistryWeb, assistant: Assistant) -> None:
        deregister(web, web.register("leaver"))
        found = assistant.call("why_did_it_vanish", agent_id="leaver")
        assert re.match(r"It was deregistered .* by agent", found["answer"])

    def test_it_was_never_there(self, assistant: Assistant) -> None:
        found = assistant.call("why_did_it_vanish", agent_id="never")
        assert found["answer"].startswith("Nothing is known of 'never'")
        assert (found["newest_events"], found["last_record"]) == ([], None)

    def test_what_is_no_id_is_refused(self, assistant: Assistant) -> None:
        assert "agent_id" in assistant.refusal("why_did_it_vanish", agent_id="a\0b")


def test_the_summary_has_the_counts_of_the_fleet(web: RegistryWeb, assistant: Assistant) -> None:
    before = assistant.call("fleet_summary")
    web.register("summed-1")
    web.register("summed-2", ttl_seconds=1)
    wait_until(
        lambda: assistant.call("fleet_summary")["leases"]["expired"] > before["leases"]["expired"],
        "the expiry",
    )

    def agrees_with_health() -> bool:
        summary = assistant.call("fleet_summary")
        health = plain_http.get(f"{web.url}/health").json()
        registered = before["registered"] + 2
        seen = [summary["registered"], health["registered_agents"], health["active_agents"]]
        expected = [registered, registered, summary["alive"]]
        return seen == expected

    # On a busy machine, counts are shared for some seconds.
    wait_until(agrees_with_health, "the same counts as those of /health")
    after = assistant.call("fleet_summary")
    assert set(after["last_hour"]) == {
        "registrations",
        "restarts",
        "deregistrations",
        "expiries",
        "heartbeats",
    }
    assert after["set_by_operators"] == before["set_by_operators"]


def test_a_drained_agent_is_not_picked_and_the_history_says_who_and_why(
    web: RegistryWeb, strict_web: RegistryWeb, token: Callable[..., str]
) -> None:
    web.register("drained", tags=["drained"])
    text = token("--operate", "--read-only", "--name=operator")
    operator = Assistant(strict_web.url, text)

    assert operator.call("drain_agent", agent_id="drained", reason="moving it") == {
        "agent_id": "drained",
        "state": "draining",
        "changed": True,
    }
    assert operator.call("drain_agent", agent_id="drained")["changed"] is False
    assert plain_http.get(f"{web.url}/agents/pick?tag=drained").status_code == 404
    event = operator.call("why_did_it_vanish", agent_id="drained")["newest_events"][0]
    key = text.split("_")[1]
    assert (event["event"], event["actor"], event["reason"]) == (
        "drained",
        f"token:{key}",
        "moving it",
    )
    assert "There is no agent" in operator.refusal("drain_agent", agent_id="nobody")


class TestRights:
    def test_a_reader_sees_no_tool_that_changes_anything(
        self, web: RegistryWeb, strict_web: RegistryWeb, token: Callable[..., str]
    ) -> None:
        web.register("kept")
        reader = Assistant(strict_web.url, token("--read-only"))
        assert sorted(reader.tools()) == READERS_TOOLS
        assert "There is no tool" in reader.refusal("drain_agent", agent_id="kept")
        assert reader.call("get_agent", agent_id="kept")["agent"]["state"] == "active"

    @pytest.mark.parametrize(
        ("options", "status"), [(None, 401), ([], 403), (["--read"], 200), (["--operate"], 200)]
    )
    def test_a_token_must_allow_to_read(
        self,
        strict_web: RegistryWeb,
        token: Callable[..., str],
        options: list[str] | None,
        status: int,
    ) -> None:
        headers = dict(ACCEPT)
        if options is not None:
            headers["Authorization"] = f"Bearer {token(*options)}"
        answer = plain_http.post(f"{strict_web.url}/mcp", json=INITIALIZE, headers=headers)
        assert answer.status_code == status, answer.text
        if status == 401:
            assert answer.headers["WWW-Authenticate"] == "Bearer"

    def test_in_open_mode_a_token_must_be_one_of_an_operator(
        self, web: RegistryWeb, token: Callable[..., str]
    ) -> None:
        reader = Assistant(web.url, token("--read-only"))
        assert sorted(reader.tools()) == READERS_TOOLS


class TestHttp:
    """What clients of any version of MCP may expect."""

    def test_an_exchange_is_one_answer_in_json_without_a_session(self, web: RegistryWeb) -> None:
        answer = plain_http.post(f"{web.url}/mcp/", json=INITIALIZE, headers=ACCEPT)
        assert answer.status_code == 200
        assert answer.headers["Content-Type"] == "application/json"
        assert "mcp-session-id" not in answer.headers
        assert answer.json()["result"]["serverInfo"]["name"] == "agent-registry"

    def test_a_tool_is_called_as_the_documentation_shows(self, web: RegistryWeb) -> None:
        text = (PROJECT / "docs" / "discovery.md").read_text()
        [body] = re.findall(r"(?s)localhost:9000/mcp .*? -d '(.*?)'", text)
        headers = {"Accept": "application/json", "Content-Type": "application/json"}
        answer = plain_http.post(f"{web.url}/mcp", content=body, headers=headers)
        result = answer.json()["result"]
        assert result["structuredContent"]["agent_id"] == "weather-1"
        assert "Nothing is known of 'weather-1'" in result["content"][0]["text"]

    def test_a_notification_is_accepted(self, web: RegistryWeb) -> None:
        content = {"jsonrpc": "2.0", "method": "notifications/initialized"}
        answer = plain_http.post(f"{web.url}/mcp", json=content, headers=ACCEPT)
        assert (answer.status_code, answer.content) == (202, b"")

    def test_there_is_no_stream_to_open(self, web: RegistryWeb) -> None:
        answer = plain_http.get(f"{web.url}/mcp", headers={"Accept": "text/event-stream"})
        assert answer.status_code in {405, 406}
        assert plain_http.request("DELETE", f"{web.url}/mcp").status_code == 405

    @pytest.mark.parametrize(
        ("origin", "status"), [("https://evil.example", 403), ("null", 403), (None, 200)]
    )
    def test_pages_of_other_websites_may_not_call(
        self, web: RegistryWeb, origin: str | None, status: int
    ) -> None:
        headers = ACCEPT | ({"Origin": origin} if origin else {})
        answer = plain_http.post(f"{web.url}/mcp", json=INITIALIZE, headers=headers)
        assert answer.status_code == status

    def test_its_own_pages_may(self, web: RegistryWeb) -> None:
        headers = ACCEPT | {"Origin": web.url}
        answer = plain_http.post(f"{web.url}/mcp", json=INITIALIZE, headers=headers)
        assert answer.status_code == 200

    @pytest.mark.parametrize(("body", "status"), [(b"{", 400), (b"[]", 400), (b" " * 70_000, 413)])
    def test_what_is_no_message_is_refused(
        self, web: RegistryWeb, body: bytes, status: int
    ) -> None:
        headers = ACCEPT | {"Content-Type": "application/json"}
        answer = plain_http.post(f"{web.url}/mcp", content=body, headers=headers)
        assert answer.status_code == status

    def test_many_calls_at_once_are_answered(self, web: RegistryWeb) -> None:
        async def call_all() -> list[int]:
            async with httpx2.AsyncClient(timeout=60) as http:
                calls = [
                    http.post(f"{web.url}/mcp", json=INITIALIZE, headers=ACCEPT) for _ in range(20)
                ]
                return [answer.status_code for answer in await asyncio.gather(*calls)]

        assert asyncio.run(call_all()) == [200] * 20


def test_on_postgresql_too_and_a_database_that_is_away_is_no_answer_about_agents(
    postgres_programs: Path, tmp_path: Path
) -> None:
    with running_cluster(postgres_programs) as cluster:
        settings = {"DATABASE_URL": cluster.url, "DATABASE_TIMEOUT_SECONDS": "3"}
        environment = prepared(tmp_path, **settings)
        with registry_web(tmp_path, environment, workers=2, is_quiet=False) as web:
            assistant = Assistant(web.url)
            web.register("on-postgresql", skills=["x"])
            found = assistant.call("find_agents", skill=["x"])["agents"]
            assert [agent["agent_id"] for agent in found] == ["on-postgresql"]
            assert assistant.call("get_agent", agent_id="on-postgresql")["condition"] == "alive"
            assert assistant.call("fleet_summary")["alive"] == 1
            assert assistant.call("drain_agent", agent_id="on-postgresql")["changed"] is True
            assert assistant.call("why_did_it_vanish", agent_id="gone")["is_listed"] is False

            cluster.kill()

            for tool in ("why_did_it_vanish", "get_agent"):
                text = assistant.refusal(tool, agent_id="on-postgresql")
                assert text == "The registry's database does not answer. Try again."
