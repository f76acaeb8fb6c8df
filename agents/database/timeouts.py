"""A limit for how long somebody's question to the database may take."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connection, transaction

# SQLite looks at the time each so many steps of its own.
STEPS = 10_000


class TakesTooLong(Exception):
    """The database was stopped: it had not found the answer in time."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let no question of the block take longer than so many seconds. Raise TakesTooLong."""
    limited = _on_sqlite if connection.vendor == "sqlite" else _on_postgresql
    try:
        with limited(seconds):
            yield
    except OperationalError as error:
        is_canceled = isinstance(error.__cause__, psycopg.errors.QueryCanceled)
        if is_canceled or str(error) == "interrupted":
            raise TakesTooLong(f"no answer within {seconds:g} s") from error
        raise


@contextmanager
def _on_postgresql(seconds: float) -> Iterator[None]:
    # For the transaction only: the connection keeps its own limit.
    with transaction.atomic(), connection.cursor() as cursor:
        milliseconds = str(max(round(seconds * 1000), 1))
        cursor.execute("SELECT SET_CONFIG('statement_timeout', %s, TRUE)", [milliseconds])
        yield


@contextmanager
def _on_sqlite(seconds: float) -> Iterator[None]:
    connection.ensure_connection()
    sqlite = connection.connection
    end = time.monotonic() + seconds
    sqlite.set_progress_handler(lambda: time.monotonic() > end, STEPS)
    try:
        yield
    finally:
        sqlite.set_progress_handler(None, 0)
