import time
from typing import Generic, TypeVar

T = TypeVar("T")

MAX_SIZE = 10_000


class ExpiringCache(Generic[T]):
    """Forgets all when full. Threads may share it: each operation is one step on a dict."""

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        self._max_size = max_size
        self._values: dict[str, tuple[float, T]] = {}

    def get(self, key: str) -> T | None:
        expires_at, value = self._values.get(key, (0.0, None))
        return value if time.monotonic() < expires_at else None

    def put(self, key: str, value: T, seconds: float) -> None:
        if len(self._values) >= self._max_size and key not in self._values:
            self._values.clear()
        self._values[key] = (time.monotonic() + seconds, value)

    def forget(self, key: str | None = None) -> None:
        if key is None:
            self._values.clear()
        else:
            self._values.pop(key, None)
