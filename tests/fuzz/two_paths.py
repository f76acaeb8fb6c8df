"""The same bytes to two web servers of one registry, with and without the fast path.

Whatever the fast path takes or leaves, the answers have to be those of Django.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from random import Random
from typing import Any

import httpx

from tests.fuzz import heartbeat_requests
from tests.fuzz.heartbeat_requests import AGENTS, TOKEN
from tests.fuzz.http_answers import Answer, BadAnswer
from tests.fuzz.raw_http import RawHttp

# What differs from one moment, or from one page, to the next.
PASSING = {"last_heartbeat", "expires_at"}


def register(url: str) -> dict[str, str]:
    """Register the agents that the requests are about; return their lease tokens."""
    tokens = {}
    for agent_id in AGENTS:
        registration = {"agent_id": agent_id, "host": "h", "port": 80, "ttl_seconds": 86_400}
        answer = httpx.post(f"{url}/agents/register", json=registration, timeout=30)
        tokens[agent_id] = answer.raise_for_status().json()["lease_token"]
    return tokens


class TwoPaths:
    """`fast` and `slow` are addresses of web servers on one database; `tokens` are from there.

    `statuses` counts the answers of the fast path.
    """

    name = "paths"

    def __init__(self, fast: str, slow: str, tokens: Mapping[str, str]) -> None:
        self.statuses: Counter[int] = Counter()
        self._fast, self._slow = RawHttp(fast), RawHttp(slow)
        self._tokens = tokens

    def make(self, random: Random) -> Sequence[bytes]:
        return heartbeat_requests.make(random)

    def check(self, pieces: Sequence[bytes]) -> str | None:
        """Return how the answers of the two servers differ, None if they do not."""
        payload = self._with_tokens(b"".join(pieces))
        found = [_all_that(server, payload) for server in (self._fast, self._slow)]
        self.statuses.update(said[0] for said in found[0] if isinstance(said, tuple))
        for number, (fast, slow) in enumerate(zip_longest(*found)):
            if fast != slow and not _may_end(payload, found, number):
                return f"answer {number}: on the fast path {fast}, without it {slow}"
        return None

    def check_health(self) -> str | None:
        return self._fast.check_health()

    def _with_tokens(self, payload: bytes) -> bytes:
        """Put the first agent's token where one stands, or the second's, where that is named."""
        named = AGENTS[1] if AGENTS[1].encode() in payload else AGENTS[0]
        return payload.replace(TOKEN, self._tokens.get(named, "").encode())


def _all_that(server: RawHttp, payload: bytes) -> list[Any]:
    """Return what a server answers, as far as it does not change from one time to the next."""
    try:
        return [_lasting(answer) for answer in server.answers(payload)]
    except BadAnswer as error:
        return [str(error)]


def _lasting(answer: Answer) -> Any:
    if answer.media_type == "text/html":
        return answer.status, "a page"  # with tokens that change, or gunicorn's own
    said: Any = None
    if "json" in answer.media_type and answer.body:
        said = json.loads(answer.body)
    if isinstance(said, dict):
        said = {key: "a time" if key in PASSING else value for key, value in said.items()}
    return answer.status, answer.media_type, answer.headers.get("retry-after"), said


def _may_end(payload: bytes, found: Sequence[Sequence[Any]], number: int) -> bool:
    """Whether one of the two may have closed the connection here, and the other not.

    The fast path does so after each request of HTTP/1.0 (RFC 9112, 9.3).
    """
    return b"HTTP/1.0" in payload and number >= min(map(len, found)) > 0
