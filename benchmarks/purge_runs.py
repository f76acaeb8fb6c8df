"""The two purges of ``make purge-bench``, and their limits."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from django.db import connection

from benchmarks import sample_agents, temporary_database
from benchmarks.background_heartbeats import (
    BATCH,
    background_heartbeats,
    send_batches,
    send_requests,
)
from benchmarks.measured_purge import MeasuredPurge, measure_purge
from benchmarks.web import web_server
from tests.integration.registry_process import environment_for

# Limits in seconds: for purging 100,000 of a million on PostgreSQL, and for the p99 of heartbeats
# during a purge.
POSTGRESQL_SECONDS = 3.0
P99 = {"postgresql": 0.060, "sqlite": 0.150}
HEARTBEAT_AGENTS = 100_000
HTTP_PER_SECOND = 50


def run(agents: int, expired: int) -> list[str]:
    """Measure and print; return the violated limits."""
    violations: list[str] = []

    def check(purge: MeasuredPurge) -> None:
        print(purge.report(), flush=True)
        limit = P99[connection.vendor]
        if (purge.purged, purge.events) != (expired, 2 * expired):
            violations.append(f"{purge.purged} of {expired} purged, {purge.events} events")
        if purge.lost:
            violations.append(f"{purge.lost} heartbeats of living agents were lost")
        if purge.p99 > limit:
            violations.append(f"p99 {purge.p99 * 1000:.0f} ms, more than {limit * 1000:.0f}")
        if connection.vendor == "postgresql" and purge.seconds > POSTGRESQL_SECONDS:
            violations.append(f"{purge.seconds:.2f} s, more than {POSTGRESQL_SECONDS:g}")

    with temporary_database.temporary_database() as url:
        print(f"{connection.vendor}: {agents:,} agents, {expired:,} of them expired", flush=True)
        sample_agents.fill(agents=agents, expired=expired)
        sample_agents.record_uptime()
        with _web(url) as web:
            print(f"\nwith batches of {BATCH} renewals")
            ids = sample_agents.living_ids(HEARTBEAT_AGENTS)
            check(
                measure_purge(
                    background_heartbeats(send_batches, temporary_database.connection_string(), ids)
                )
            )
            print(f"\nwith {HTTP_PER_SECOND} heartbeats a second over HTTP")
            sample_agents.expire(expired)
            ids = sample_agents.living_ids(HEARTBEAT_AGENTS)
            check(measure_purge(background_heartbeats(send_requests, web, ids, HTTP_PER_SECOND)))
    return violations


@contextmanager
def _web(database: str) -> Iterator[str]:
    with TemporaryDirectory(prefix="registry-benchmark-") as name:
        environment = environment_for(Path(name), DATABASE_URL=database)
        with web_server(Path(name), environment) as (_, (host, port)):
            yield f"http://{host}:{port}"
