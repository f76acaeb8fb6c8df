"""The last official SDK of A2A 0.3, in an environment of its own: both have the name a2a."""

import json
import subprocess
import sys
import venv
from pathlib import Path
from typing import Any

import pytest

from tests.deploygen.runtime.running_agent import running_agent

REQUIREMENTS = Path(__file__).parents[4] / "requirements" / "a2a-0.3.txt"
# Sends "hello" to the agent at argv[1], by a stream or not, and prints what it got.
CLIENT = """
import asyncio, json, sys
import httpx
from a2a.client import A2ACardResolver, ClientConfig, ClientFactory
from a2a.client.errors import A2AClientJSONRPCError
from a2a.types import Message, Part, Role, TaskQueryParams, TextPart

def plain(model):
    return model.model_dump(mode="json", exclude_none=True)

async def talk(http, url, streaming):
    card = await A2ACardResolver(http, url).get_agent_card()
    client = ClientFactory(ClientConfig(httpx_client=http, streaming=streaming)).create(card)
    message = Message(role=Role.user, message_id="1", parts=[Part(root=TextPart(text="hello"))])
    updates = []
    async for task, update in client.send_message(message):
        updates.append(update and update.kind)
    stored = await client.get_task(TaskQueryParams(id=task.id))
    try:
        await client.get_task(TaskQueryParams(id="unknown"))
    except A2AClientJSONRPCError as error:
        code = error.error.code
    return {"url": card.url, "updates": updates, "task": plain(task), "stored": plain(stored),
            "code": code}

async def main():
    async with httpx.AsyncClient(timeout=30) as http:
        print(json.dumps([await talk(http, sys.argv[1], each) for each in (False, True)]))

asyncio.run(main())
"""
SPEAKS = """
def handle(inputs):
    yield inputs["input"]
    yield " you"
"""


@pytest.mark.services
def test_the_sdk_of_0_3_reads_the_card_and_gets_the_same_task_with_and_without_a_stream(
    tmp_path: Path,
) -> None:
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    options = ["-q", "--no-compile", "--require-hashes", "-r", str(REQUIREMENTS)]
    subprocess.run([python, "-m", "pip", "install", *options], check=True, stdout=sys.stderr)
    with running_agent(tmp_path, SPEAKS) as agent:
        answered = subprocess.run(
            [python, "-c", CLIENT, agent.url], check=True, capture_output=True, text=True
        )
        url = f"{agent.url}/a2a"
    plain, streamed = json.loads(answered.stdout)
    assert plain["updates"] == [None]
    assert streamed["updates"] == [None, *["artifact-update"] * 3, "status-update"]
    for each in (plain, streamed):
        assert (each["url"], each["code"]) == (url, -32001)
        assert each["task"]["status"]["state"] == "completed"
        assert text_of(each["task"]) == text_of(each["stored"]) == "hello you"
        assert [part["text"] for part in each["stored"]["history"][0]["parts"]] == ["hello"]


def text_of(task: dict[str, Any]) -> str:
    [artifact] = task["artifacts"]
    return "".join(part["text"] for part in artifact["parts"])
