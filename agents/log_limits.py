import threading
import time

MAX_KEYS = 10_000


class LogLimit:
    """Passes one line per key and period."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._keys: dict[str, tuple[float, int]] = {}

    def pass_line(self, key: str = "") -> str | None:
        """Return a suffix, or None if the line is held back."""
        with self._lock:
            now = time.monotonic()
            allowed_at, held_back = self._keys.get(key, (now, 0))
            if now < allowed_at:
                self._keys[key] = allowed_at, held_back + 1
                return None
            if len(self._keys) >= MAX_KEYS:
                self._keys.clear()
            self._keys[key] = now + self._seconds, 0
        return f" (and {held_back} times before this)" if held_back else ""
