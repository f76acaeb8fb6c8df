"""The history that a list's filters match, as CSV: streamed, newest first."""

from collections.abc import Iterator

from django.db.models import QuerySet

from agents.admin.widgets.csv_lines import cell, lines
from agents.models import AgentEvent

# So many events are in one file: a spreadsheet takes no more than a million lines.
MOST_EXPORTED = 100_000
CHUNK = 2_000
COLUMNS = ("at", "agent_id", "kind", "reason", "actor", "address", "generation")


def as_csv(events: QuerySet[AgentEvent]) -> Iterator[str]:
    """Give the lines in pieces. Each is read from behind the last one: none comes twice."""
    yield lines([COLUMNS])
    newest = events.order_by("-pk")
    last: int | None = None
    for _ in range(MOST_EXPORTED // CHUNK):
        older = newest if last is None else newest.filter(pk__lt=last)
        chunk = list(older.values_list("pk", *COLUMNS)[:CHUNK])
        yield lines([cell(value) for value in row[1:]] for row in chunk)
        if len(chunk) < CHUNK:
            return
        last = chunk[-1][0]
