"""Orders of a listing, and cursors, which hold an agent's sort keys and id.

So they stay right while other agents come and go.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db.models import F, Field, FloatField, Q, Value
from django.db.models import fields as models
from django.db.models.expressions import Combinable, OrderBy
from django.db.models.functions import Coalesce
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)

from agents.database.clock import ExpiresAt, Microseconds, Moment, from_microseconds
from agents.querysets import AgentQuerySet

TEXT, NUMBER, SHARE = models.CharField(), models.BigIntegerField(), FloatField()
MAX_TEXT_LENGTH = 256
# Microseconds since 1970 within the years of `datetime`.
TIMES = range(int(datetime(9999, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000)


class NotOfThisOrder(ValueError):
    pass


@dataclass(frozen=True)
class Key:
    """`expression`: what is compared, by whether it descends. `mark`: its value in a cursor.

    `parameter` converts that value, or raises NotOfThisOrder.
    """

    expression: Callable[[bool], Any]
    kind: Field[Any, Any]
    parameter: Callable[[Any], Any]
    mark: Callable[[Any], Any] = lambda expression: expression


def _column(name: str, kind: Field[Any, Any], parameter: Callable[[Any], Any]) -> Key:
    return Key(lambda _: F(name), kind, parameter)


def _time(expression: Callable[[], Combinable]) -> Key:
    return Key(lambda _: expression(), NUMBER, _read_time, Microseconds)


def _text(value: Any) -> Any:
    if not isinstance(value, str) or len(value) > MAX_TEXT_LENGTH or "\0" in value:
        raise NotOfThisOrder
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise NotOfThisOrder from error
    return Value(value)


def _number_below(limit: int) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if type(value) is not int or not 0 <= value < limit:
            raise NotOfThisOrder
        return Value(value)

    return read


def _read_load(value: Any) -> Any:
    if not isinstance(value, int | float) or not -1 <= value <= UNKNOWN_LOAD:
        raise NotOfThisOrder
    return Value(float(value))


def _read_time(value: Any) -> Any:
    if type(value) is not int or value not in TIMES:
        raise NotOfThisOrder
    return Moment(from_microseconds(value))


UNKNOWN_LOAD = 2.0


def _load(descending: bool) -> Any:
    return Coalesce("load", Value(-1.0 if descending else UNKNOWN_LOAD))


KEYS: Mapping[str, Key] = {
    "agent_id": _column("agent_id", TEXT, _text),
    "agent_name": _column("agent_name", TEXT, _text),
    "host": _column("host", TEXT, _text),
    "generation": _column("generation", NUMBER, _number_below(2**63)),
    "registered_at": _time(lambda: Moment("registered_at")),
    "ttl_seconds": _column("ttl_seconds", NUMBER, _number_below(2**31)),
    "load": Key(_load, SHARE, _read_load),
    "last_heartbeat": _time(lambda: Moment("last_heartbeat")),
    "expires_at": _time(ExpiresAt),
}
ID = "agent_id"
ORDERS = [f"{sign}{name}" for name in KEYS for sign in ("", "-")]


@dataclass(frozen=True)
class Part:
    name: str
    descends: bool

    def __str__(self) -> str:
        return f"-{self.name}" if self.descends else self.name

    @property
    def key(self) -> Key:
        return KEYS[self.name]

    @property
    def expression(self) -> Any:
        return self.key.expression(self.descends)

    def order_by(self) -> OrderBy:
        return OrderBy(self.expression, descending=self.descends)

    def is_after(self, value: Any) -> Q:
        return Q((LessThan if self.descends else GreaterThan)(self.expression, value))

    def is_not_before(self, value: Any) -> Q:
        compare = LessThanOrEqual if self.descends else GreaterThanOrEqual
        return Q(compare(self.expression, value))


class Order:
    """A total order: the id comes last."""

    def __init__(self, names: Sequence[str] = ()) -> None:
        parts = [Part(name.removeprefix("-"), name.startswith("-")) for name in names]
        found = {part.name: part for part in reversed(parts)}  # the first of a name counts
        parts = [part for part in parts if found[part.name] is part]
        ids = [place for place, part in enumerate(parts) if part.name == ID]
        self.parts = parts[: ids[0] + 1] if ids else [*parts, Part(ID, descends=False)]

    def __str__(self) -> str:
        return ",".join(map(str, self.parts))

    @property
    def is_by_id(self) -> bool:
        return str(self) == ID

    def order_by(self) -> list[OrderBy]:
        return [part.order_by() for part in self.parts]

    def marks(self) -> dict[str, tuple[Any, Field[Any, Any]]]:
        return {part.name: (part.key.mark(part.expression), part.key.kind) for part in self.parts}

    def after(self, agents: AgentQuerySet, place: Sequence[Any]) -> AgentQuerySet:
        """Keep agents after a place. Raise NotOfThisOrder."""
        if len(place) != len(self.parts):
            raise NotOfThisOrder
        values = [part.key.parameter(value) for part, value in zip(self.parts, place, strict=True)]
        after = Q()
        for part, value in reversed(list(zip(self.parts, values, strict=True))):
            same = Q(Exact(part.expression, value))
            after = part.is_after(value) | (same & after) if after else part.is_after(value)
        # An index on the first key can serve this.
        return agents.filter(self.parts[0].is_not_before(values[0]) & after)
