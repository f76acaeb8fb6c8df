from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import Model

from agents.database.base import TakesTooLong
from agents.database.tables import table


class Connections:
    def prepare_connection(self, connection: BaseDatabaseWrapper) -> None:
        pass

    @contextmanager
    def time_limit(self, seconds: float) -> Iterator[None]:
        milliseconds = str(max(round(seconds * 1000), 1))
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute("SELECT SET_CONFIG('statement_timeout', %s, TRUE)", [milliseconds])
                yield
        except OperationalError as error:
            if isinstance(error.__cause__, psycopg.errors.QueryCanceled):
                raise TakesTooLong from error
            raise

    @contextmanager
    def without_waiting_for_writers(self) -> Iterator[None]:
        # SKIP LOCKED suffices: writers lock only rows.
        yield

    @contextmanager
    def in_one_process(self) -> Iterator[None]:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SET LOCAL max_parallel_workers_per_gather = 0")
            yield

    def session(self) -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT PG_BACKEND_PID()")
            return int(cursor.fetchone()[0])

    def session_has_ended(self, session: int) -> bool:
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM pg_stat_activity WHERE pid = %s", [session])
            return not cursor.fetchone()[0]

    def close_before_fork(self) -> None:
        """A new connection would cost the server a process."""

    def size_on_disk(self, model: type[Model]) -> int | None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT PG_TOTAL_RELATION_SIZE(%s)", [table(model)])
            return int(cursor.fetchone()[0])
