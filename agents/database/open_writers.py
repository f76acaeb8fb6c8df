"""The transactions that are writing to a table."""

from django.db import connection
from django.db.models import Model

from agents.database.tables import table

# A writer takes this lock before its statement does anything, and keeps it until its changes can be
# seen, or never will be.
POSTGRESQL_WRITERS = (
    "SELECT virtualtransaction FROM pg_locks WHERE locktype = 'relation'"
    " AND relation = %s::regclass AND mode = 'RowExclusiveLock' AND granted"
    " AND database = (SELECT oid FROM pg_database WHERE datname = CURRENT_DATABASE())"
    " AND pid <> PG_BACKEND_PID()"
)


def open_writers(model: type[Model]) -> frozenset[str]:
    """Return other connections' open transactions that have written to the table, or may have.

    SQLite has one writer at a time, and nobody takes a number from the table meanwhile: none.
    """
    if connection.vendor == "sqlite":
        return frozenset()
    with connection.cursor() as cursor:
        cursor.execute(POSTGRESQL_WRITERS, [table(model)])
        return frozenset(writer for (writer,) in cursor.fetchall())
