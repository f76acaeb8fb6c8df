from django.db import connection, transaction
from django.db.models import Model

from agents.database.tables import table


class Ids:
    def next_id(self, model: type[Model]) -> str:
        # There is one writer.
        return f"({_last_id(model)} + ROW_NUMBER() OVER ())"

    def next_id_after_waiting(self, model: type[Model], column: str) -> str:  # noqa: ARG002
        return f"EXCLUDED.{column}"

    def skip_ids(self, model: type[Model], count: int) -> int:
        name = model._meta.db_table
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT MAX({_last_id(model)}, COALESCE(MAX(id), 0)) FROM {table(model)}"
            )
            last = int(cursor.fetchone()[0]) + count
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [name])
            cursor.execute("INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)", [name, last])
        return last

    def open_writers(self, model: type[Model]) -> frozenset[str]:  # noqa: ARG002
        return frozenset()


def _last_id(model: type[Model]) -> str:
    return (
        f"(SELECT COALESCE(MAX(seq), 0) FROM sqlite_sequence WHERE name = '{model._meta.db_table}')"
    )
