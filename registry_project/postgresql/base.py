"""The backend: ``"ENGINE": "registry_project.postgresql"``.

PostgreSQL's own time limits end a call that takes too long; but a server that is frozen, or cut off
without a word, keeps none. psycopg would wait for it for ever, and so would the thread that has a
caller to answer. Here a call that is not answered in `limit_waiting`'s seconds raises
OperationalError, and its connection is closed.
"""

import select
import time
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.db.backends.postgresql import base
from psycopg.abc import PQGen

from registry_project.postgresql.outage import Outage

Result = TypeVar("Result")

# PostgreSQL's own limits, as shares of ours: it should be the first to say that it took too long.
STATEMENT_SHARE = 0.8
LOCK_SHARE = 0.5
# For one of our processes that stops in the middle, with locks that others wait for.
IDLE_SHARE = 2.0
# For so long a connection that worked is taken to work, unless something has come from it.
JUST_NOW_SECONDS = 5.0

outage = Outage()


def limit_waiting(seconds: float | None) -> None:
    """Let no call of this process wait longer for PostgreSQL; those of commands are not limited.

    The server's own limits hold for connections that are made from now on.
    """
    outage.limit(seconds)


class LimitedConnection(psycopg.Connection[Any]):
    """A connection whose every wait for the server has an end."""

    _answered_at = float("-inf")

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
        self._answered_at = time.monotonic()
        return answer

    @property
    def worked_just_now(self) -> bool:
        """Whether the server has answered a moment ago, and said nothing since: no farewell."""
        if self.closed or time.monotonic() - self._answered_at > JUST_NOW_SECONDS:
            return False
        waiting = select.poll()
        waiting.register(self.fileno(), select.POLLIN)
        return not waiting.poll(0)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's, on connections of the kind above."""

    # What Django takes for the driver: psycopg, but for the connections that it makes.
    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": LimitedConnection.connect})

    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        with outage.watch():
            return super().get_new_connection(conn_params)

    def close_if_health_check_failed(self) -> None:
        # Django asks the server before each request; that is half of what many requests ask it.
        if self.connection is not None and self.connection.worked_just_now:
            return
        super().close_if_health_check_failed()

    def init_connection_state(self) -> None:
        super().init_connection_state()
        if outage.seconds is None:
            return
        shares = {
            "statement_timeout": STATEMENT_SHARE,
            "lock_timeout": LOCK_SHARE,
            "idle_in_transaction_session_timeout": IDLE_SHARE,
        }
        # Not in the startup packet, which poolers such as PgBouncer are particular about.
        sql = ", ".join(["set_config(%s, %s, false)"] * len(shares))
        values: list[str] = []
        for name, share in shares.items():
            values += [name, f"{int(outage.seconds * share * 1000)}ms"]
        with self.connection.cursor() as cursor:
            cursor.execute(f"SELECT {sql}", values)
