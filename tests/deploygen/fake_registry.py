"""A registry that gives scripted answers."""

import json
import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from typing import Any


@dataclass(frozen=True)
class Reply:
    """An answer of the registry.

    A dict is completed with the fields that every success has, or with the members and the media
    type of Problem Details. Bytes and lists are sent unchanged.

    `foreign`: a dict is sent unchanged, too. `hangs`: no answer is sent. `breaks`: the connection
    is closed instead. `after`: the answer waits for this event.
    """

    status: int = 200
    body: Any = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    breaks: bool = False
    after: threading.Event | None = None
    foreign: bool = False


HANGS = Reply(hangs=True)
BREAKS = Reply(breaks=True)


@dataclass(frozen=True)
class Call:
    kind: str
    path: str
    body: Any
    lease_token: str | None
    authorization: str | None = None


class FakeRegistry:
    """Answers with `script[kind]` in turn, then with `always[kind]`, else with success.

    Kinds of calls are "register", "heartbeat" and "delete".
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.script: dict[str, list[Reply]] = defaultdict(list)
        self.always: dict[str, Reply] = {}
        self.heartbeat_interval: Any = 0.05
        self._released = threading.Event()
        self._port = 0
        self._server: _Server | None = None
        self.start()

    def __enter__(self) -> "FakeRegistry":
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        self._released.clear()
        self._server = _Server(("127.0.0.1", self._port), _handler_for(self))
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def stop(self) -> None:
        """Be unreachable until `start` is called."""
        self._released.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def of(self, kind: str) -> list[Call]:
        return [call for call in self.calls if call.kind == kind]

    def reply(self, call: Call) -> Reply:
        self.calls.append(call)
        if self.script[call.kind]:
            reply = self.script[call.kind].pop(0)
        else:
            reply = self.always.get(call.kind) or self._success(call)
        if reply.hangs:
            self._released.wait(60)
        if reply.after is not None:
            reply.after.wait(60)
        return reply

    def _success(self, call: Call) -> Reply:
        if call.kind == "register":
            token = f"{len(self.of('register'))}.token"
            interval = {"heartbeat_interval": self.heartbeat_interval}
            return Reply(201, {**call.body, "lease_token": token, **interval})
        if call.kind == "delete":
            return Reply(200, {"status": "deleted"})
        return Reply(200, {"status": "ok", "heartbeat_interval": self.heartbeat_interval})


class _Server(ThreadingTCPServer):
    # Not HTTPServer, which looks up the name of this machine.
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False


def _handler_for(registry: FakeRegistry) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self._answer("register" if self.path.endswith("/register") else "heartbeat")

        def do_DELETE(self) -> None:
            self._answer("delete")

        def log_message(self, *_: object) -> None:
            pass

        def _answer(self, kind: str) -> None:
            text = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(text) if text else None
            tokens = (self.headers.get("Lease-Token"), self.headers.get("Authorization"))
            reply = registry.reply(Call(kind, self.path, body, *tokens))
            if reply.hangs or reply.breaks:
                return  # and the connection is closed
            content, headers = _encoded(reply, kind, body)
            self.send_response(reply.status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return Handler


def _encoded(reply: Reply, kind: str, sent: Any) -> tuple[bytes, dict[str, str]]:
    """Return the body and the headers of a reply."""
    headers = {"Content-Type": "application/json", **reply.headers}
    body = reply.body
    if isinstance(body, bytes):
        return body, dict(reply.headers)
    if isinstance(body, dict) and not reply.foreign:
        if reply.status >= HTTPStatus.BAD_REQUEST:
            body = {"title": HTTPStatus(reply.status).phrase, "status": reply.status, **body}
            headers["Content-Type"] = "application/problem+json"
        elif kind == "register":
            body = {"agent_id": sent["agent_id"], **body}
        else:
            body = {"status": "deleted" if kind == "delete" else "ok", **body}
    return json.dumps(body).encode(), headers
