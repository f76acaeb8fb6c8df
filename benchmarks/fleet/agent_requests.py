"""Requests of agents, and parsing of their responses."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from benchmarks.fleet.agent import NO_FIELDS, Agent
from benchmarks.wire.connection import Address
from benchmarks.wire.pool import Response
from benchmarks.wire.requests import JSON, json_request, request
from benchmarks.wire.responses import body_of, header_of

PAGE_SIZE = 1000
RETRY_SECONDS = 5.0
IS_ALIVE = re.compile(rb'"is_alive": ?true')
LISTED_ID = re.compile(rb'"agent_id": ?"([^"]*)"')
NEXT = re.compile(rb'<[^>]*?(/agents\?[^>]*)>; ?rel="?next')
NOT_FOUND = 404


class AgentRequests:
    """Requests to one registry. `token`: an access token for token mode."""

    def __init__(self, address: Address, token: str | None) -> None:
        self.address = address
        self._authorization = {"Authorization": f"Bearer {token}"} if token else {}

    def register(self, agent_id: str, ttl: int, fields: Mapping[str, Any] = NO_FIELDS) -> bytes:
        address = {"host": "127.0.0.1", "port": 8000}
        body = {"agent_id": agent_id, **address, "ttl_seconds": ttl, **fields}
        return json_request("POST", self.address, "/agents/register", body, self._authorization)

    def heartbeat(self, agent_id: str, token: str, body: bytes = b"") -> bytes:
        headers = {"Lease-Token": token} | (JSON if body else {})
        return request("POST", self.address, f"/agents/{agent_id}/heartbeat", headers, body)

    def heartbeats(self, agents: Iterable[Agent]) -> bytes:
        leases = [{"agent_id": one.agent_id, "lease_token": one.token} for one in agents]
        return json_request("POST", self.address, "/agents/heartbeat", {"agents": leases})

    def deregister(self, agent_id: str, token: str) -> bytes:
        return request("DELETE", self.address, f"/agents/{agent_id}", {"Lease-Token": token})

    def read(self, agent_id: str) -> bytes:
        return request("GET", self.address, f"/agents/{quote(agent_id)}", self._authorization)

    def page(self, path: str = f"/agents?limit={PAGE_SIZE}") -> bytes:
        return request("GET", self.address, path, self._authorization)


def lease_token(response: Response) -> str:
    token: str = json.loads(body_of(response.content))["lease_token"]
    return token


def pause_after(response: Response) -> float:
    """Return the seconds to wait after a failure."""
    seconds = header_of(response.content, b"retry-after") if response.status else None
    return float(seconds) if seconds and seconds.isdigit() else RETRY_SECONDS


def is_alive(response: Response) -> bool:
    """Whether the response to `AgentRequests.read` shows the agent alive; 404 means it is not."""
    return response.status != NOT_FOUND and IS_ALIVE.search(response.content) is not None


def listed(response: Response) -> list[bytes]:
    return LISTED_ID.findall(response.content)


def next_page(response: Response) -> str | None:
    found = NEXT.search(header_of(response.content, b"link") or b"")
    return found[1].decode() if found else None
