"""The history that a list's filters match, as CSV: streamed, newest first."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from django.db.models import QuerySet

from agents.models import AgentEvent

# So many events are in one file: a spreadsheet takes no more than a million lines.
MOST_EXPORTED = 100_000
CHUNK = 2_000
COLUMNS = ("at", "agent_id", "kind", "reason", "actor", "address", "generation")
# What a spreadsheet takes for the begin of a formula.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")


def as_csv(events: QuerySet[AgentEvent]) -> Iterator[str]:
    """Give the lines in pieces. Each is read from behind the last one: none comes twice."""
    yield _lines([COLUMNS])
    newest = events.order_by("-pk")
    last: int | None = None
    for _ in range(MOST_EXPORTED // CHUNK):
        older = newest if last is None else newest.filter(pk__lt=last)
        chunk = list(older.values_list("pk", *COLUMNS)[:CHUNK])
        yield _lines([_cell(value) for value in row[1:]] for row in chunk)
        if len(chunk) < CHUNK:
            return
        last = chunk[-1][0]


def _lines(rows: Iterable[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    text = value.isoformat() if hasattr(value, "isoformat") else str(value)
    # Behind an apostrophe a spreadsheet takes it as text, and does not show the apostrophe.
    return f"'{text}" if text.lstrip(" ").startswith(FORMULAS) else text
