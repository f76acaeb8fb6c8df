from django.db.models import Q

from agents.database.base import Dialect
from agents.database.sqlite.clock import Clock
from agents.database.sqlite.connections import Connections
from agents.database.sqlite.ids import Ids
from agents.database.sqlite.json_sql import JsonSql
from agents.database.sqlite.text import Text
from agents.database.sqlite.writes import Writes

# Sorts after every character in ids and actors.
LAST_CHARACTER = "\U0010ffff"


class SQLite(Clock, JsonSql, Writes, Ids, Connections, Text, Dialect):
    name = "SQLite"
    has_one_writer = True
    is_local = True

    def starts_with(self, column: str, text: str) -> Q:
        # LIKE ignores case and uses no index.
        return Q(**{f"{column}__gte": text, f"{column}__lt": text + LAST_CHARACTER})

    def list_contains(self, array: str, value: str) -> str:
        return f"EXISTS (SELECT 1 FROM JSON_EACH({array}) WHERE value = {value})"
