"""The expressions of ``GET /ard/agents?filter=...`` (ARD, appendix A).

expression = condition { "AND" condition }
condition  = path "=" values | time ( "=" | ">" ) moment
time       = "createdAfter" | "updatedAfter"
values     = word | quoted      values that are separated by commas: one of them is enough
quoted     = "'" text "'" | '"' text '"'
"""

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from django.db.models.lookups import GreaterThan
from django.utils.dateparse import parse_date, parse_datetime

from agents.database.clock import Moment
from agents.discovery.catalog.entries import updated_at
from agents.discovery.catalog.paths import UnknownPath, path_of
from agents.querysets import AgentQuerySet

MAX_CONDITIONS = 16
ALIASES = {"publisherId": "publisher"}
TIMES: dict[str, Callable[[], Any]] = {
    "createdAfter": lambda: Moment("registered_at"),
    "updatedAfter": lambda: Moment(updated_at()),
}
SPACE = re.compile(r"\s*")
PATH = re.compile(r"[A-Za-z][A-Za-z0-9._-]*")
OPERATOR = re.compile(r"=|>")
VALUE = re.compile(r"'([^']*)'|\"([^\"]*)\"|([^\s'\"=<>()]+)")
AND = re.compile(r"AND\b", re.IGNORECASE)


class InvalidExpression(ValueError):
    pass


def filter_by(agents: AgentQuerySet, expression: str) -> AgentQuerySet:
    """Raise InvalidExpression."""
    for path, operator, value in _conditions(expression):
        agents = _narrow(agents, path, operator, value)
    return agents


def _conditions(text: str) -> list[tuple[str, str, str]]:
    found = []
    place = 0

    def take(pattern: re.Pattern[str], wanted: str) -> str:
        nonlocal place
        start = _skip_space(text, place)
        match = pattern.match(text, start)
        if match is None:
            rest = repr(text[start : start + 20]) if start < len(text) else "the end"
            raise InvalidExpression(f"There should be {wanted} instead of {rest}.")
        place = match.end()
        return next(group for group in (*match.groups(), match[0]) if group is not None)

    while True:
        path = take(PATH, "a path")
        operator = take(OPERATOR, f"= or > behind {path}")
        found.append((path, operator, take(VALUE, "a value, in quotes if it has spaces,")))
        if len(found) > MAX_CONDITIONS:
            raise InvalidExpression(f"At most {MAX_CONDITIONS} conditions.")
        if _skip_space(text, place) == len(text):
            return found
        take(AND, "AND")


def _skip_space(text: str, place: int) -> int:
    match = SPACE.match(text, place)
    return place if match is None else match.end()


def _narrow(agents: AgentQuerySet, path: str, operator: str, value: str) -> AgentQuerySet:
    if path in TIMES:
        return agents.filter(GreaterThan(TIMES[path](), Moment(_moment(path, value))))
    if operator != "=":
        raise InvalidExpression(f"{path} can be compared by = only.")
    try:
        known = path_of(ALIASES.get(path, path))
    except UnknownPath as error:
        raise InvalidExpression(f"Agents cannot be filtered by {path}.") from error
    return known.narrow(agents, _values(value))


def _values(text: str) -> Sequence[str]:
    return [value for part in text.split(",") if (value := part.strip())]


def _moment(path: str, text: str) -> datetime:
    """A day is its beginning; a time without a zone is in UTC."""
    try:
        moment = parse_datetime(text)
        if moment is None and (day := parse_date(text)) is not None:
            moment = datetime(day.year, day.month, day.day, tzinfo=UTC)
    except ValueError:
        moment = None
    if moment is None:
        raise InvalidExpression(f"{path} needs a time such as 2026-01-31T12:00:00Z.")
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
