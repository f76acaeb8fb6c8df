"""The database makes and compares all times, since hosts' clocks differ."""

from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import BigIntegerField, BooleanField, DateTimeField, Expression

from agents.database.dialect import dialect
from agents.database.expressions import Fragment
from agents.lease_times import HEARTBEATS_PER_TTL

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class DatabaseNow(Fragment):
    fragment = staticmethod(dialect.now)
    arity = 0
    output_field = DateTimeField()


class NowPlus(Fragment):
    """So many seconds from now."""

    fragment = staticmethod(dialect.now_plus)
    arity = 1
    output_field = DateTimeField()


class Moment(Fragment):
    fragment = staticmethod(dialect.given_time)
    arity = 1
    output_field = DateTimeField()


class Microseconds(Fragment):
    fragment = staticmethod(dialect.microseconds)
    arity = 1
    output_field = BigIntegerField()


class Minute(Fragment):
    fragment = staticmethod(dialect.start_of_minute)
    arity = 1
    output_field = DateTimeField()


class ExpiresAt(Fragment):
    fragment = staticmethod(dialect.expires_at)
    arity = 2
    output_field = DateTimeField()

    def __init__(self, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds") -> None:
        super().__init__(heartbeat, ttl)


class HasExpired(Fragment):
    """Cheaper than comparing with ExpiresAt."""

    fragment = staticmethod(dialect.has_expired)
    arity = 2
    output_field = BooleanField()

    def __init__(self, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds") -> None:
        super().__init__(heartbeat, ttl)


def _wanes(now: str, heartbeat: str, ttl: str) -> str:
    # In integers: a third of a second is no whole number of microseconds.
    silence = f"({dialect.microseconds(now)} - {dialect.microseconds(heartbeat)})"
    missed = (HEARTBEATS_PER_TTL - 1) * 1_000_000
    return f"({silence} * {HEARTBEATS_PER_TTL} > {ttl} * CAST({missed} AS BIGINT))"


class LeaseWanes(Fragment):
    """Less than a third of the TTL is left at `now`."""

    fragment = staticmethod(_wanes)
    arity = 3
    output_field = BooleanField()

    def __init__(
        self, now: Expression, heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds"
    ) -> None:
        super().__init__(now, heartbeat, ttl)


def database_now() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {dialect.microseconds(dialect.now())}", [])
        return from_microseconds(cursor.fetchone()[0])


def from_microseconds(microseconds: int) -> datetime:
    return EPOCH + timedelta(microseconds=microseconds)


def expired_sql(heartbeat: str = "last_heartbeat", ttl: str = "ttl_seconds") -> str:
    return dialect.has_expired(heartbeat, ttl)
