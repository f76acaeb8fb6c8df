"""The same bytes are sent to two web servers of one registry, with and without the fast path.

Their answers must be the same.
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

# Fields with times.
TIMES = {"last_heartbeat", "expires_at"}


def register(url: str) -> dict[str, str]:
    """Register the agents that the requests use; return their lease tokens."""
    tokens = {}
    for agent_id in AGENTS:
        registration = {"agent_id": agent_id, "host": "h", "port": 80, "ttl_seconds": 86_400}
        answer = httpx.post(f"{url}/agents/register", json=registration, timeout=30)
        tokens[agent_id] = answer.raise_for_status().json()["lease_token"]
    return tokens


class TwoPaths:
    """`fast` and `slow` are URLs of web servers on one database; `tokens` are valid there.

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
        """Return how the answers of the two servers differ, or None."""
        payload = self._with_tokens(b"".join(pieces))
        found = [_answers_of(server, payload) for server in (self._fast, self._slow)]
        self.statuses.update(answer[0] for answer in found[0] if isinstance(answer, tuple))
        for number, (fast, slow) in enumerate(zip_longest(*found)):
            if fast != slow and not _may_end(payload, found, number):
                return f"answer {number}: on the fast path {fast}, without it {slow}"
        return None

    def check_health(self) -> str | None:
        return self._fast.check_health()

    def _with_tokens(self, payload: bytes) -> bytes:
        """Replace the placeholder by the token of the agent that the payload names."""
        named = AGENTS[1] if AGENTS[1].encode() in payload else AGENTS[0]
        return payload.replace(TOKEN, self._tokens.get(named, "").encode())


def _answers_of(server: RawHttp, payload: bytes) -> list[Any]:
    """Return a server's answers without times, or the error."""
    try:
        return [_without_times(answer) for answer in server.answers(payload)]
    except BadAnswer as error:
        return [str(error)]


def _without_times(answer: Answer) -> Any:
    if answer.media_type == "text/html":
        return answer.status, "a page"  # with tokens that change, or gunicorn's own
    content: Any = None
    if "json" in answer.media_type and answer.body:
        content = json.loads(answer.body)
    if isinstance(content, dict):
        content = {key: "a time" if key in TIMES else value for key, value in content.items()}
    return answer.status, answer.media_type, answer.headers.get("retry-after"), content


def _may_end(payload: bytes, found: Sequence[Sequence[Any]], number: int) -> bool:
    """Return whether only one of the servers may have closed the connection here.

    The fast path closes it after each HTTP/1.0 request (RFC 9112, 9.3).
    """
    return b"HTTP/1.0" in payload and number >= min(map(len, found)) > 0
