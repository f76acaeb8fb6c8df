from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

from agents.database.tables import table

# {0}: the column. Floats 0 and 1 have a point, as in Python.
JSON_OF = {
    models.CharField: "TO_JSON({0})",
    # INTERVAL '0' is UTC; a name would be looked up for each row.
    models.DateTimeField: (
        """'"' || REPLACE(TO_CHAR({0} AT TIME ZONE INTERVAL '0', """
        """'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), '.000000Z', 'Z') || '"'"""
    ),
    models.BooleanField: "CASE WHEN {0} THEN 'true' ELSE 'false' END",
    models.PositiveIntegerField: "{0}",
    models.BigIntegerField: "{0}",
    models.FloatField: (
        "COALESCE(CASE WHEN {0} IN (0, 1) THEN {0} || '.0' ELSE {0}::text END, 'null')"
    ),
    models.JSONField: "{0}",
    models.GenericIPAddressField: """COALESCE('"' || HOST({0}) || '"', 'null')""",
}


class JsonSql:
    def field_as_json(self, field: models.Field[Any, Any], column: str) -> str:
        return JSON_OF[type(field)].format(column)

    def format_text(self, template: str, values: Sequence[str]) -> str:
        return f"FORMAT('{template}', {', '.join(values)})"

    def text_as_json(self, text: str) -> str:
        return f"({text})::jsonb"

    def rows_of_json(self, model: type[models.Model]) -> str:
        return f"SELECT * FROM JSONB_POPULATE_RECORDSET(NULL::{table(model)}, %s::jsonb)"

    def join_rows(self, text: str, condition: str) -> str:
        return f"STRING_AGG({text}, ',') FILTER (WHERE {condition})"

    def fingerprint(
        self, columns: Mapping[str, models.Field[Any, Any]], condition: str, place: str
    ) -> str:
        # With one seed for all rows, two rows that exchange a column's values would not change the
        # sum.
        row = f"HASH_RECORD_EXTENDED(ROW({', '.join(columns)}), {place})"
        return f"COALESCE(SUM({row}) FILTER (WHERE {condition}), 0)"
