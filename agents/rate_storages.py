import threading
import time
from collections.abc import Mapping

from limits import RateLimitItem
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage

SECONDS_BETWEEN_SWEEPS = 1.0


class OwnStorage(MemoryStorage):
    """Starts its cleaning thread once a second instead of with each call."""

    @property  # type: ignore[override]  # an attribute there
    def timer(self) -> "_Sweep":
        return self._sweep

    @timer.setter
    def timer(self, thread: threading.Timer) -> None:
        self._sweep = _Sweep(thread)


class SharedStorage(RedisStorage):
    def acquire_each(self, rate: RateLimitItem, costs: Mapping[str, int]) -> list[bool]:
        """Return by key whether the cost was within the rate, and so was added.

        One round trip. Raise StorageError.
        """
        acquire = self.lua_acquire_sliding_window
        try:
            with self.storage.pipeline(transaction=False) as pipeline:
                for key, cost in costs.items():
                    windows = self._previous_window_key(key), self._current_window_key(key)
                    acquire(
                        [self.prefixed_key(window) for window in windows],
                        [rate.amount, rate.get_expiry(), cost],
                        client=pipeline,
                    )
                return [bool(acquired) for acquired in pipeline.execute()]
        except self.base_exceptions as error:
            raise StorageError(error) from error


class _Sweep:
    def __init__(self, thread: threading.Timer) -> None:
        self.thread = thread
        self.start = thread.start
        self._until = time.monotonic() + SECONDS_BETWEEN_SWEEPS

    def is_alive(self) -> bool:
        return time.monotonic() < self._until
