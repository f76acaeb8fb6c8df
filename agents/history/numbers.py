"""The numbers of events: they only grow, never come again, and serve as generations of leases."""

from django.db import connection, transaction

from agents.database.tables import table
from agents.history.feed import newest_position
from agents.models import AgentEvent

TABLE = AgentEvent._meta.db_table  # noqa: SLF001 - Django documents it
POSTGRESQL_NEXT = "NEXTVAL(PG_GET_SERIAL_SEQUENCE('{table}', 'id'))"
# The same number each time, until an event takes it.
SQLITE_NEXT = "(SELECT COALESCE(MAX(seq), 0) + 1 FROM sqlite_sequence WHERE name = '{table}')"


def next_number_sql() -> str:
    """Return SQL for the number of the next event. On SQLite, only a writer may rely on it."""
    if connection.vendor == "sqlite":
        return SQLITE_NEXT.format(table=TABLE)
    return POSTGRESQL_NEXT.format(table=table(AgentEvent))


def skip_numbers(gap: int) -> int:
    """Leave `gap` numbers unused; return the last of them."""
    with transaction.atomic(), connection.cursor() as cursor:
        newest = newest_position()
        if connection.vendor == "sqlite":
            cursor.execute("SELECT MAX(seq) FROM sqlite_sequence WHERE name = %s", [TABLE])
            newest = max(newest, cursor.fetchone()[0] or 0)
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [TABLE])
            sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)"
            cursor.execute(sql, [TABLE, newest + gap])
        else:
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [TABLE])
            sequence = cursor.fetchone()[0]
            cursor.execute("SELECT nextval(%s)", [sequence])
            newest = max(newest, cursor.fetchone()[0])
            cursor.execute("SELECT setval(%s, %s)", [sequence, newest + gap])
    return newest + gap
