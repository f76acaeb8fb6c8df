"""Looks at something that may not answer, shared by who asks, and never waited for for long."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Seen(Generic[T]):
    value: T
    at: float


class Watch(Generic[T]):
    """What `look` returns, told to all who ask within `seconds`; it must not raise.

    It runs in a thread of its own, one at a time. Nobody waits longer than `patience` seconds for
    it, and nobody at all for one that has already taken so long.
    """

    def __init__(
        self,
        look: Callable[[], T],
        *,
        seconds: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._look = look
        self._seconds = seconds
        self._patience = patience
        self._clock = clock
        self._changing = threading.Lock()
        self._seen: _Seen[T] | None = None
        self._done = threading.Event()
        self._done.set()
        self._began = 0.0

    def get(self) -> T | None:
        """Return what was seen lately; None when there was no answer in time."""
        with self._changing:
            if self._is_fresh():
                return self._value()
            if self._done.is_set():
                self._done = threading.Event()
                self._began = self._clock()
                thread = threading.Thread(
                    target=self._run, args=[self._done], name="watch", daemon=True
                )
                thread.start()
            done, waited = self._done, self._clock() - self._began
        done.wait(max(self._patience - waited, 0))
        with self._changing:
            return self._value() if self._is_fresh() else None

    def forget(self) -> None:
        """Let the next who asks have it looked at anew."""
        with self._changing:
            self._seen = None
            self._done = threading.Event()
            self._done.set()

    def _is_fresh(self) -> bool:
        return self._seen is not None and self._clock() - self._seen.at < self._seconds

    def _value(self) -> T | None:
        return None if self._seen is None else self._seen.value

    def _run(self, done: threading.Event) -> None:
        try:
            value = self._look()
            with self._changing:
                if done is self._done:  # else it was told to forget this look
                    self._seen = _Seen(value, self._clock())
        finally:
            done.set()
