from collections.abc import Iterator

from django.db.models import QuerySet

from agents.admin.widgets.csv_lines import cell, lines
from agents.models import AgentEvent

# Spreadsheets take about a million lines.
MOST_EXPORTED = 100_000
CHUNK = 2_000
COLUMNS = ("at", "agent_id", "kind", "reason", "actor", "address", "generation")


def as_csv(events: QuerySet[AgentEvent]) -> Iterator[str]:
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
