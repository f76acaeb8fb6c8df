"""This registry: its fast path, bulk call and DRF action, with each agent's lease token."""

import itertools
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from http import HTTPStatus
from pathlib import Path
from typing import TypeVar

import psycopg

from benchmarks.databases import running_postgresql
from benchmarks.heartbeats.contestants.bare_update import BareUpdate
from benchmarks.heartbeats.contestants.contestant import (
    REGISTRATIONS,
    Contestant,
    HttpContestant,
    Workspace,
)
from benchmarks.heartbeats.load import Target
from benchmarks.programs import PROJECT
from benchmarks.web import web_server
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import json_request, request
from tests.integration.registry_process import MANAGE, environment_for, migrate

BULK = 500
BULK_CONNECTIONS = 4

# Rates are counted as in production, but never reached.
UNLIMITED = {f"RATE_REGISTER_PER_{who}": "1000000/second" for who in ("TOKEN", "ADDRESS", "AGENT")}

T = TypeVar("T")
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
            HttpContestant(
                "bulk",
                f"bulk call of {BULK} agents, PostgreSQL",
                processes,
                _bulk(address, leases),
                BULK_CONNECTIONS,
                per_request=BULK,
            ),
            BareUpdate(
                "bare-update",
                f"PostgreSQL alone: an UPDATE of {BULK} agents",
                [pid],
                database,
                _batches([agent_id for agent_id, _ in leases]),
                per_request=BULK,
            ),
        ]


@contextmanager
def on_sqlite(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    # One process, as `start_registry` runs it.
    with _registry(replace(workspace, web_processes=1)) as (server, address, leases):
        yield _fast("fast-sqlite", "fast path, SQLite", address, leases, [server])


@contextmanager
def without_fast_path(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    settings = {"FAST_HEARTBEATS": "off"}
    with (
        running_postgresql(workspace.folder) as (database, pid),
        _registry(workspace, DATABASE_URL=database, **settings) as (server, address, leases),
    ):
        target = Target(address, _heartbeats(address, leases))
        yield [HttpContestant("drf-32", "DRF action, PostgreSQL", (server, pid), target, 32)]


@contextmanager
def registering(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    """Run a registry of its own, since its fleet grows with each registration."""
    with (
        running_postgresql(workspace.folder) as (database, pid),
        _registry(workspace, DATABASE_URL=database, **UNLIMITED) as (server, address, _),
    ):
        requests = _registrations(address, _access_token(workspace, database))
        target = Target(address, requests, status=HTTPStatus.CREATED)
        what = "POST /agents/register with an enrolment token, PostgreSQL"
        processes = (server, pid)
        yield [
            HttpContestant(f"register-{n}", what, processes, target, n, counts=REGISTRATIONS)
            for n in (32, 256)
        ]


def _access_token(workspace: Workspace, database: str) -> str:
    done = subprocess.run(
        [*MANAGE, "issue_token", "--quiet"],
        env=environment_for(workspace.folder, DATABASE_URL=database),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def _fast(
    name: str, what: str, address: Address, leases: Leases, processes: Sequence[int]
) -> list[Contestant]:
    target = Target(address, _heartbeats(address, leases))
    return [HttpContestant(f"{name}-{n}", what, processes, target, n) for n in (32, 256)]


def _heartbeats(address: Address, leases: Leases) -> list[bytes]:
    return [
        request("POST", address, f"/agents/{agent_id}/heartbeat", {"Lease-Token": token})
        for agent_id, token in leases
    ]


def _bulk(address: Address, leases: Leases) -> Target:
    agents = [{"agent_id": agent_id, "lease_token": token} for agent_id, token in leases]
    requests = [
        json_request("POST", address, "/agents/heartbeat", {"agents": batch})
        for batch in _batches(agents)
    ]
    return Target(address, requests, contains=re.compile(rb'"renewed": ?%d\b' % BULK))


def _batches(agents: Sequence[T]) -> list[Sequence[T]]:
    return [agents[at : at + BULK] for at in range(0, len(agents) - BULK + 1, BULK)]


def _registrations(address: Address, access_token: str) -> Iterator[bytes]:
    headers = {"Authorization": f"Bearer {access_token}"}
    for number in itertools.count():
        agent = {
            "agent_id": f"new-{number}",
            "agent_name": f"new-{number}",
            "host": "10.0.0.1",
            "port": 8000,
            "metadata": {"team": "bench"},
        }
        yield json_request("POST", address, "/agents/register", agent, headers)


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
