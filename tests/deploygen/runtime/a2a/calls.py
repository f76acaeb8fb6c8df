"""Calls of A2A's JSON-RPC without its SDK."""

from typing import Any

import httpx

from tests.deploygen.runtime.running_agent import RunningAgent

MESSAGE = {"messageId": "1", "role": "ROLE_USER", "parts": [{"text": "hello"}]}
WAITS = """
import asyncio
async def handle(inputs): await asyncio.Event().wait()
"""


def call(agent: RunningAgent, method: Any, params: Any = None, **more: Any) -> httpx.Response:
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params} | more
    return agent.http.post("/a2a", json={k: v for k, v in body.items() if v is not None})


def result_of(agent: RunningAgent, method: str, params: Any) -> dict[str, Any]:
    answer = call(agent, method, params)
    assert (answer.status_code, set(answer.json())) == (200, {"jsonrpc", "id", "result"})
    result: dict[str, Any] = answer.json()["result"]
    return result


def send(
    agent: RunningAgent, *parts: dict[str, Any], message: Any = None, **configuration: Any
) -> dict[str, Any]:
    """Send a message with these parts, and return its task."""
    sent = {**MESSAGE, **(message or {})}
    if parts:
        sent["parts"] = list(parts)
    params = {"message": sent, "configuration": configuration}
    task: dict[str, Any] = result_of(agent, "SendMessage", params)["task"]
    return task


def parts_of(task: dict[str, Any]) -> list[dict[str, Any]]:
    [artifact] = task["artifacts"]
    parts: list[dict[str, Any]] = artifact["parts"]
    return parts


def code_of(answer: httpx.Response) -> int:
    assert answer.status_code == 200
    body = answer.json()
    assert body["jsonrpc"] == "2.0"
    assert set(body) == {"jsonrpc", "id", "error"}
    code: int = body["error"]["code"]
    return code
