"""What the database holds at one moment, read around the registry."""

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
