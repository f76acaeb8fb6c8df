"""Requests of the agents, and parsing of their responses."""

import ipaddress
import re
from collections.abc import Sequence

from benchmarks.storm.plan import Plan
from benchmarks.wire.connection import Address
from benchmarks.wire.pool import Response
from benchmarks.wire.requests import json_request, request

FIRST_ADDRESS = ipaddress.IPv4Address("10.0.0.1")
MOST_ADDRESSES = 2**24 - 2
LEASE_TOKEN = re.compile(rb'"lease_token": ?"([^"]*)"')


class StormRequests:
    def __init__(self, address: Address, plan: Plan, access_tokens: Sequence[str]) -> None:
        self._address = address
        self._plan = plan
        self._access_tokens = access_tokens

    def register(self, number: int, agent_id: str) -> bytes:
        host = self._host(number)
        body = {
            "agent_id": agent_id,
            "agent_name": f"Weather {number}",
            "host": host,
            "port": 8000,
            "ttl_seconds": self._plan.ttl,
            "metadata": {"region": "eu-west-1", "image": "registry.example/weather:1.4.2"},
            "version": "1.4.2",
            "tags": ["weather", "eu"],
            "skills": ["forecast"],
        }
        token = self._access_tokens[number % len(self._access_tokens)]
        headers = {"Authorization": f"Bearer {token}", "X-Forwarded-For": host}
        return json_request("POST", self._address, "/agents/register", body, headers)

    def heartbeat(self, number: int, agent_id: str, token: str) -> bytes:
        headers = {"Lease-Token": token, "X-Forwarded-For": self._host(number)}
        return request("POST", self._address, f"/agents/{agent_id}/heartbeat", headers)

    def _host(self, number: int) -> str:
        return str(FIRST_ADDRESS + number % (self._plan.addresses or MOST_ADDRESSES))


def lease_token(response: Response) -> str:
    """Raises ValueError without one."""
    found = LEASE_TOKEN.search(response.content)
    if found is None:
        raise ValueError(f"no lease token in {response.content!r}")
    return found[1].decode()


def generation_of(token: str) -> int:
    return int(token.partition(".")[0])
