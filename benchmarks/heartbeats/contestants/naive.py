"""A naive implementation: a viewset that loads and saves an object, with gunicorn's defaults."""

import itertools
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http import HTTPStatus

from benchmarks.databases import running_postgresql
from benchmarks.heartbeats.contestants.contestant import (
    REGISTRATIONS,
    Contestant,
    HttpContestant,
    Workspace,
)
from benchmarks.heartbeats.load import Target
from benchmarks.programs import LOCAL, PROJECT, running
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import json_request, request
from tests.integration.registry_process import free_port

SETTINGS = "benchmarks.heartbeats.naive.settings"


@contextmanager
def naive(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    with running_postgresql(workspace.folder) as (database, database_pid):
        environment = os.environ | {
            "DATABASE_URL": database,
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "NAIVE_AGENTS": str(workspace.agents),
        }
        prepare = [sys.executable, "-m", "benchmarks.heartbeats.naive.prepare"]
        subprocess.run(prepare, env=environment, cwd=PROJECT, check=True)
        address = (LOCAL, free_port())
        argv = [
            sys.executable,
            "-m",
            "gunicorn",
            f"--workers={workspace.web_processes}",
            f"--bind={LOCAL}:{address[1]}",
            "--no-control-socket",
            "benchmarks.heartbeats.naive.wsgi",
        ]
        with running(
            "naive", argv, port=address[1], folder=workspace.folder, environment=environment
        ) as pid:
            requests = [
                request("POST", address, f"/agents/{number}/heartbeat/")
                for number in range(1, workspace.agents + 1)
            ]
            target = Target(address, requests)
            what = "a viewset with save(), gunicorn's sync worker, PostgreSQL"
            processes = (pid, database_pid)
            yield [
                HttpContestant("naive-32", what, processes, target, 32),
                HttpContestant(
                    "register-naive-256",
                    "the viewset's create()",
                    processes,
                    Target(address, _registrations(address), status=HTTPStatus.CREATED),
                    256,
                    counts=REGISTRATIONS,
                ),
            ]


def _registrations(address: Address) -> Iterator[bytes]:
    for number in itertools.count():
        agent = {
            "name": f"new-{number}",
            "host": "10.0.0.1",
            "port": 8000,
            "metadata": {"team": "bench"},
            "last_heartbeat": "2026-01-01T00:00:00Z",
        }
        yield json_request("POST", address, "/agents/", agent)
