"""Limits that work while PostgreSQL is frozen or cut off.

A call without an answer raises OperationalError and closes its connection. The server refuses
COMMITs and writes after their deadline.
"""

import math
import select
import time
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen
from psycopg.pq import TransactionStatus
from psycopg.sql import Composable

from registry_project.postgresql.deadlines import CLOCK, ServerClock, in_time_sql, is_too_late
from registry_project.postgresql.outage import Outage

Result = TypeVar("Result")

JUST_NOW_SECONDS = 5.0
PLAN_SECONDS = 1.0
GOT_TO_IT_LATE = "PostgreSQL got to it too late"

outage = Outage()


def limit_waiting(seconds: float | None) -> None:
    """For all calls of this process. None: no limit."""
    outage.limit(seconds)


class LimitedConnection(psycopg.Connection[Any]):
    _answered_at = float("-inf")
    _plans_until = float("-inf")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.clock = ServerClock()

    def wait(
        self, gen: PQGen[Result], interval: float = 0.1, timeout: float | None = None
    ) -> Result:
        limit = outage.seconds if timeout is None else timeout
        started = time.monotonic()
        try:
            with outage.watch():
                answer = super().wait(gen, interval=interval, timeout=limit)
        except psycopg.OperationalError as error:
            if limit is None or time.monotonic() - started < limit:
                raise
            self.close()
            raise psycopg.OperationalError(f"no answer within {limit:g} s") from error
        except psycopg.DataError as error:
            if not is_too_late(error):
                raise
            # The caller still waits, so the server's clock was set.
            self.clock.forget()
            raise psycopg.OperationalError(GOT_TO_IT_LATE) from error
        self._answered_at = time.monotonic()
        return answer

    def deadline(self, seconds: float = math.inf) -> float:
        """Return when a statement sent now is given up, at most `seconds` from now.

        Seconds since 1970 by the server's clock; infinite without a limit.
        """
        if outage.seconds is None:
            return math.inf
        if not self.clock.is_known:
            self.read_clock()
        return self.clock.after(min(seconds, outage.seconds))

    def read_clock(self) -> float:
        """In seconds since 1970."""
        [shown] = self.execute(f"SELECT DATE_PART('epoch', {CLOCK})").fetchone() or [math.nan]
        self.clock.set(shown)
        return float(shown)

    def check_deadline(self, deadline: float) -> None:
        if outage.seconds is not None and self.read_clock() >= deadline:
            raise psycopg.OperationalError(GOT_TO_IT_LATE)

    def commit(self) -> None:
        """Raise OperationalError after the deadline."""
        is_open = self.info.transaction_status is TransactionStatus.INTRANS
        if is_open and outage.seconds is not None:
            self.execute(f"SELECT {self.in_time_sql()}; COMMIT")
        else:
            super().commit()

    def in_time_sql(self, deadline: str | None = None) -> str:
        """`deadline`: a parameter. None: as `deadline()` gives it now."""
        return in_time_sql(self.deadline() if deadline is None else deadline)

    def refresh_plans(self) -> None:
        """Let prepared statements be planned again once a second, as tables grow."""
        now = time.monotonic()
        if now >= self._plans_until:
            self._plans_until = now + PLAN_SECONDS
            self.execute("DISCARD PLANS")

    @property
    def worked_just_now(self) -> bool:
        """The server has answered lately, and sent nothing since."""
        if self.closed or time.monotonic() - self._answered_at > JUST_NOW_SECONDS:
            return False
        waiting = select.poll()
        waiting.register(self.fileno(), select.POLLIN)
        return not waiting.poll(0)


class Cursor(base.CursorMixin, psycopg.ClientCursor[Any]):
    """Sends a check of the deadline with each write outside a transaction.

    A failed check rolls the write back.
    """

    def execute(self, query: Any, params: Any = None, **options: Any) -> "Cursor":
        if self._is_alone:
            text = query.as_string(self) if isinstance(query, Composable) else query
            if text.lstrip()[:6].upper() != "SELECT":
                connection: Any = self.connection
                query = f"{text}\n; SELECT {connection.in_time_sql()}"
        super().execute(query, params, **options)
        return self

    def executemany(self, query: Any, params_seq: Any, **options: Any) -> None:
        if self._is_alone:  # it pipelines messages of one statement each
            raise psycopg.NotSupportedError("executemany outside of a transaction")
        super().executemany(query, params_seq, **options)

    @property
    def _is_alone(self) -> bool:
        connection = self.connection
        is_idle = connection.info.transaction_status is TransactionStatus.IDLE
        return outage.seconds is not None and connection.autocommit and is_idle
