"""The one clock: the database's.

Several hosts serve one registry, and their clocks differ. So times are made, added and compared
where the records are.
"""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import BooleanField, DateTimeField, Expression, FloatField

from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.lease_times import HEARTBEATS_PER_TTL

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseNow(Fragment):
    """The time at which the statement began."""

    fragment = staticmethod(dialect.now)
    arity = 0
    output_field = DateTimeField()


class Moment(Fragment):
    """A time that the caller gives."""

    fragment = staticmethod(dialect.given_time)
    arity = 1
    output_field = DateTimeField()


class Minute(Fragment):
    """The whole minute in which a time lies."""

    fragment = staticmethod(dialect.start_of_minute)
    arity = 1
    output_field = DateTimeField()


class Silence(Fragment):
    """Seconds since the last heartbeat, exact to a millisecond: cheap, and good for counting."""

    fragment = staticmethod(dialect.seconds_since)
    arity = 1
    output_field = FloatField()


class ExpiresAt(Fragment):
    """``last_heartbeat + ttl_seconds``, exact to the microsecond: when a lease ends."""

    fragment = staticmethod(dialect.expires_at)
    arity = 2
    output_field = DateTimeField()

    def __init__(self, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds") -> None:
        super().__init__(heartbeat, ttl)


def _wanes(now: str, heartbeat: str, ttl: str) -> str:
    # In whole numbers, because a third of a second is no number of microseconds.
    silence = f"({dialect.microseconds(now)} - {dialect.microseconds(heartbeat)})"
    missed = (HEARTBEATS_PER_TTL - 1) * 1_000_000
    return f"({silence} * {HEARTBEATS_PER_TTL} > {ttl} * CAST({missed} AS BIGINT))"


class LeaseWanes(Fragment):
    """Whether at `now` less than a third of a lease's TTL is left, exact to the microsecond.

    True also when nothing is left.
    """

    fragment = staticmethod(_wanes)
    arity = 3
    output_field = BooleanField()

    def __init__(
        self, now: Expression, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds"
    ) -> None:
        super().__init__(now, heartbeat, ttl)


def database_now() -> datetime:
    """Ask the database what time it is."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {dialect.microseconds(dialect.now())}", [])
        return from_microseconds(cursor.fetchone()[0])


def from_microseconds(microseconds: int) -> datetime:
    """Return the time that `dialect.microseconds` gives as an integer."""
    return EPOCH + timedelta(microseconds=microseconds)


def expired_sql(heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds") -> str:
    """Return SQL for whether a lease has ended; to be executed with parameters."""
    return f"({dialect.expires_at(heartbeat, ttl)} <= {dialect.now()})"
