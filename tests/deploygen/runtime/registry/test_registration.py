import asyncio
import json
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from agents.heartbeats.serializers import HeartbeatSerializer
from deploygen.runtime.config import ConfigError, read_config
from deploygen.runtime.extensions import AgentStatus
from deploygen.runtime.registry import registration
from tests.deploygen.fake_registry import HANGS, Call, FakeRegistry, Reply
from tests.deploygen.runtime.running_agent import ECHO, running_agent
from tests.processes import wait_in_loop, wait_until

BLOCKS = """
import pathlib, time
async def handle(inputs):
    while not pathlib.Path(inputs["until"]).exists(): time.sleep(0.01)
    return {}
"""


def joining(registry: FakeRegistry, **section: Any) -> dict[str, Any]:
    defaults = {"url": registry.url, "ttl_seconds": 60, "heartbeat_interval": 0.05}
    return {"extensions": [".registry"], "registry": {**defaults, **section}}


def statuses(registry: FakeRegistry) -> list[str]:
    return [call.body["status"] for call in registry.of("heartbeat")]


def test_an_agent_registers_sends_heartbeats_and_deregisters(
    tmp_path: Path, registry: FakeRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_HOST", "agent.example")
    with running_agent(tmp_path, description="Echoes.", **joining(registry)) as agent:
        agent.wait_until_ready()
        wait_until(lambda: "ready" in statuses(registry), "a heartbeat of a ready agent")
    body = registry.of("register")[0].body
    assert body.pop("status") in ("starting", "ready")
    assert body.pop("agent_card")["description"] == "Echoes."
    assert body == {
        "agent_id": "an-agent",
        "agent_name": "An agent",
        "host": "agent.example",
        "port": 8000,
        "ttl_seconds": 60,
        "metadata": {"description": "Echoes.", "port": 8000},
        "version": "0.1.0",
    }
    assert registry.calls[-1].kind == "delete"


def test_an_agent_registers_the_card_that_it_serves(tmp_path: Path, registry: FakeRegistry) -> None:
    environ = {"AGENT_HOST": "agent.example", "AGENT_TOKENS": "0123456789abcdef"}
    with running_agent(tmp_path, environ=environ, **joining(registry)) as agent:
        wait_until(lambda: registry.of("register"), "the registration")
        served = agent.http.get("/.well-known/agent-card.json").json()
    registered = registry.of("register")[0].body["agent_card"]
    assert registered == served
    assert registered["supportedInterfaces"][0]["url"] == "http://agent.example:8000/a2a"
    assert "securitySchemes" in registered


def test_the_card_of_an_agent_without_a_set_host_has_the_one_it_registers(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    with running_agent(tmp_path, **joining(registry)):
        wait_until(lambda: registry.of("register"), "the registration")
    body = registry.of("register")[0].body
    [interface, *_] = body["agent_card"]["supportedInterfaces"]
    assert interface["url"] == f"http://{body['host']}:8000/a2a"


def test_a_card_that_no_registry_takes_is_left_out(
    tmp_path: Path, registry: FakeRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    skills = [
        {"id": f"s{number}", "name": "S", "description": "x" * 500, "examples": ["y" * 500]}
        for number in range(20)
    ]
    with running_agent(tmp_path, skills=skills, **joining(registry)):
        wait_until(lambda: registry.of("register"), "the registration")
    body = registry.of("register")[0].body
    assert "agent_card" not in body
    assert len(body["skills"]) == 20
    assert "the agent's card is not registered" in caplog.text


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_registry_that_knows_no_cards_gets_the_registration_without_one(
    tmp_path: Path, registry: FakeRegistry, status: int
) -> None:
    registry.script["register"] = [Reply(status, {"detail": "There is no such field."})]
    with running_agent(tmp_path, **joining(registry)) as agent:
        agent.wait_until_ready()
        wait_until(lambda: registry.of("heartbeat"), "a heartbeat")
    first, second = (call.body for call in registry.of("register"))
    assert first.pop("agent_card")
    assert first == second


def test_an_agent_registers_with_its_version_tags_and_skill_ids(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    skills = [
        {"id": "sum", "name": "Sum", "description": "Adds"},
        {"id": "mean", "name": "Mean", "description": "Divides"},
    ]
    declared: dict[str, Any] = {"version": "1.2.0", "tags": ["math", "eu"], "skills": skills}
    with running_agent(tmp_path, **declared, **joining(registry)):
        wait_until(lambda: registry.calls, "the registration")
    body = registry.of("register")[0].body
    assert {key: body[key] for key in ("version", "tags", "skills")} == {
        "version": "1.2.0",
        "tags": ["math", "eu"],
        "skills": ["sum", "mean"],
    }


def test_an_agent_listens_before_it_registers(tmp_path: Path) -> None:
    urls: list[str] = []
    alive: list[bool] = []

    class Curious(FakeRegistry):
        def reply(self, call: Call) -> Reply:
            wait_until(lambda: urls, "the agent's address")
            alive.append(httpx.get(f"{urls[0]}/health/live", timeout=30).is_success)
            return super().reply(call)

    with Curious() as curious, running_agent(tmp_path, **joining(curious)) as agent:
        urls.append(agent.url)
        wait_until(lambda: curious.calls, "a call")
    assert alive[0]


def test_a_handler_that_blocks_the_loop_keeps_the_lease_and_is_reported(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    done = tmp_path / "done"
    with running_agent(tmp_path, BLOCKS, **joining(registry)) as agent:
        agent.wait_until_ready()
        wait_until(lambda: "ready" in statuses(registry), "a heartbeat")
        with httpx.Client() as http, pytest.raises(httpx.ReadTimeout):
            http.post(f"{agent.url}/run", json={"until": str(done)}, timeout=0.2)
        wait_until(lambda: "degraded" in statuses(registry), "a degraded heartbeat")
        [note, *_] = [c.body["note"] for c in registry.of("heartbeat") if c.body["note"]]
        done.touch()
        wait_until(lambda: statuses(registry)[-1] == "ready", "a ready heartbeat")
    assert note.startswith("the handler has blocked the event loop for ")
    assert len(registry.of("register")) == 1


def test_draining_is_reported_at_once_and_the_agent_deregisters_after_its_work(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    done = tmp_path / "done"
    registry.heartbeat_interval = 20
    more = joining(registry, heartbeat_interval=None)
    handler = BLOCKS.replace("async def", "def")
    with running_agent(tmp_path, handler, **more) as agent:
        agent.wait_until_ready()
        wait_until(lambda: registry.calls, "the registration")
        with httpx.Client() as http, pytest.raises(httpx.ReadTimeout):
            http.post(f"{agent.url}/run", json={"until": str(done)}, timeout=0.2)
        agent.lifecycle.request_stop()
        wait_until(lambda: "draining" in statuses(registry), "a draining heartbeat")
        assert registry.of("delete") == []
        done.touch()
    assert registry.calls[-1].kind == "delete"


@pytest.mark.parametrize("status", [401, 403, 422])
def test_a_refused_registration_makes_the_agent_unready_with_the_reason(
    tmp_path: Path, registry: FakeRegistry, status: int
) -> None:
    registry.always["register"] = Reply(status, {"detail": "so it is"})
    with running_agent(tmp_path, **joining(registry)) as agent:
        wait_until(lambda: f"{status}, so it is" in str(agent.reason()), "the reason")
        assert agent.run(a=1).is_success


def test_a_superseded_agent_is_unready_and_does_not_deregister_its_successor(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    registry.always["heartbeat"] = Reply(409)
    with running_agent(tmp_path, **joining(registry)) as agent:
        wait_until(
            lambda: agent.reason() == "another agent has registered as an-agent", "the reason"
        )
    assert len(registry.of("register")) == 1
    assert registry.of("delete") == []


def test_an_unreachable_registry_does_not_make_the_agent_unready(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    registry.stop()
    with running_agent(tmp_path, **joining(registry)) as agent:
        agent.wait_until_ready()
        registry.start()
        wait_until(lambda: registry.of("heartbeat"), "a heartbeat")


def test_a_hanging_registry_does_not_prevent_stopping(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    registry.always["delete"] = HANGS
    with running_agent(tmp_path, **joining(registry)) as agent:
        wait_until(lambda: registry.of("heartbeat"), "a heartbeat")
        started = time.monotonic()
        agent.stop()
        assert time.monotonic() - started < 15  # usually 2


def test_an_agent_stopped_right_after_its_start_leaves_no_registration(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    (tmp_path / "agent.json").write_text(
        json.dumps({"name": "a", "agent_id": "a", "port": 8000, **joining(registry)})
    )

    async def scenario() -> None:
        keeper = registration.extension(read_config(tmp_path, {}), lambda: AgentStatus("ready"))
        await keeper.start()
        await keeper.stop()  # its thread has barely begun
        assert keeper._ended.done()

    asyncio.run(scenario())
    assert len(registry.of("delete")) == len(registry.of("register"))


def test_the_interval_in_the_file_overrides_the_registrys(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    registry.heartbeat_interval = 20
    with running_agent(tmp_path, **joining(registry)):
        wait_until(lambda: len(registry.of("heartbeat")) > 2, "heartbeats")


NOTES = ["\0", "a\nb", "\x1b[31mred", "\ud800", "\x85", "\u2028", "\U0010ffff", "x" * 1000]


@pytest.mark.parametrize("note", NOTES, ids=ascii)
def test_a_note_is_cleaned_so_that_the_registry_accepts_it(
    tmp_path: Path, registry: FakeRegistry, note: str
) -> None:
    (tmp_path / "agent.json").write_text(
        json.dumps({"name": "a", "agent_id": "a", "port": 8000, **joining(registry)})
    )
    status = AgentStatus("degraded", f"so it is: {note}")

    async def scenario() -> None:
        keeper = registration.extension(read_config(tmp_path, {}), lambda: status)
        await keeper.start()
        await wait_in_loop(lambda: registry.of("heartbeat"), "a heartbeat")
        await keeper.stop()

    asyncio.run(scenario())
    body = registry.of("heartbeat")[0].body
    assert body["note"].startswith("so it is: ")
    assert body["note"].isprintable()
    serializer = HeartbeatSerializer(data=body)
    assert serializer.is_valid(), serializer.errors


def test_an_invalid_registry_url_is_refused_at_the_start(
    tmp_path: Path, registry: FakeRegistry
) -> None:
    environ = {"AGENT_REGISTRY_URL": "registry:9000"}
    with (
        pytest.raises(ConfigError, match="AGENT_REGISTRY_URL"),
        running_agent(tmp_path, ECHO, environ, **joining(registry)),
    ):
        pass
