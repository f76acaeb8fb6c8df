"""A local chat endpoint with OpenAI's API, which records its requests."""

import json
from collections.abc import Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.serving import serving

KEY = "sk-a-key"


class ChatServer(ThreadingHTTPServer):
    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), ChatRequest)
        self.url = f"http://127.0.0.1:{self.server_address[1]}/v1"
        self.requests: list[dict[str, Any]] = []
        # Sent instead of a completion.
        self.nonsense: str | None = None
        # Messages to answer with, in turn, before it repeats what it was asked.
        self.script: list[dict[str, Any]] = []
        # The Content-Encoding header.
        self.encoding = "identity"


class ChatRequest(BaseHTTPRequestHandler):
    server: ChatServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/chat/completions":
            self._answer(404, "{}")
        elif self.headers["Authorization"] != f"Bearer {KEY}":
            self._answer(401, json.dumps({"error": {"message": "Incorrect API key"}}))
        elif self.server.nonsense is not None:
            self._answer(200, self.server.nonsense)
        else:
            self.server.requests.append(body)
            script = self.server.script
            message = script.pop(0) if script else echo(body)
            if body.get("stream"):
                self._stream(body, message)
            else:
                self._answer(200, json.dumps(completion(body, message)))

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Encoding", self.server.encoding)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def _stream(self, body: dict[str, Any], message: dict[str, Any]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Connection", "close")
        self.end_headers()
        for chunk in chunks(body, message):
            self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
        self.wfile.write(b"data: [DONE]\n\n")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name in the base class
        pass


def echo(body: dict[str, Any]) -> dict[str, Any]:
    """Return an answer to the last message."""
    content = f"You asked: {body['messages'][-1]['content']}"
    return {"role": "assistant", "content": content}


def tool_call(name: str, **arguments: Any) -> dict[str, Any]:
    """Return a message that asks for a tool."""
    function = {"name": name, "arguments": json.dumps(arguments)}
    call = {"id": "call-1", "type": "function", "function": function}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


def completion(body: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    """Return a message in the format of the API."""
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1,
        "model": f"{body['model']}-2024",
        "choices": [{"index": 0, "message": message, "finish_reason": _reason(message)}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def chunks(body: dict[str, Any], message: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a message word by word, in the format of the API."""
    words = (message["content"] or "").split(" ")
    deltas: list[dict[str, Any]] = [
        {"content": word if index == 0 else f" {word}"} for index, word in enumerate(words)
    ]
    if calls := message.get("tool_calls"):
        deltas = [{"tool_calls": [{"index": 0, **call} for call in calls]}]
    deltas[0]["role"] = "assistant"
    about = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1}
    about["model"] = body["model"]
    for delta in deltas:
        yield {**about, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    end = {"index": 0, "delta": {}, "finish_reason": _reason(message)}
    yield {**about, "choices": [end]}


def _reason(message: dict[str, Any]) -> str:
    return "tool_calls" if message.get("tool_calls") else "stop"


def chat_server() -> AbstractContextManager[ChatServer]:
    return serving(ChatServer())
