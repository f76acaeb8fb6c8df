from collections.abc import Sequence
from dataclasses import dataclass, field

MOST = 6  # of a group


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
    """`is_partial`: a part of the search took too long."""

    groups: list[Group] = field(default_factory=list)
    is_partial: bool = False

    def add(self, name: str, results: Sequence[Result]) -> None:
        if results:
            self.groups.append(Group(name, results))

    @property
    def count(self) -> int:
        return sum(len(group.results) for group in self.groups)
