"""A registry in one thread with configurable faults, which a benchmark must detect."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from benchmarks.wire.connection import Address

REASONS = {200: "OK", 201: "Created"}


@dataclass
class Lease:
    generation: int
    ttl: float
    renewed: float
    beats: int = 0


@dataclass
class Faults:
    """The faults. Seconds are added to a lease only where it is read."""

    read_seconds: float = 0.0
    listing_seconds: float = 0.0
    forgets_after_beats: int | None = None
    listing_leaves_out: str = ""
    keeps_deregistered: bool = False
    takes_old_tokens: bool = False


@dataclass
class FakeRegistry:
    address: Address = ("", 0)
    faults: Faults = field(default_factory=Faults)
    leases: dict[str, Lease] = field(default_factory=dict)
    generation: int = 0
    transports: list[asyncio.Transport] = field(default_factory=list)

    def respond(self, method: str, path: str, token: str, body: bytes) -> tuple[int, Any]:
        name, _, last = path.removeprefix("/agents").removeprefix("/").partition("/")
        if method == "GET":
            return (200, self._listed()) if name.startswith("?") or not name else self._read(name)
        if name == "heartbeat":
            return self._renew_many(json.loads(body)["agents"])
        if name == "register":
            return self._register(body)
        if last == "heartbeat":
            return self._renew(name, token, body)
        return self._deregister(name)

    def _register(self, body: bytes) -> tuple[int, Any]:
        body_fields = json.loads(body)
        if "agent_id" not in body_fields:
            return 422, {}
        agent_id = body_fields["agent_id"]
        status = 200 if agent_id in self.leases else 201
        self.generation += 1
        self.leases[agent_id] = Lease(self.generation, body_fields["ttl_seconds"], time.monotonic())
        return status, {"lease_token": f"{self.generation}.{agent_id}"}

    def _renew(self, agent_id: str, token: str, body: bytes) -> tuple[int, Any]:
        if not token:
            return 404, {}
        generation, _, signed = token.partition(".")
        if signed != agent_id:
            return 403, {}
        if body:
            return (422 if body.endswith(b"}") else 400), {}
        lease = self.leases.get(agent_id)
        if lease is None:
            return 404, {}
        if int(generation) != lease.generation and not self.faults.takes_old_tokens:
            return 409, {}
        lease.renewed = time.monotonic()
        lease.beats += 1
        if lease.beats == self.faults.forgets_after_beats:
            del self.leases[agent_id]
        return 200, {"status": "ok"}

    def _renew_many(self, leases: list[dict[str, str]]) -> tuple[int, Any]:
        ids: dict[int, list[str]] = {200: [], 403: [], 404: [], 409: []}
        for lease in leases:
            status, _ = self._renew(lease["agent_id"], lease["lease_token"], b"")
            ids[status].append(lease["agent_id"])
        answer = {"renewed": len(ids[200]), "unknown": ids[404], "refused": ids[403] + ids[409]}
        return 200, {**answer, "invalid": [], "throttled": []}

    def _deregister(self, agent_id: str) -> tuple[int, Any]:
        if not self.faults.keeps_deregistered:
            self.leases.pop(agent_id, None)
        return 200, {"status": "deleted"}

    def _read(self, agent_id: str) -> tuple[int, Any]:
        lease = self.leases.get(agent_id)
        return (
            (404, {})
            if lease is None
            else (200, {"is_alive": self._is_alive(lease, self.faults.read_seconds)})
        )

    def _listed(self) -> Any:
        out = self.faults.listing_leaves_out
        return [
            {"agent_id": agent_id}
            for agent_id, lease in self.leases.items()
            if self._is_alive(lease, self.faults.listing_seconds)
            and not (out and agent_id.endswith(out))
        ]

    def _is_alive(self, lease: Lease, seconds: float) -> bool:
        return time.monotonic() < lease.renewed + lease.ttl + seconds


class Connection(asyncio.Protocol):
    def __init__(self, registry: FakeRegistry) -> None:
        self._registry = registry
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._registry.transports.append(transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, end, body = self._received.partition(b"\r\n\r\n")
        if not end:
            return
        headers = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
        if len(body) < int(headers.get("Content-Length", 0)):
            return
        self._received = b""
        method, path, _ = head.decode().split(" ", 2)
        if "art_000000000000_" in headers.get("Authorization", ""):
            response: tuple[int, Any] = (401, None)
        else:
            token = headers.get("Lease-Token", "")
            response = self._registry.respond(method, path, token, body)
        text = json.dumps(response[1])
        line = f"HTTP/1.1 {response[0]} {REASONS.get(response[0], 'No')}"
        self._transport.write(f"{line}\r\nContent-Length: {len(text)}\r\n\r\n{text}".encode())


@contextmanager
def fake_registry(faults: Faults | None = None) -> Iterator[FakeRegistry]:
    """Run a registry in a thread."""
    registry = FakeRegistry(faults=faults or Faults())
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(
        loop.create_server(lambda: Connection(registry), "127.0.0.1", 0, backlog=500)
    )
    registry.address = server.sockets[0].getsockname()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield registry
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        for transport in registry.transports:
            transport.abort()
        loop.run_until_complete(asyncio.sleep(0))  # closes the transports
        loop.close()
