import threading
from collections.abc import Callable
from enum import StrEnum

from agents.event_streams.encoding import COMMENT

MAX_UNSENT_BYTES = 128 * 1024


class Closed(StrEnum):
    ENDED = "ended"
    GONE = "gone"
    SLOW = "slow"
    STOPPING = "stopping"


class EventStream:
    """Events for one client.

    `comment` keeps proxies from closing the connection, and finds vanished clients. `farewell` is
    sent if the server stops. `on_close` is called once, in any thread, but not in `send` or `end`.
    """

    __slots__ = (
        "_lock",
        "_on_close",
        "_over",
        "_pending",
        "_pending_bytes",
        "_taken_bytes",
        "_wake",
        "comment",
        "farewell",
    )

    def __init__(self, on_close: Callable[[Closed], object] | None = None) -> None:
        self.comment = COMMENT
        self.farewell = b""
        self._on_close = on_close
        self._lock = threading.Lock()
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._taken_bytes = 0
        self._over: Closed | None = None
        self._wake: Callable[[], object] | None = None

    @property
    def over(self) -> Closed | None:
        return self._over

    @property
    def unsent(self) -> int:
        """In bytes."""
        return self._pending_bytes + self._taken_bytes

    def send(self, event: bytes) -> bool:
        """Return False if the stream has ended, as above MAX_UNSENT_BYTES unread."""
        with self._lock:
            if self._over:
                return False
            if self.unsent + len(event) > MAX_UNSENT_BYTES:
                self._over = Closed.SLOW
            else:
                self._pending.append(event)
                self._pending_bytes += len(event)
            # If it is woken already, the server takes this one too.
            wake = self._wake if len(self._pending) == 1 or self._over else None
        if wake is not None:
            wake()
        return not self._over

    def end(self) -> None:
        with self._lock:
            self._over = self._over or Closed.ENDED
            wake = self._wake
        if wake is not None:
            wake()

    def attach(self, wake: Callable[[], object]) -> None:
        """`wake` is called in any thread when there is something to `take`."""
        with self._lock:
            self._wake = wake
            has_something = self._pending or self._over
        if has_something:
            wake()

    def take(self) -> list[bytes]:
        with self._lock:
            events, self._pending = self._pending, []
            self._taken_bytes += self._pending_bytes
            self._pending_bytes = 0
        return events

    def has_taken(self, unsent: int) -> None:
        """`unsent`: bytes not received yet."""
        with self._lock:
            self._taken_bytes = unsent

    def close(self, reason: Closed) -> Callable[[], object] | None:
        """Return a call that reports the end to the owner."""
        with self._lock:
            self._over = over = self._over or reason
            on_close, self._on_close, self._wake = self._on_close, None, None
            self._pending.clear()
        return None if on_close is None else lambda: on_close(over)
