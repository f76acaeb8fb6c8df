from django.db.models import Model, Q

from agents.database.base import Dialect
from agents.database.sqlite.clock import Clock
from agents.database.sqlite.connections import Connections
from agents.database.sqlite.ids import Ids
from agents.database.sqlite.json_sql import JsonSql
from agents.database.sqlite.text import Text
from agents.database.sqlite.words import Words
from agents.database.sqlite.writes import Writes
from agents.database.tables import table

NUMBERS = "('integer', 'real')"
# Sorts after all characters of ids and actors.
LAST_CHARACTER = "\U0010ffff"


class SQLite(Clock, JsonSql, Writes, Ids, Connections, Text, Words, Dialect):
    name = "SQLite"
    has_one_writer = True
    is_local = True

    def starts_with(self, column: str, text: str) -> Q:
        # LIKE ignores case and uses no index.
        return Q(**{f"{column}__gte": text, f"{column}__lt": text + LAST_CHARACTER})

    def list_contains(self, array: str, value: str) -> str:
        return f"EXISTS (SELECT 1 FROM JSON_EACH({array}) WHERE value = {value})"

    def has_member(self, document: str, *keys_and_values: str) -> str:
        # JSON paths know neither quotes in keys nor escaped letters.
        *keys, values = keys_and_values
        found = f"SELECT 'object' AS type, {document} AS value"
        for key in keys:
            inner = "CASE WHEN outside.type = 'object' THEN outside.value ELSE '{}' END"
            found = (
                f"SELECT member.type, member.value FROM ({found}) AS outside,"
                f" JSON_EACH({inner}) AS member WHERE member.key = {key}"
            )
        same_type = (
            f"found.type = given.type OR (found.type IN {NUMBERS} AND given.type IN {NUMBERS})"
        )
        return (
            f"EXISTS (SELECT 1 FROM ({found}) AS found, JSON_EACH({values}) AS given"
            f" WHERE found.value = given.value AND ({same_type}))"
        )

    def some_rows(self, model: type[Model], tries: int) -> str:
        last = f"(SELECT MAX(rowid) FROM {table(model)})"
        return (
            "rowid IN (WITH RECURSIVE tries(number) AS (SELECT 1 UNION ALL"
            f" SELECT number + 1 FROM tries WHERE number < {tries})"
            f" SELECT 1 + (RANDOM() & {2**63 - 1}) %% {last} FROM tries)"
        )
