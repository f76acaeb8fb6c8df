"""A log of what a registry has acknowledged, kept apart from it, to hold it to its word."""

import threading
import uuid
from collections import Counter
from types import TracebackType
from typing import Self

import httpx

# It is asked again at once when it does not answer: this is no way to behave for an agent.
PAUSE_SECONDS = 0.02
TTL_SECONDS = 3600


class Acknowledgements:
    """Registers one agent after another while the body runs, and deregisters every third.

    `registered` and `deregistered` hold the ids of which the registry said so. An id of which it
    said nothing, or 503, is in neither.
    """

    def __init__(self, registry_url: str) -> None:
        self.registered: set[str] = set()
        self.deregistered: set[str] = set()
        self.statuses: Counter[int] = Counter()
        self._prefix = f"acknowledged-{uuid.uuid4()}-"
        self._registry_url = registry_url
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._ask_on, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._enough.set()
        self._thread.join()

    def _ask_on(self) -> None:
        number = 0
        with httpx.Client(base_url=self._registry_url, timeout=30) as http:
            while not self._enough.wait(PAUSE_SECONDS):
                number += 1
                agent_id = f"{self._prefix}{number}"
                if not self._register(http, agent_id) or number % 3:
                    continue
                self.registered.remove(agent_id)
                if self._ask(http, "DELETE", f"/agents/{agent_id}") == httpx.codes.OK:
                    self.deregistered.add(agent_id)

    def _register(self, http: httpx.Client, agent_id: str) -> bool:
        body = {"agent_id": agent_id, "host": "h", "port": 80, "ttl_seconds": TTL_SECONDS}
        if self._ask(http, "POST", "/agents/register", body) != httpx.codes.CREATED:
            return False
        self.registered.add(agent_id)
        return True

    def _ask(
        self, http: httpx.Client, method: str, path: str, body: dict[str, object] | None = None
    ) -> int | None:
        """Return the status of the answer, None when there was none."""
        try:
            status = http.request(method, path, json=body).status_code
        except httpx.TransportError:
            return None
        self.statuses[status] += 1
        return status
