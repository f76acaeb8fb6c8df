"""Registration keeps a process registered, from a thread of its own."""

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deploygen.client import Registration
from tests.deploygen.client.living_client import QUICK
from tests.deploygen.fake_registry import FakeRegistry, Reply
from tests.processes import wait_until

PROJECT = Path(__file__).parents[3]


def registration_with(registry: FakeRegistry, **options: Any) -> Registration:
    return Registration("a-process", registry_url=registry.url, pacing=QUICK, **options)


def wait_for(registry: FakeRegistry, kind: str, count: int = 1) -> None:
    wait_until(lambda: len(registry.of(kind)) >= count, f"{count} calls: {kind}")


def start_program(code: str, registry: FakeRegistry) -> subprocess.Popen[str]:
    environment = os.environ | {
        "AGENT_REGISTRY_URL": registry.url.replace("127.0.0.1", "localhost"),
        "PYTHONPATH": str(PROJECT),
    }
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_with_block_is_registered_and_then_deregistered(registry: FakeRegistry) -> None:
    with registration_with(registry, port=8123, tags=["x"], metadata={"team": "a"}) as process:
        wait_for(registry, "heartbeat")
        assert process.is_registered
        assert process.problem is None
        assert not registry.of("delete")
    [registered] = registry.of("register")
    assert (registered.body["agent_id"], registered.body["port"]) == ("a-process", 8123)
    assert registered.body["tags"] == ["x"]
    assert registered.body["metadata"]["team"] == "a"
    assert registry.of("delete")[0].lease_token == "1.token"
    assert not process.is_registered


def test_heartbeats_carry_the_report(registry: FakeRegistry) -> None:
    with registration_with(registry, report=lambda: {"status": "busy", "load": 0.5}):
        wait_for(registry, "heartbeat")
    assert registry.of("heartbeat")[0].body == {"status": "busy", "load": 0.5}


def test_it_starts_once_and_can_be_started_again(registry: FakeRegistry) -> None:
    process = registration_with(registry)
    for _ in range(2):
        process.start()
        assert process.start() is process
        wait_until(lambda: process.is_registered, "the registration")
        process.stop()
        process.stop()
    assert len(registry.of("register")) == 2
    assert len(registry.of("delete")) == 2


def test_a_registry_that_is_away_is_tried_again(registry: FakeRegistry) -> None:
    registry.stop()
    with registration_with(registry) as process:
        registry.start()
        wait_until(lambda: process.is_registered, "the registration")


def test_the_token_is_read_from_a_file_for_each_registration(
    registry: FakeRegistry, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("art_first\n")
    monkeypatch.setenv("AGENT_ENROLMENT_TOKEN_FILE", str(file))
    registry.always["heartbeat"] = Reply(404)
    with registration_with(registry):
        wait_for(registry, "register")
        file.write_text("art_second\n")
        wait_until(
            lambda: "Bearer art_second" in [call.authorization for call in registry.calls],
            "the other token",
        )
    assert registry.of("register")[0].authorization == "Bearer art_first"


def test_it_says_when_another_process_has_the_id(registry: FakeRegistry) -> None:
    registry.always["heartbeat"] = Reply(409)
    with registration_with(registry) as process:
        wait_until(lambda: process.problem, "the problem")
        assert process.problem == "another agent has registered as a-process"


def test_the_lifespan_of_an_app_is_that_of_its_registration(registry: FakeRegistry) -> None:
    process = registration_with(registry)

    async def serve() -> None:
        async with process.lifespan(object()):
            await asyncio.to_thread(wait_for, registry, "heartbeat")

    asyncio.run(serve())
    assert len(registry.of("delete")) == 1


@pytest.mark.parametrize(
    "options", [{"registry_url": "ftp://registry"}, {"registry_url": "http://u:p@registry"}]
)
def test_a_wrong_url_is_an_error_at_once(options: Any) -> None:
    with pytest.raises(ValueError, match="URL"):
        Registration("a-process", **options)


def test_without_a_url_it_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_REGISTRY_URL", raising=False)
    with pytest.raises(ValueError, match="AGENT_REGISTRY_URL"):
        Registration("a-process")


START = """
import os, sys
from deploygen.client import Registration
Registration("a-process").start()
print("started", flush=True)
sys.stdin.readline()
"""


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_program_that_ends_deregisters(registry: FakeRegistry, interrupted: bool) -> None:
    program = start_program(START, registry)
    wait_for(registry, "heartbeat")
    if interrupted:
        program.send_signal(signal.SIGINT)
    _, errors = program.communicate("\n", timeout=60)
    assert len(registry.of("delete")) == 1
    assert ("KeyboardInterrupt" in errors) is interrupted
    assert "registration has failed" not in errors


def test_a_forked_child_that_ends_leaves_its_parent_registered(registry: FakeRegistry) -> None:
    fork = "if os.fork() == 0:\n    sys.exit()\nos.wait()\nprint('waited', flush=True)\n"
    program = start_program(START.replace("print(", fork + "print("), registry)
    assert program.stdout is not None
    wait_until(lambda: program.stdout and program.stdout.readline() == "waited\n", "the child")
    wait_for(registry, "heartbeat")
    assert not registry.of("delete")
    program.communicate("\n", timeout=60)
    assert len(registry.of("delete")) == 1
