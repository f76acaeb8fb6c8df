"""What a registry needs to know after its database was set back to an older state."""

from django.db import connection, transaction
from django.db.models import Max

from agents.models import AgentEvent

# More than were registered since any backup; a thousand million times as much is left.
GAP = 1_000_000_000


def skip_generations() -> int:
    """Leave a gap in the numbers of events, and so of generations; return the last one skipped.

    Agents hold leases which the registry gave after the backup, and does not remember. Without
    the gap it would give their numbers again, and two processes could hold one lease.
    """
    table = AgentEvent._meta.db_table  # noqa: SLF001 - Django documents it
    with transaction.atomic(), connection.cursor() as cursor:
        newest = AgentEvent.objects.aggregate(newest=Max("pk"))["newest"] or 0
        if connection.vendor == "sqlite":
            sql = "SELECT MAX(seq) FROM sqlite_sequence WHERE name = %s"
            cursor.execute(sql, [table])
            newest = max(newest, cursor.fetchone()[0] or 0)
            cursor.execute("DELETE FROM sqlite_sequence WHERE name = %s", [table])
            sql = "INSERT INTO sqlite_sequence (name, seq) VALUES (%s, %s)"
            cursor.execute(sql, [table, newest + GAP])
        else:
            cursor.execute("SELECT pg_get_serial_sequence(%s, 'id')", [table])
            sequence = cursor.fetchone()[0]
            cursor.execute("SELECT nextval(%s)", [sequence])
            newest = max(newest, cursor.fetchone()[0])
            cursor.execute("SELECT setval(%s, %s)", [sequence, newest + GAP])
    return newest + GAP
