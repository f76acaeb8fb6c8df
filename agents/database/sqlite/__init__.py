"""SQLite: a file, one writer at a time, times as text."""

from typing import Any

from django.db.models import Q
from django.db.models.constants import LOOKUP_SEP

from agents.database.base import Dialect
from agents.database.sqlite.clock import Clock
from agents.database.sqlite.connections import Connections
from agents.database.sqlite.ids import Ids
from agents.database.sqlite.json_sql import JsonSql
from agents.database.sqlite.text import Text
from agents.database.sqlite.writes import Writes

# Sorts after all that ids and actors may contain.
LAST_CHARACTER = "\U0010ffff"


class SQLite(Clock, JsonSql, Writes, Ids, Connections, Text, Dialect):
    name = "SQLite"
    has_one_writer = True
    is_local = True

    def starts_with(self, column: str, text: str) -> Q:
        # LIKE ignores case and uses no index.
        bounds: dict[str, Any] = {
            f"{column}{LOOKUP_SEP}gte": text,
            f"{column}{LOOKUP_SEP}lt": text + LAST_CHARACTER,
        }
        return Q(**bounds)

    def list_contains(self, array: str, value: str) -> str:
        return f"EXISTS (SELECT 1 FROM JSON_EACH({array}) WHERE value = {value})"
