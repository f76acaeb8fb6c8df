"""Calls of an agent for an operator who tries it. Guarded as probes are."""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from django.conf import settings

from agents.addresses import before_port
from agents.models import AgentRecord
from agents.outbound.client import Answer, Limits, OutboundClient
from agents.outbound.endpoints import Endpoints
from agents.outbound.errors import OutboundError
from agents.outbound.networks import Networks
from agents.probes.own import own_endpoints

BODY_BYTES = 64 * 1024
HTTPS_PORT = 443
# Each takes one of the process' threads.
AT_ONCE = 2
BUSY = "Others are trying agents right now: try again in a moment."

_free = threading.BoundedSemaphore(AT_ONCE)


@dataclass(frozen=True)
class Reply:
    """`problem`: why there is no answer."""

    answer: Answer | None = None
    problem: str = ""

    @property
    def in_words(self) -> str:
        if self.answer is None:
            return self.problem
        try:
            phrase = f" {HTTPStatus(self.answer.status).phrase}"
        except ValueError:
            phrase = ""
        return f"{self.answer.status}{phrase}"

    @property
    def is_good(self) -> bool:
        return self.answer is not None and self.answer.status < HTTPStatus.MULTIPLE_CHOICES

    def json(self) -> Any:
        """Return None for what is no JSON."""
        try:
            return None if self.answer is None else json.loads(self.answer.body)
        except (ValueError, RecursionError):
            return None


def call(
    agent: AgentRecord, method: str, path: str, *, content: bytes = b"", token: str = ""
) -> Reply:
    """Call an agent if it is in the allowed networks."""
    headers = {"Accept": "application/json"}
    if content:
        headers["Content-Type"] = "application/json"
    if token:
        headers["Authorization"] = f"Bearer {token}"
    scheme = "https" if agent.port == HTTPS_PORT else "http"
    url = f"{scheme}://{before_port(agent.host)}:{agent.port}{path}"
    if not _free.acquire(blocking=False):
        return Reply(problem=BUSY)
    try:
        return Reply(asyncio.run(_send(own_endpoints(), method, url, headers, content)))
    except OutboundError as error:
        return Reply(problem=str(error))
    finally:
        _free.release()


async def _send(
    own: Endpoints, method: str, url: str, headers: Mapping[str, str], content: bytes
) -> Answer:
    networks = settings.TRY_NETWORKS or Networks()
    limits = Limits(settings.TRY_TIMEOUT_SECONDS, BODY_BYTES)
    async with OutboundClient(networks, limits, connections=1, own=own) as client:
        return await client.send(method, url, headers=headers, content=content)
