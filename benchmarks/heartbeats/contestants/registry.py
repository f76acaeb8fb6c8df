"""This registry: its fast path, bulk call and DRF action, with each agent's lease token."""

import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import psycopg

from benchmarks.databases import running_postgresql
from benchmarks.heartbeats.contestants.contestant import Contestant, Workspace
from benchmarks.heartbeats.load import Target
from benchmarks.programs import PROJECT
from benchmarks.web import web_server
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import json_request, request
from tests.integration.registry_process import environment_for, migrate

BULK = 500
BULK_CONNECTIONS = 4

Leases = Sequence[tuple[str, str]]


@contextmanager
def on_postgresql(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    with (
        running_postgresql(workspace.folder) as (database, pid),
        _registry(workspace, DATABASE_URL=database) as (server, address, leases),
    ):
        processes = (server, pid)
        yield [
            *_fast("fast", "fast path, PostgreSQL", address, leases, processes),
            Contestant(
                "bulk",
                f"bulk call of {BULK} agents, PostgreSQL",
                _bulk(address, leases),
                BULK_CONNECTIONS,
                processes,
                heartbeats=BULK,
            ),
        ]


@contextmanager
def on_sqlite(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    with _registry(workspace) as (server, address, leases):
        yield _fast("fast-sqlite", "fast path, SQLite", address, leases, [server])


@contextmanager
def without_fast_path(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    settings = {"FAST_HEARTBEATS": "off"}
    with (
        running_postgresql(workspace.folder) as (database, pid),
        _registry(workspace, DATABASE_URL=database, **settings) as (server, address, leases),
    ):
        target = Target(address, _heartbeats(address, leases))
        yield [Contestant("drf-32", "DRF action, PostgreSQL", target, 32, (server, pid))]


def _fast(
    name: str, what: str, address: Address, leases: Leases, processes: Sequence[int]
) -> list[Contestant]:
    target = Target(address, _heartbeats(address, leases))
    return [Contestant(f"{name}-{n}", what, target, n, processes) for n in (32, 256)]


def _heartbeats(address: Address, leases: Leases) -> list[bytes]:
    return [
        request("POST", address, f"/agents/{agent_id}/heartbeat", {"Lease-Token": token})
        for agent_id, token in leases
    ]


def _bulk(address: Address, leases: Leases) -> Target:
    agents = [{"agent_id": agent_id, "lease_token": token} for agent_id, token in leases]
    requests = [
        json_request("POST", address, "/agents/heartbeat", {"agents": agents[at : at + BULK]})
        for at in range(0, len(agents) - BULK + 1, BULK)
    ]
    return Target(address, requests, contains=re.compile(rb'"renewed": ?%d\b' % BULK))


@contextmanager
def _registry(workspace: Workspace, **settings: str) -> Iterator[tuple[int, Address, Leases]]:
    """Run the web server as in production, in token mode, with agents that do not expire."""
    environment = environment_for(workspace.folder, REGISTRY_AUTH="token", **settings)
    leases = _seed(workspace, environment)
    with web_server(workspace.folder, environment, workspace.web_processes) as (pid, address):
        yield pid, address, leases


def _seed(workspace: Workspace, environment: Mapping[str, str]) -> Leases:
    migrate(environment)
    file: Path = workspace.folder / "leases"
    subprocess.run(
        [sys.executable, "-m", "benchmarks.heartbeats.seeding", str(workspace.agents), file],
        env=dict(environment),
        cwd=PROJECT,
        check=True,
    )
    if url := environment.get("DATABASE_URL"):
        # So that neither happens during a round.
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
            connection.execute("CHECKPOINT")
    return [
        (agent_id, token)
        for agent_id, _, token in (line.partition(" ") for line in file.read_text().splitlines())
    ]
