"""The runs of ``python -m benchmarks.heartbeat_index`` on PostgreSQL."""

import random
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

import psycopg
from django.db import connection

from benchmarks import sample_agents, temporary_database
from benchmarks.background_heartbeats import BATCH
from benchmarks.index_kinds import B_TREE, KINDS, NONE, Kind
from benchmarks.postgres_cost import Server

FILLFACTORS = (100, 90, 80, 70, 50)
# One agent in this many has expired.
FEW, MANY = 1_000, 10
TIMES = 5

# The share of agents that send a heartbeat during a query of 5 s, at an interval of 20 s.
SHARE_WHILE_READ = 0.25

HEAD = (
    "index                           fill   HOT 1st     last     read   CPU s/1000   WAL 1st"
    "     last   table MB  index MB  dead rows  vacuum s"
)


def run(agents: int, rounds: int, fleet: int, only: str) -> None:
    kinds = [kind for kind in KINDS if kind.name.startswith(only)]
    with temporary_database.temporary_database():
        print(f"{agents:,} agents, {rounds} heartbeats of each; WAL in bytes\n{HEAD}")
        for kind in kinds:
            factors = FILLFACTORS if kind in (NONE, B_TREE) else (100, 70)
            for factor in factors:
                print(_cost(kind, factor, agents, rounds), flush=True)
        print(
            f"\n{fleet:,} agents: milliseconds to find the expired\nindex{'':27}"
            + _find_head(fleet)
        )
        for kind in kinds:
            print(_find(kind, fleet), flush=True)


def _cost(kind: Kind, factor: int, agents: int, rounds: int) -> str:
    with _table(kind, factor, agents, expired=0):
        _execute("CHECKPOINT")
        server = Server(connection)
        ids = sample_agents.living_ids(agents)
        first = last = _Reading(server, kind)
        readings = [first]
        for _ in range(rounds):
            random.shuffle(ids)
            _renew(kind, ids)
            last = _Reading(server, kind)
            readings.append(last)
        hot = [f"{after.hot_since(before):7.2%}" for before, after in pairwise(readings)]
        wal = [(after.wal - before.wal) / agents for before, after in pairwise(readings)]
        cpu = (last.cpu - first.cpu) / (agents * rounds) * 1000
        dead = _row("SELECT n_dead_tup FROM pg_stat_user_tables WHERE relname = %s", kind.table)
        with _open_snapshot():
            _renew(kind, ids[: int(agents * SHARE_WHILE_READ)])
        read = _Reading(server, kind).hot_since(last)
        sizes = _row("SELECT pg_relation_size(%s), pg_indexes_size(%s)", kind.table, kind.table)
        begin = time.monotonic()
        _execute(f"VACUUM {kind.table}")
        vacuum = time.monotonic() - begin
        table, indexes = (size / 1e6 for size in sizes)
        return (
            f"{kind.name:<31} {factor:>4}   {hot[0]}  {hot[-1]}  {read:7.2%}   {cpu:>10.4f}"
            f"   {wal[0]:>7.0f}  {wal[-1]:>7.0f}   {table:>8.0f}  {indexes:>8.0f}"
            f"  {dead[0]:>9.0f}  {vacuum:>8.2f}"
        )


@contextmanager
def _open_snapshot() -> Iterator[None]:
    """Hold a snapshot, as a long query does, so that old row versions cannot be removed."""
    with psycopg.connect(temporary_database.connection_string()) as reader:
        reader.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        reader.execute("SELECT COUNT(*) FROM agents_agentrecord")
        yield


class _Reading:
    def __init__(self, server: Server, kind: Kind) -> None:
        self.cpu, self.wal = server.cpu_seconds(), server.wal_bytes()
        # Otherwise this session's counts become visible only after a while.
        _execute("SELECT pg_stat_force_next_flush()")
        sql = "SELECT n_tup_upd, n_tup_hot_upd FROM pg_stat_user_tables WHERE relname = %s"
        self.updates, self.hot = _row(sql, kind.table)

    def hot_since(self, earlier: "_Reading") -> float:
        return (self.hot - earlier.hot) / (self.updates - earlier.updates)


def _renew(kind: Kind, ids: Sequence[str]) -> None:
    with connection.cursor() as cursor:
        for begin in range(0, len(ids), BATCH):
            cursor.execute(kind.renew_sql, [sorted(ids[begin : begin + BATCH])])


def _find_head(fleet: int) -> str:
    return "".join(f"{f'{fleet // share:,} expired':>20}" for share in (FEW, MANY))


def _find(kind: Kind, fleet: int) -> str:
    few, many = fleet // FEW, fleet // MANY
    with _table(kind, 100, fleet, expired=few):
        took = [_milliseconds(kind, few)]
        sample_agents.expire(many)
        _fill_leases(kind)
        took.append(_milliseconds(kind, many))
        return f"{kind.name:<32}{took[0]:>20.1f}{took[1]:>20.1f}"


def _milliseconds(kind: Kind, expected: int) -> float:
    took = []
    for _ in range(TIMES):
        begin = time.monotonic()
        [count] = _row(f"SELECT COUNT(*) FROM ({kind.find_sql}) AS expired")  # noqa: S608
        took.append(time.monotonic() - begin)
        if abs(count - expected) > expected // 50:
            raise RuntimeError(f"{kind.name}: {count} found, {expected} expired")
    return sorted(took)[TIMES // 2] * 1000


@contextmanager
def _table(kind: Kind, factor: int, agents: int, expired: int) -> Iterator[None]:
    """Refill the table, with that kind of index and without autovacuum."""
    for other in KINDS:
        _execute(other.drop_sql)
    _execute("TRUNCATE agents_agentrecord")
    _execute(kind.create_sql or "SELECT 1")
    for table in {"agents_agentrecord", kind.table}:
        _execute(f"ALTER TABLE {table} SET (fillfactor = {factor}, autovacuum_enabled = false)")
    sample_agents.fill(agents=agents, expired=expired)
    _fill_leases(kind)
    yield


def _fill_leases(kind: Kind) -> None:
    if kind.table == "lease":
        columns = "agent_id, last_heartbeat, ttl_seconds, generation"
        _execute("TRUNCATE lease")
        _execute(f"INSERT INTO lease SELECT {columns} FROM agents_agentrecord")  # noqa: S608
        _execute("VACUUM ANALYZE lease")


def _execute(sql: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql)


def _row(sql: str, *parameters: str) -> tuple[float, ...]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[float, ...] = cursor.fetchone()
        return row
