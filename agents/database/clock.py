"""The one clock: the database's.

Several hosts serve one registry, and their clocks differ; so times are made, added and compared
where the records are. The SQL of each database stands here once, for the expressions of the ORM
and for the statements of `agents.leases`.
"""

from datetime import UTC, datetime
from typing import Any

from django.db import connection as default_connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import BooleanField, DateTimeField, Expression, FloatField, Func
from django.db.models.sql.compiler import SQLCompiler

from agents.lease_times import HEARTBEATS_PER_TTL

# Django keeps times on SQLite as text, which compares rightly only when all of them have six
# digits of a second; SQLite's own clock gives three.
SQLITE_NOW = "STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW') || '000'"
SQLITE_THEN = "(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW', '{seconds:+d} seconds') || '000')"
POSTGRESQL_NOW = "STATEMENT_TIMESTAMP()"
# For what is evaluated behind a wait for a lock.
POSTGRESQL_NOW_AFTER_WAITING = "CLOCK_TIMESTAMP()"
POSTGRESQL_THEN = "(STATEMENT_TIMESTAMP() + MAKE_INTERVAL(secs => {seconds}))"

# SQLite's date functions round to milliseconds: they get the whole seconds, and the fraction,
# which a TTL does not change, is put back.
SQLITE_EXPIRES_AT = (
    "(STRFTIME('%%Y-%%m-%%d %%H:%%M:%%S', SUBSTR({heartbeat}, 1, 19), {ttl} || ' seconds')"
    " || SUBSTR({heartbeat} || '.000000', 20, 7))"
)
POSTGRESQL_EXPIRES_AT = "({heartbeat} + MAKE_INTERVAL(secs => {ttl}))"

# The same for how many microseconds there are from one time to another.
SQLITE_MICROSECONDS = (
    "(STRFTIME('%%s', SUBSTR({time}, 1, 19)) * 1000000"
    " + CAST(SUBSTR({time} || '.000000', 21, 6) AS INTEGER))"
)

SQLITE_SILENCE = "((JULIANDAY('NOW') - JULIANDAY({heartbeat})) * 86400)"
POSTGRESQL_SILENCE = "DATE_PART('epoch', STATEMENT_TIMESTAMP() - {heartbeat})"

# The begin of the minute of a time, and of that so many seconds ago.
SQLITE_MINUTE = "(SUBSTR({time}, 1, 16) || ':00')"
POSTGRESQL_MINUTE = "DATE_TRUNC('minute', {time})"
SQLITE_MINUTE_OF = "STRFTIME('%%Y-%%m-%%d %%H:%%M:00', 'NOW', (-({seconds})) || ' seconds')"
POSTGRESQL_MINUTE_OF = (
    "DATE_TRUNC('minute', STATEMENT_TIMESTAMP() - MAKE_INTERVAL(secs => {seconds}))"
)

Compiled = tuple[str, Any]


