"""The dialect of the database that the settings name. Nothing else asks which one that is."""

from django.db import connection

from agents.database.base import Dialect
from agents.database.postgresql import PostgreSQL
from agents.database.sqlite import SQLite

DIALECTS: dict[str, type[Dialect]] = {"postgresql": PostgreSQL, "sqlite": SQLite}

dialect: Dialect = DIALECTS[connection.vendor]()
