"""The content of the database at one moment, read directly."""

from dataclasses import dataclass

import psycopg


@dataclass(frozen=True)
class Record:
    generation: int
    last_heartbeat: float
    ttl: int


@dataclass(frozen=True)
class Event:
    number: int
    agent_id: str
    kind: str
    at: float
    generation: int | None


@dataclass(frozen=True)
class Snapshot:
    records: dict[str, Record]
    events: list[Event]


def take_snapshot(database_url: str) -> Snapshot:
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        records = connection.execute(
            "SELECT agent_id, generation, EXTRACT(EPOCH FROM last_heartbeat)::float8, ttl_seconds"
            " FROM agents_agentrecord"
        ).fetchall()
        events = connection.execute(
            "SELECT id, agent_id, kind, EXTRACT(EPOCH FROM at)::float8, generation"
            " FROM agents_agentevent WHERE agent_id <> '' ORDER BY id"
        ).fetchall()
    return Snapshot(
        {agent_id: Record(*row) for agent_id, *row in records}, [Event(*row) for row in events]
    )


def turns_since(database_url: str, moment: float) -> list[str]:
    """Return the kinds of the events about holds of purging since then, in order."""
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        rows = connection.execute(
            "SELECT kind FROM agents_agentevent WHERE agent_id = '' AND kind LIKE 'purge-%%'"
            " AND EXTRACT(EPOCH FROM at)::float8 > %s ORDER BY id",
            [moment],
        ).fetchall()
    return [kind for (kind,) in rows]


def held_by_last_sweep(database_url: str) -> tuple[float, int]:
    """Return the time of the last sweep, and how many expired agents it held."""
    with psycopg.connect(database_url, connect_timeout=10) as connection:
        row = connection.execute(
            "SELECT EXTRACT(EPOCH FROM at)::float8, held FROM agents_sweepmark"
        ).fetchone()
    assert row is not None, "no sweep yet"
    at, held = row
    return at, held
