"""Fills the database with sample agents in one statement: a million in a few seconds."""

import math

from django.db import connection

from agents.database.dialect import dialect
from agents.database.tables import table
from agents.models import AgentRecord, Uptime

TTL_SECONDS = 3600
# How many seconds ago the leases of expired agents ended.
EXPIRED_FOR = 100
# Primes that scatter 1, 2, 3, ... over all ids, and over the seconds of a third of the TTL.
SCRAMBLE, IDS = 2_654_435_761, 2**32
STRIDE = 7919
DAY = 86_400

COLUMNS = (
    "agent_id, agent_name, host, port, last_heartbeat, ttl_seconds, metadata, registered_at,"
    " generation, version, tags, skills, state, status, note"
)
VALUES = (
    "'10.0.0.7', 8000,"
    " CASE WHEN n * {expired} %% {agents} < {expired} THEN {past} ELSE {lately} END, {ttl},"
    ' \'{{"region": "eu-west-1", "image": "registry.example/weather:1.4.2",'
    " \"cpu\": 2}}', {now}, n, '1.4.2', '[\"weather\", \"eu\"]', '[\"forecast\"]', 'active',"
    " 'ready', ''"
)


def fill(*, agents: int, expired: int) -> None:
    """Insert agents with leases of an hour; `expired` of them, evenly spread, have ended.

    The others sent a heartbeat within the last third of the TTL. Ids and heartbeats are shuffled.
    Updates the database's statistics.
    """
    past = dialect.now_plus(f"-{TTL_SECONDS + EXPIRED_FOR}")
    lately = dialect.now_plus(f"-(n * {STRIDE} %% {TTL_SECONDS // 3})")
    facts = {"now": dialect.now(), "past": past, "lately": lately, "ttl": TTL_SECONDS}
    values = VALUES.format(agents=agents, expired=expired, **facts)
    scrambled = f"(n * {SCRAMBLE}) %% {IDS}"
    if connection.vendor == "sqlite":
        agent_id = f"PRINTF('agent-%%08x', {scrambled})"
        numbers = (
            "WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers"  # noqa: S608
            f" WHERE n < {agents})"
        )
    else:
        agent_id = f"'agent-' || LPAD(TO_HEX({scrambled}), 8, '0')"
        numbers = f"WITH numbers AS (SELECT GENERATE_SERIES(1::bigint, {agents}) AS n)"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table(AgentRecord)} ({COLUMNS}) {numbers}"  # noqa: S608 - all ours
            f" SELECT {agent_id}, {agent_id}, {values} FROM numbers",
            [],
        )
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")


def expire(expired: int) -> None:
    past = dialect.now_plus(f"-{TTL_SECONDS + EXPIRED_FOR}")
    agents = AgentRecord.objects.count()
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {table(AgentRecord)} SET last_heartbeat = {past} WHERE agent_id IN"  # noqa: S608
            f" (SELECT agent_id FROM (SELECT agent_id, ROW_NUMBER() OVER (ORDER BY agent_id) AS n"
            f" FROM {table(AgentRecord)}) AS agents WHERE n * {expired} %% {agents} < {expired})",
            [],
        )
        if connection.vendor == "postgresql":
            cursor.execute("VACUUM ANALYZE")


def record_uptime() -> None:
    """Record a day of uptime, so that purges are not held back as after an outage."""
    now, yesterday = dialect.now(), dialect.now_plus(f"-{DAY}")
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table(Uptime)}")  # noqa: S608
        cursor.execute(
            f"INSERT INTO {table(Uptime)} (id, up_since, seen_at) VALUES (1, {yesterday}, {now})",  # noqa: S608
            [],
        )


def living_ids(most: int) -> list[str]:
    """Return the ids of up to `most` living agents, spread over the table, not in its order."""
    count = AgentRecord.objects.alive().count()
    step = max(1, math.ceil(count / most))
    ids = AgentRecord.objects.alive().order_by("agent_id").values_list("agent_id", flat=True)
    return list(ids[::step])
