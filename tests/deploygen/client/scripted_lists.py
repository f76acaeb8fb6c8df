"""A registry that answers lists and watches as a test has written it."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from tests.serving import serving

PROBLEM, JSON = "application/problem+json", "application/json"


def record(agent_id: str, **fields: Any) -> dict[str, Any]:
    """Return an agent as the registry describes it."""
    return {
        "agent_id": agent_id,
        "agent_name": agent_id.title(),
        "host": "10.0.0.1",
        "port": 8000,
        "is_alive": True,
        "last_heartbeat": "2026-11-30T10:00:00.5Z",
        "registered_at": "2026-11-30T09:00:00Z",
        "ttl_seconds": 60,
        "metadata": {},
        "expires_at": "2026-11-30T10:01:00.5Z",
        "version": "1",
        "tags": [],
        "skills": [],
        "state": "active",
        "status": "ready",
        "load": None,
        "note": "",
        "seen_address": "10.0.0.1",
        "generation": 1,
        **fields,
    }


def message(kind: str, cursor: str, agent_id: str = "", **more: Any) -> bytes:
    content = {"type": kind, "cursor": cursor, "agent_id": agent_id, **more}
    return f"event: {kind}\nid: {cursor}\ndata: {json.dumps(content)}\n\n".encode()


def added(cursor: str, agent_id: str, **fields: Any) -> bytes:
    return message("ADDED", cursor, agent_id, agent=record(agent_id, **fields))


def modified(cursor: str, agent_id: str, **fields: Any) -> bytes:
    return message("MODIFIED", cursor, agent_id, agent=record(agent_id, **fields))


def deleted(cursor: str, agent_id: str, reason: str = "expired") -> bytes:
    return message("DELETED", cursor, agent_id, reason=reason)


@dataclass(frozen=True)
class Reply:
    status: int = 200
    body: Any = ""
    content_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def content(self) -> bytes:
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


def listed(*agents: dict[str, Any], cursor: str = "c0", **headers: str) -> Reply:
    return Reply(body=agents, headers={"Registry-Cursor": cursor, **headers})


def problem(status: int, detail: str = "no", **headers: str) -> Reply:
    return Reply(status, {"status": status, "detail": detail}, PROBLEM, headers)


def stream(*messages: bytes) -> Reply:
    """These messages, and then the end of the stream."""
    return Reply(body=b"".join(messages), content_type="text/event-stream")


@dataclass(frozen=True)
class Call:
    path: str
    query: dict[str, str]
    headers: dict[str, str]


class Script:
    """Gives the replies in turn; after the last one, watches hang."""

    def __init__(self, *replies: Reply) -> None:
        self.calls: list[Call] = []
        self.released = threading.Event()
        self._replies = list(replies)
        self._lock = threading.Lock()
        self.url = ""

    def cursors(self) -> list[str | None]:
        """Return the Last-Event-ID of each watch."""
        watches = [call for call in self.calls if call.path.endswith("/watch")]
        return [call.headers.get("last-event-id") for call in watches]

    def next_reply(self, call: Call) -> Reply | None:
        with self._lock:
            self.calls.append(call)
            return self._replies.pop(0) if self._replies else None


@contextmanager
def scripted(*replies: Reply) -> Iterator[Script]:
    script = Script(*replies)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            headers = {name.lower(): value for name, value in self.headers.items()}
            reply = script.next_reply(Call(parts.path, dict(parse_qsl(parts.query)), headers))
            if reply is None:
                self._hang()
                return
            self.send_response(reply.status)
            for name, value in reply.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", reply.content_type)
            if reply.content_type != "text/event-stream":
                self.send_header("Content-Length", str(len(reply.content)))
            self.end_headers()
            self.wfile.write(reply.content)

        def log_message(self, *_: object) -> None:
            pass

        def _hang(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            self.wfile.write(b":\n\n")
            self.wfile.flush()
            script.released.wait(60)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    server.block_on_close = False
    with serving(server):
        script.url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            yield script
        finally:
            script.released.set()
