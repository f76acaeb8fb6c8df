from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from agents.database.base import Dialect
from agents.database.postgresql import PostgreSQL
from agents.database.sqlite import SQLite

DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSQL(), "sqlite": SQLite()}


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    return DIALECTS[connection.vendor]


dialect = DIALECTS[connection.vendor]
