from django.db.models import Model, Q

from agents.database.base import Dialect
from agents.database.postgresql.clock import Clock
from agents.database.postgresql.connections import Connections
from agents.database.postgresql.ids import Ids
from agents.database.postgresql.json_sql import JsonSql
from agents.database.postgresql.text import Text
from agents.database.postgresql.words import Words
from agents.database.postgresql.writes import Writes
from agents.database.tables import table

# Bytes of a page's header, and of the smallest row:
# https://www.postgresql.org/docs/current/storage-page-layout.html
PAGE_HEADER, SMALLEST_ROW = 24, 28


class PostgreSQL(Clock, JsonSql, Writes, Ids, Connections, Text, Words, Dialect):
    name = "PostgreSQL"
    has_one_writer = False
    is_local = False

    def starts_with(self, column: str, text: str) -> Q:
        return Q(**{f"{column}__startswith": text})

    def list_contains(self, array: str, value: str) -> str:
        # Its function JSONB_EXISTS has no statistics.
        return f"({array} ? {value})"

    def has_member(self, document: str, *keys_and_values: str) -> str:
        *keys, values = keys_and_values
        member = document + "".join(f" -> {key}::text" for key in keys)
        return f"(({member}) = ANY(ARRAY(SELECT JSONB_ARRAY_ELEMENTS({values}::jsonb))))"

    def some_rows(self, model: type[Model], tries: int) -> str:
        return (
            "ctid = ANY(ARRAY(SELECT FORMAT('(%%s,%%s)', FLOOR(RANDOM() * pages),"
            " 1 + FLOOR(RANDOM() * places))::tid FROM ("
            f"SELECT PG_RELATION_SIZE('{table(model)}') / page AS pages,"
            f" (page - {PAGE_HEADER}) / {SMALLEST_ROW} AS places"
            " FROM (SELECT CURRENT_SETTING('block_size')::int8 AS page) AS setting) AS size,"
            f" GENERATE_SERIES(1, {tries})))"
        )
