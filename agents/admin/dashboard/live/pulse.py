"""What changes without an event: leases that are about to end, reports, the registry's health."""

import hashlib
import threading
import time
from collections.abc import Callable

from agents.admin.dashboard.health import report_health
from agents.leases.fleet.last_count import recent_count, troubled_agents

KEPT_SECONDS = 1.5
DIGEST_BYTES = 9


class Pulse:
    """A fingerprint that all pages of a process share."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._value = ""
        self._until = float("-inf")

    def read(self) -> str:
        with self._lock:
            if self._clock() >= self._until:
                self._value = _fingerprint()
                self._until = self._clock() + KEPT_SECONDS
            return self._value


def _fingerprint() -> str:
    count, health = recent_count(), report_health(with_numbers=False)
    words = [(part.name, part.word) for part in health.parts]
    troubled = [(agent.agent_id, agent.word) for agent in troubled_agents(count)]
    shown = (dict(count.leases), dict(count.states), troubled, words, health.troubles)
    return hashlib.blake2b(repr(shown).encode(), digest_size=DIGEST_BYTES).hexdigest()
