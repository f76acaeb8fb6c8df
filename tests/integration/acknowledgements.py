"""Records what a registry has acknowledged, to compare it later with what the registry knows."""

import itertools
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager

import httpx

from tests import plain_http
from tests.repeating import repeating

# Failed calls are repeated at once, without the back-off of a real agent.
PAUSE_SECONDS = 0.02
TTL_SECONDS = 3600


class Acknowledgements:
    """Registers one agent after another, and deregisters every third.

    `registered` and `deregistered` hold the acknowledged ids. An id whose call got no answer, or
    503, is in neither.
    """

    def __init__(self, registry_url: str) -> None:
        self.registered: set[str] = set()
        self.deregistered: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._prefix = f"acknowledged-{uuid.uuid4()}-"
        self._numbers = itertools.count(1)
        self._http = plain_http.client(registry_url)

    @contextmanager
    def calling(self) -> Iterator[None]:
        """Call the registry without pause while the body runs."""
        with closing(self._http), repeating(self._call_once, pause=PAUSE_SECONDS):
            yield

    def _call_once(self) -> None:
        number = next(self._numbers)
        agent_id = f"{self._prefix}{number}"
        if not self._register(agent_id) or number % 3:
            return
        self.registered.remove(agent_id)
        if self._call("DELETE", f"/agents/{agent_id}") == httpx.codes.OK:
            self.deregistered.add(agent_id)

    def _register(self, agent_id: str) -> bool:
        body = {"agent_id": agent_id, "host": "h", "port": 80, "ttl_seconds": TTL_SECONDS}
        if self._call("POST", "/agents/register", body) != httpx.codes.CREATED:
            return False
        self.registered.add(agent_id)
        return True

    def _call(self, method: str, path: str, body: dict[str, object] | None = None) -> int | None:
        """Return the status of the response, or None if there was none."""
        try:
            status = self._http.request(method, path, json=body).status_code
        except httpx.TransportError:
            return None
        self.statuses[status] += 1
        return status