class DatabaseNow(Func):
    """The time at which the statement began, with microseconds (milliseconds on SQLite)."""

    arity = 0
    output_field = DateTimeField()

    def as_sql(  # type: ignore[override]  # what it says depends on the database alone
        self, _compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        return now_sql(connection), []


class Moment(Func):
    """A time given by the caller, in the form in which the database compares times."""

    template = "%(expressions)s"
    arity = 1
    output_field = DateTimeField()

    def as_sqlite(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **context: Any
    ) -> Compiled:
        template = "SUBSTR(%(expressions)s || '.000000', 1, 26)"
        return self.as_sql(compiler, connection, template=template, **context)


class ExpiresAt(Func):
    """``last_heartbeat + ttl_seconds``, exact to the microsecond: when a lease ends."""

    arity = 2
    output_field = DateTimeField()

    def __init__(self, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds") -> None:
        super().__init__(heartbeat, ttl)

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        columns = [compiler.compile(expression)[0] for expression in self.source_expressions]
        return expires_at_sql(connection, *columns), []


class LeaseWanes(Func):
    """Whether at `now` less than a third of a lease's TTL is left, exact to the microsecond.

    It has waned also when nothing is left.
    """

    arity = 3
    output_field = BooleanField()

    def __init__(
        self, now: Expression, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds"
    ) -> None:
        super().__init__(now, heartbeat, ttl)

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        # In whole numbers: a third of a second is no number of microseconds.
        compiled = [compiler.compile(expression) for expression in self.source_expressions]
        (now, parameters), (heartbeat, _), (ttl, _) = compiled
        if connection.vendor == "sqlite":
            begin, end = (SQLITE_MICROSECONDS.format(time=time) for time in (heartbeat, now))
            silence, whole = f"({end} - {begin})", f"{ttl} * 1000000"
            parameters = (*parameters, *parameters)
        else:
            silence, whole = f"({now} - {heartbeat})", f"MAKE_INTERVAL(secs => {ttl})"
        sent = HEARTBEATS_PER_TTL - 1
        return f"({silence} * {HEARTBEATS_PER_TTL} > {whole} * {sent})", parameters


class Silence(Func):
    """Seconds since the last heartbeat, to a fraction of a millisecond: cheap, and good for counts.

    On SQLite, a fleet is looked through in a tenth of the time that exact ends of leases take.
    """

    arity = 1
    output_field = FloatField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        heartbeat, parameters = compiler.compile(self.source_expressions[0])
        template = SQLITE_SILENCE if connection.vendor == "sqlite" else POSTGRESQL_SILENCE
        return template.format(heartbeat=heartbeat), parameters


class Minute(Func):
    """The begin of the minute of a time, as Django keeps a time of whole seconds."""

    arity = 1
    output_field = DateTimeField()

    def as_sql(  # type: ignore[override]
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, **_context: Any
    ) -> Compiled:
        time, parameters = compiler.compile(self.source_expressions[0])
        template = SQLITE_MINUTE if connection.vendor == "sqlite" else POSTGRESQL_MINUTE
        return template.format(time=time), parameters


def database_now() -> datetime:
    """Ask the database what time it is."""
    with default_connection.cursor() as cursor:
        cursor.execute(f"SELECT {now_sql(default_connection)}", [])
        now: datetime | str = cursor.fetchone()[0]
    return datetime.fromisoformat(now).replace(tzinfo=UTC) if isinstance(now, str) else now


def now_sql(connection: BaseDatabaseWrapper) -> str:
    """Return SQL for the time of the statement; to be executed with parameters."""
    return SQLITE_NOW if connection.vendor == "sqlite" else POSTGRESQL_NOW


def then_sql(connection: BaseDatabaseWrapper, seconds: int) -> str:
    """Return SQL for so many seconds after the time of the statement, or before it, if negative."""
    template = SQLITE_THEN if connection.vendor == "sqlite" else POSTGRESQL_THEN
    return template.format(seconds=seconds)


def expires_at_sql(
    connection: BaseDatabaseWrapper, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds"
) -> str:
    """Return SQL for the end of a lease, from its two columns; to be executed with parameters."""
    template = SQLITE_EXPIRES_AT if connection.vendor == "sqlite" else POSTGRESQL_EXPIRES_AT
    return template.format(heartbeat=heartbeat, ttl=ttl)


def ended_sql(
    connection: BaseDatabaseWrapper, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds"
) -> str:
    """Return SQL for whether a lease has ended, from its two columns; as above."""
    return f"({expires_at_sql(connection, heartbeat, ttl)} <= {now_sql(connection)})"


def minute_of_sql(connection: BaseDatabaseWrapper, seconds: str) -> str:
    """Return SQL for the begin of the minute of so many seconds ago, `seconds` being SQL too."""
    template = SQLITE_MINUTE_OF if connection.vendor == "sqlite" else POSTGRESQL_MINUTE_OF
    return template.format(seconds=seconds)
