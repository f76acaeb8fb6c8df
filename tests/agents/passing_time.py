"""Let time pass without waiting: all stored times are moved into the past."""

from collections.abc import Iterable
from datetime import timedelta
from itertools import count as count_from

from django.db import connection
from django.db.models import F
from django.utils import timezone

from agents.database.clock import DatabaseNow
from agents.leases.purge import registry_uptime
from agents.models import (
    AgentEvent,
    AgentRecord,
    LastCount,
    LastFacetCount,
    LastTagCount,
    SweepMark,
    Uptime,
)
from tests.factories import AgentFactory

NUMBERS = count_from(1)


def time_passes(seconds: float) -> None:
    """Move the times of leases, sweeps, counts, history and uptime into the past."""
    by = timedelta(seconds=seconds)
    AgentRecord.objects.update(
        last_heartbeat=F("last_heartbeat") - by, recorded_expiry=F("recorded_expiry") - by
    )
    SweepMark.objects.update(at=F("at") - by)
    AgentEvent.objects.update(at=F("at") - by)
    for counts in (LastCount.objects, LastTagCount.objects, LastFacetCount.objects):
        counts.update(at=F("at") - by, began_at=F("began_at") - by)
    Uptime.objects.update(up_since=F("up_since") - by, seen_at=F("seen_at") - by)


def time_passes_with_the_web_at_work(seconds: float) -> None:
    time_passes(seconds)
    Uptime.objects.update(seen_at=DatabaseNow())
    registry_uptime.pulse()


def fleet(count: int, *, silent_for: float = 0, ttl: int = 60, prefix: str = "agent") -> list[str]:
    """Create agents whose last heartbeat was `silent_for` seconds ago; return their ids."""
    ids = [f"{prefix}-{next(NUMBERS):07}" for _ in range(count)]
    if not ids:
        return []
    heartbeat = timezone.now() - timedelta(seconds=silent_for)
    AgentFactory.create(agent_id=ids[0], last_heartbeat=heartbeat, ttl_seconds=ttl)
    # The database copies the first one, since there may be a hundred thousand.
    columns = [str(field.column) for field in AgentRecord._meta.concrete_fields]
    table, copied = AgentRecord._meta.db_table, ", ".join(columns[1:])  # the id comes first
    for chunk in range(1, count, 10_000):
        values = ", ".join(f"('{agent_id}')" for agent_id in ids[chunk : chunk + 10_000])
        with connection.cursor() as cursor:
            cursor.execute(
                f"INSERT INTO {table} (agent_id, {copied}) SELECT others.column1, {copied}"  # noqa: S608
                f" FROM {table}, (VALUES {values}) AS others WHERE agent_id = %s",
                [ids[0]],
            )
    return ids


def heartbeats(ids: Iterable[str] | None = None) -> None:
    """Renew these agents, or all."""
    agents = AgentRecord.objects.all()
    if ids is not None:
        agents = agents.filter(pk__in=list(ids))
    agents.update(last_heartbeat=DatabaseNow())
