from django.db import connection, transaction
from django.db.models import Model

from agents.database.tables import table

# Writers hold this lock from before their statement until its changes are visible or undone.
WRITERS = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation'"
    " AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = CURRENT_DATABASE())"
    " AND pid <> PG_BACKEND_PID()"
)


class Ids:
    def next_id(self, model: type[Model]) -> str:
        return f"NEXTVAL({_sequence(model)})"

    def next_id_after_waiting(self, model: type[Model], column: str) -> str:  # noqa: ARG002
        return self.next_id(model)

    def skip_ids(self, model: type[Model], count: int) -> int:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                f"SELECT SETVAL({_sequence(model)},"
                f" GREATEST({self.next_id(model)}, MAX(id)) + %s) FROM {table(model)}",
                [count],
            )
            return int(cursor.fetchone()[0])

    def open_writers(self, model: type[Model]) -> frozenset[str]:
        with connection.cursor() as cursor:
            cursor.execute(WRITERS, [table(model)])
            return frozenset(writer for (writer,) in cursor.fetchall())


def _sequence(model: type[Model]) -> str:
    return f"PG_GET_SERIAL_SEQUENCE('{table(model)}', 'id')"
