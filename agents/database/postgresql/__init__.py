from django.db.models import Q

from agents.database.base import Dialect
from agents.database.postgresql.clock import Clock
from agents.database.postgresql.connections import Connections
from agents.database.postgresql.ids import Ids
from agents.database.postgresql.json_sql import JsonSql
from agents.database.postgresql.text import Text
from agents.database.postgresql.writes import Writes


class PostgreSQL(Clock, JsonSql, Writes, Ids, Connections, Text, Dialect):
    name = "PostgreSQL"
    has_one_writer = False
    is_local = False

    def starts_with(self, column: str, text: str) -> Q:
        return Q(**{f"{column}__startswith": text})

    def list_contains(self, array: str, value: str) -> str:
        # There are no statistics for its function JSONB_EXISTS.
        return f"({array} ? {value})"
