"""Compares SQLite with and without an index on last_heartbeat."""

import json
import random
import sqlite3
import time

from agents.database.clock import expired_sql
from benchmarks import sample_agents, temporary_database
from benchmarks.background_heartbeats import BATCH, SQLITE_RENEWAL

INDEX = "CREATE INDEX heartbeat ON agents_agentrecord (last_heartbeat)"
EXPIRED = expired_sql()
# As on PostgreSQL, right only because all agents have the same TTL.
LONG_AGO = (
    "last_heartbeat <= STRFTIME('%%Y-%%m-%%d %%H:%%M:%%f', 'NOW',"
    f" '-{sample_agents.TTL_SECONDS} seconds')"
)


def run(agents: int, rounds: int, fleet: int, expired: int) -> None:
    print(f"{agents:,} agents, {rounds} heartbeats of each; {fleet:,}, {expired:,} of them expired")
    print("index                        CPU s/1000   pages/1000   find ms")
    for name, create_sql, condition in (
        ("none", "SELECT 1", EXPIRED),
        ("b-tree on last_heartbeat", INDEX, f"{LONG_AGO} AND {EXPIRED}"),
    ):
        with temporary_database.temporary_database():
            sample_agents.fill(agents=agents, expired=0)
            cpu, pages = _renew(create_sql, agents, rounds)
        with temporary_database.temporary_database():
            sample_agents.fill(agents=fleet, expired=expired)
            milliseconds = _find(create_sql, condition.replace("%%", "%"), expired)
        print(f"{name:<27} {cpu:>11.4f}  {pages:>11.0f}   {milliseconds:>7.1f}", flush=True)


def _renew(create_sql: str, agents: int, rounds: int) -> tuple[float, float]:
    connection = _connect(create_sql)
    ids = sample_agents.living_ids(agents)
    connection.execute("PRAGMA wal_autocheckpoint=0")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    spent, pages = time.process_time(), 0
    for _ in range(rounds):
        random.shuffle(ids)
        for begin in range(0, agents, BATCH):
            connection.execute(SQLITE_RENEWAL, [json.dumps(sorted(ids[begin : begin + BATCH]))])
        pages += connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1]
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    heartbeats = agents * rounds / 1000
    return (time.process_time() - spent) / heartbeats, pages / heartbeats


def _find(create_sql: str, condition: str, expected: int) -> float:
    connection = _connect(create_sql)
    connection.execute("ANALYZE")
    sql = f"SELECT COUNT(*) FROM (SELECT rowid FROM agents_agentrecord WHERE {condition})"  # noqa: S608
    took = []
    for _ in range(5):
        begin = time.monotonic()
        [count] = connection.execute(sql).fetchone()
        took.append(time.monotonic() - begin)
        if count != expected:
            raise RuntimeError(f"{count} found, {expected} expired")
    return sorted(took)[2] * 1000


def _connect(create_sql: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        temporary_database.connection_string(), isolation_level=None, timeout=20
    )
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute(create_sql)
    return connection
