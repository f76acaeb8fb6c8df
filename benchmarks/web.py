"""Runs web processes of the registry, as in production."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.programs import LOCAL, running
from benchmarks.wire.connection import Address
from tests import plain_http
from tests.integration.registry_process import free_port

START_SECONDS = 60.0


@contextmanager
def web_server(
    folder: Path, environment: Mapping[str, str], processes: int = 1
) -> Iterator[tuple[int, Address]]:
    """Yield the id of the parent of its processes, and its address, once a process answers.

    `environment` has DATABASE_URL; logs go to `folder`.
    """
    port = free_port()
    argv = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config=python:registry_project.server.configuration",
        f"--workers={processes}",
        f"--bind={LOCAL}:{port}",
        "registry_project.wsgi",
    ]
    server = running("web", argv, port=port, folder=folder, environment=environment)
    with server as pid:
        # The parent listens before it has processes.
        plain_http.get(f"http://{LOCAL}:{port}/health/live", timeout=START_SECONDS)
        yield pid, (LOCAL, port)
