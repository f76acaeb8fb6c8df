"""A client of GET /agents/watch that keeps a view, over a raw socket."""

import base64
import json
import select
import socket
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from benchmarks.discovery.messages import Message
from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response
from benchmarks.wire.requests import request
from benchmarks.wire.responses import HEAD_END, body_of, header_of, status_of

AGAIN_SECONDS = 0.05  # after which it connects again
CHUNK_BYTES = 256 * 1024
OK = 200
# What heartbeats change, which no message is sent for.
REPORTED = {"last_heartbeat", "expires_at", "status", "load", "note", "seen_address", "is_alive"}

View = dict[str, dict[str, Any]]


class Watcher:
    """Lists the agents, follows the changes, and goes on when its connection ends.

    `start`: the position of its list. `connections`: so far. `errors`: what a registry must not do.
    """

    def __init__(
        self,
        poller: Poller,
        pool: Pool,
        address: Address,
        headers: Mapping[str, str],
        filters: Mapping[str, str],
    ) -> None:
        self.filters = filters
        self.view: View = {}
        self.messages: list[Message] = []
        self.errors: list[str] = []
        self.connections = 0
        self.start = -1
        self._poller = poller
        self._pool = pool
        self._address = address
        self._headers = headers
        self._cursor = ""
        self._socket: socket.socket | None = None
        self._received = b""
        self._is_streaming = False
        self._connected = 0.0

    @property
    def is_connected(self) -> bool:
        return self._is_streaming

    def begin(self) -> None:
        self._pool.send(self.list_request(), self._listed)

    def list_request(self) -> bytes:
        query = urlencode({**self.filters, "limit": 10_000})
        return request("GET", self._address, f"/agents?{query}", self._headers)

    def close(self) -> None:
        if self._socket is not None:
            self._poller.forget(self._socket.fileno())
            self._socket.close()
            self._socket = None
        self._is_streaming = False

    def _listed(self, response: Response) -> None:
        cursor = header_of(response.content, b"registry-cursor") if response.status == OK else None
        if cursor is None:  # busy
            self._poller.after(AGAIN_SECONDS, self.begin)
            return
        self.view = read_view(response)
        self._cursor = cursor.decode()
        self.start = position_of(self._cursor)
        self._connect()

    def _connect(self) -> None:
        try:
            self._socket = socket.create_connection(self._address, timeout=30)
        except OSError:
            self._poller.after(AGAIN_SECONDS, self._connect)
            return
        query = urlencode(self.filters)
        headers = {"Accept": "text/event-stream", "Last-Event-ID": self._cursor, **self._headers}
        watch = request("GET", self._address, f"/agents/watch?{query}", headers)
        # Without chunks, of which HTTP/1.0 has none.
        self._socket.sendall(watch.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))
        self._socket.setblocking(False)
        self._received, self._is_streaming = b"", False
        self._poller.watch(self._socket.fileno(), select.EPOLLIN, self._receive)

    def _receive(self, _events: int) -> None:
        try:
            chunk = self._socket.recv(CHUNK_BYTES) if self._socket else b""
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self.close()
            self._poller.after(AGAIN_SECONDS, self._connect)
            return
        self._received += chunk
        if not self._is_streaming and HEAD_END in self._received:
            self._begin_stream()
        if self._is_streaming:
            *events, self._received = self._received.split(b"\n\n")
            for event in events:
                self._take(event)

    def _begin_stream(self) -> None:
        status = status_of(self._received)
        if status == OK:
            self._received = body_of(self._received)
            self._is_streaming = True
            self.connections += 1
            self._connected = time.time()
        elif status < 500:
            self.errors.append(f"a watch was answered with {status}")

    def _take(self, event: bytes) -> None:
        lines = (line.partition(b": ") for line in event.split(b"\n"))
        fields = {name: value for name, _, value in lines}
        if b"data" not in fields:
            return  # a comment
        change = json.loads(fields[b"data"])
        self._cursor = fields[b"id"].decode()
        kind = change["type"]
        if (fields[b"event"].decode(), self._cursor) != (kind, change["cursor"]):
            self.errors.append(f"an event and its data differ: {event!r}")
        if kind == "BOOKMARK":
            return
        agent_id = change["agent_id"]
        if kind == "DELETED":
            self.view.pop(agent_id, None)
        else:
            self.view[agent_id] = unreported(change["agent"])
        position = position_of(self._cursor)
        self.messages.append(Message(position, agent_id, time.time(), self._connected))


def read_view(response: Response) -> View:
    agents = json.loads(body_of(response.content))
    return {agent["agent_id"]: unreported(agent) for agent in agents}


def unreported(agent: Mapping[str, Any]) -> dict[str, Any]:
    """Return the agent without what its heartbeats change."""
    return {name: value for name, value in agent.items() if name not in REPORTED}


def position_of(cursor: str) -> int:
    """Read what is only text to other clients, to check the order."""
    return int(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
