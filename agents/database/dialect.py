"""The dialect of the database that the settings name. Nothing else asks which one that is."""

from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper

from agents.database.base import Dialect
from agents.database.postgresql import PostgreSQL
from agents.database.sqlite import SQLite

DIALECTS: dict[str, Dialect] = {"postgresql": PostgreSQL(), "sqlite": SQLite()}


def dialect_of(connection: BaseDatabaseWrapper) -> Dialect:
    """Return the dialect of a connection, which may lead to another database."""
    return DIALECTS[connection.vendor]


dialect = DIALECTS[connection.vendor]
