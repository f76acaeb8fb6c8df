from collections.abc import Mapping, Sequence
from typing import Any

from django.db import models

# {0}: the column.
JSON_OF = {
    models.CharField: "JSON_QUOTE({0})",
    models.DateTimeField: (
        """'"' || REPLACE(REPLACE({0}, ' ', 'T') || 'Z', '.000000Z', 'Z') || '"'"""
    ),
    models.BooleanField: "CASE WHEN {0} THEN 'true' ELSE 'false' END",
    models.PositiveIntegerField: "{0}",
    models.BigIntegerField: "{0}",
    # 17 digits distinguish all doubles; SQLite writes 15 by default.
    models.FloatField: "CASE WHEN {0} IS NULL THEN 'null' ELSE PRINTF('%%!.17g', {0}) END",
    models.JSONField: "{0}",
    models.GenericIPAddressField: "JSON_QUOTE({0})",
}


class JsonSql:
    def field_as_json(self, field: models.Field[Any, Any], column: str) -> str:
        return JSON_OF[type(field)].format(column)

    def format_text(self, template: str, values: Sequence[str]) -> str:
        return f"PRINTF('{template}', {', '.join(values)})"

    def text_as_json(self, text: str) -> str:
        return text

    def rows_of_json(self, model: type[models.Model]) -> str:
        columns = ", ".join(
            f"JSON_EXTRACT(value, '$.{field.column}') AS {field.column}"
            for field in model._meta.concrete_fields
        )
        return f"SELECT {columns} FROM JSON_EACH(%s)"

    def join_rows(self, text: str, condition: str) -> str:
        return f"GROUP_CONCAT({text}, ',') FILTER (WHERE {condition})"

    def fingerprint(
        self,
        columns: Mapping[str, models.Field[Any, Any]],
        condition: str,
        place: str,  # noqa: ARG002 - rows are joined in their order
    ) -> str:
        values = ", ".join(
            self.field_as_json(field, name) if isinstance(field, models.FloatField) else name
            for name, field in columns.items()
        )
        rows = self.join_rows(f"JSON_ARRAY({values})", condition)
        return f"SHA1(COALESCE({rows}, ''))"
