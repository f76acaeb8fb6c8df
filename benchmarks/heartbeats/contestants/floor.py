"""The floor: ASGI servers with a trivial application, given the same requests."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.heartbeats.contestants.contestant import Contestant, HttpContestant, Workspace
from benchmarks.heartbeats.contestants.environment import peers_python
from benchmarks.heartbeats.load import Target
from benchmarks.programs import LOCAL, running
from benchmarks.wire.requests import request
from tests.integration.registry_process import free_port

APPLICATION = "benchmarks.heartbeats.peers.hello:application"
# As long as a real token.
HEADERS = {"Lease-Token": "1234567." + "x" * 43}
SERVERS = {
    "uvicorn": ("--no-access-log", "--log-level=warning", "--loop=uvloop", "--http=httptools"),
    "granian": ("--interface=asgi", "--no-access-log", "--log-level=warning"),
}


@contextmanager
def floor(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    python = peers_python(workspace.environments)
    with (
        _server(workspace, python, "uvicorn") as uvicorn,
        _server(workspace, python, "granian") as other,
    ):
        yield [uvicorn, other]


@contextmanager
def _server(workspace: Workspace, python: Path, name: str) -> Iterator[Contestant]:
    address = (LOCAL, free_port())
    argv = [
        str(python),
        "-m",
        name,
        *SERVERS[name],
        f"--workers={workspace.web_processes}",
        f"--port={address[1]}",
        f"--host={LOCAL}",
    ]
    with running(name, [*argv, APPLICATION], port=address[1], folder=workspace.folder) as pid:
        requests = [
            request("POST", address, f"/agents/bench-{number}/heartbeat", HEADERS)
            for number in range(1, workspace.agents + 1)
        ]
        target = Target(address, requests)
        yield HttpContestant(f"floor-{name}-32", f"{name} that says hello", [pid], target, 32)
