import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from agents.database.base import TakesTooLong
from agents.database.dialect import dialect

T = TypeVar("T")

MOST = 6  # of a group
MAX_SECONDS = 0.06
MAX_SECONDS_OF_A_PART = 0.03
MIN_SECONDS = 0.001


@dataclass(frozen=True)
class Result:
    """Leads to `url`; or posts `form` there; or puts `text` into the search field.

    `word`, `level`: how it is, as a label.
    """

    title: str
    detail: str = ""
    url: str = ""
    form: Sequence[tuple[str, str]] = ()
    text: str = ""
    word: str = ""
    level: str = ""


@dataclass(frozen=True)
class Group:
    name: str
    results: Sequence[Result]
    note: str = ""


@dataclass
class Found:
    """`end`: of the search, by a monotonic clock. `is_partial`: a part of it took too long."""

    groups: list[Group] = field(default_factory=list)
    is_partial: bool = False
    end: float = field(default_factory=lambda: time.monotonic() + MAX_SECONDS)

    def limited(self, read: Callable[[], Iterable[T]]) -> list[T]:
        """Return what `read` does, or nothing if it takes long, or the search has."""
        left = min(self.end - time.monotonic(), MAX_SECONDS_OF_A_PART)
        try:
            with dialect.time_limit(max(left, MIN_SECONDS)):
                return list(read())
        except TakesTooLong:
            self.is_partial = True
            return []

    def add(self, name: str, results: Sequence[Result]) -> None:
        if results:
            self.groups.append(Group(name, results))

    @property
    def count(self) -> int:
        return sum(len(group.results) for group in self.groups)
