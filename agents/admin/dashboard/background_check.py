import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class _Result(Generic[T]):
    value: T
    at: float


class BackgroundCheck(Generic[T]):
    """Runs `check`, which may hang but must not raise, in one thread.

    Keeps results for `seconds`. Callers wait until `patience` seconds after its start.
    """

    def __init__(
        self,
        check: Callable[[], T],
        *,
        seconds: float,
        patience: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._check = check
        self._seconds = seconds
        self._patience = patience
        self._clock = clock
        self._lock = threading.Lock()
        self._result: _Result[T] | None = None
        self._done = threading.Event()
        self._done.set()
        self._began = 0.0

    def get(self) -> T | None:
        with self._lock:
            if self._is_fresh():
                return self._value()
            if self._done.is_set():
                self._done = threading.Event()
                self._began = self._clock()
                threading.Thread(target=self._run, name="background-check", daemon=True).start()
            done, waited = self._done, self._clock() - self._began
        done.wait(max(self._patience - waited, 0))
        with self._lock:
            return self._value() if self._is_fresh() else None

    def _is_fresh(self) -> bool:
        return self._result is not None and self._clock() - self._result.at < self._seconds

    def _value(self) -> T | None:
        return None if self._result is None else self._result.value

    def _run(self) -> None:
        try:
            value = self._check()
            with self._lock:
                self._result = _Result(value, self._clock())
        finally:
            self._done.set()
