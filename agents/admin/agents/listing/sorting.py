"""Orders of the list. The default is the worst condition first."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import F, Value
from django.db.models.functions import Coalesce

from agents.conditions import condition_rank
from agents.database.clock import ExpiresAt

REVERSED = "-"
SEPARATOR = "."


@dataclass(frozen=True)
class Key:
    """`descends`: in the order of the first click on the column's head."""

    name: str
    expression: Callable[[], Any]
    descends: bool = False


@dataclass(frozen=True)
class Sort:
    key: Key
    is_reversed: bool = False

    def __str__(self) -> str:
        return f"{REVERSED if self.is_reversed else ''}{self.key.name}"

    @property
    def descends(self) -> bool:
        return self.key.descends is not self.is_reversed

    @property
    def other_way(self) -> "Sort":
        return Sort(self.key, not self.is_reversed)

    def order_by(self) -> Any:
        expression = self.key.expression()
        return expression.desc() if self.descends else expression.asc()


KEYS = {
    key.name: key
    for key in (
        Key("condition", condition_rank, descends=True),
        Key("id", lambda: F("agent_id")),
        Key("host", lambda: F("host")),
        Key("version", lambda: F("version")),
        Key("load", lambda: Coalesce("load", Value(-1.0)), descends=True),
        Key("left", ExpiresAt),
        Key("heartbeat", lambda: F("last_heartbeat")),
        Key("report", lambda: F("status")),
    )
}
# Links and views that were saved before columns had names.
NUMBERS = {
    "1": "condition",
    "2": "id",
    "3": "host",
    "4": "version",
    "6": "left",
    "7": "heartbeat",
    "8": "report",
}
WORST_FIRST = Sort(KEYS["condition"])


def read_sorts(text: str) -> list[Sort]:
    """Return the default if `text` names no column."""
    sorts = {sort.key.name: sort for sort in reversed(list(_read(text)))}
    return list(reversed(sorts.values())) or [WORST_FIRST]


def _read(text: str) -> Iterator[Sort]:
    for part in text.split(SEPARATOR):
        name = part.removeprefix(REVERSED)
        key = KEYS.get(NUMBERS.get(name, name))
        if key is not None:
            yield Sort(key, part.startswith(REVERSED))


def order_by(sorts: Sequence[Sort]) -> list[Any]:
    return [*(sort.order_by() for sort in sorts), F("agent_id").asc()]
