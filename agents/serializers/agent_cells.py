from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, models

from agents.database.dialect import dialect
from agents.querysets import AgentQuerySet
from agents.serializers.agent import FIELDS
from agents.serializers.agent_page import rows_sql
from agents.serializers.agent_sql import field_of

# {0}: the column, {1}: its JSON.
CELL_OF = {
    models.CharField: "{0}",
    models.DateTimeField: """TRIM({1}, '"')""",
    models.BooleanField: "{1}",
    models.PositiveIntegerField: "{0}",
    models.BigIntegerField: "{0}",
    models.FloatField: "{0}",
    models.JSONField: "CAST({0} AS TEXT)",
    models.GenericIPAddressField: """NULLIF(TRIM({1}, '"'), 'null')""",
}


def read_cells(agents: AgentQuerySet, limit: int) -> Sequence[tuple[Any, ...]]:
    """Read the first `limit` of `agents` by id: text, a number or None for each of FIELDS."""
    sql, parameters = rows_sql(agents, limit)
    with connection.cursor() as cursor:
        cursor.execute(
            f"WITH found ({', '.join(FIELDS)}) AS ({sql}) SELECT {_cells()} FROM found",  # noqa: S608
            parameters,
        )
        rows: Sequence[tuple[Any, ...]] = cursor.fetchall()
        return rows


@cache
def _cells() -> str:
    return ", ".join(_cell(field_of(name), connection.ops.quote_name(name)) for name in FIELDS)


def _cell(field: models.Field[Any, Any], column: str) -> str:
    return CELL_OF[type(field)].format(column, dialect.field_as_json(field, column))
