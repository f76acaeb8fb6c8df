"""oo-a2a-registry from PyPI. It keeps agents in memory; their heartbeat is the agent card."""

import itertools
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.cores import on_any_core
from benchmarks.heartbeats.contestants.contestant import (
    REGISTRATIONS,
    Contestant,
    HttpContestant,
    Workspace,
)
from benchmarks.heartbeats.contestants.environment import peers_python
from benchmarks.heartbeats.load import Target
from benchmarks.programs import LOCAL, running
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import json_request
from tests.integration.registry_process import free_port

PATH = "/.well-known/agents/heartbeat"
ACCEPTED = 202


@contextmanager
def a2a_registry(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    python = peers_python(workspace.environments)
    address = (LOCAL, free_port())
    program = "benchmarks.heartbeats.peers.a2a_server"
    argv = [str(python), "-m", program, str(address[1]), str(workspace.agents)]
    with running("a2a-registry", argv, port=address[1], folder=workspace.folder) as pid:
        heartbeats = [_heartbeat(address, number) for number in range(workspace.agents)]
        verified = re.compile(rb'"verified": ?true')
        target = Target(address, heartbeats, status=ACCEPTED, contains=verified)
        cards = (LOCAL, free_port())
        new = Target(address, _registrations(address, cards), status=ACCEPTED, contains=verified)
        with _card_server(python, workspace.folder, cards[1]):
            yield [
                HttpContestant(
                    "oo-a2a-registry-32", "oo-a2a-registry, in memory", [pid], target, 32
                ),
                HttpContestant(
                    "register-oo-a2a-registry-32",
                    "oo-a2a-registry, which fetches the agent's card",
                    [pid],
                    new,
                    32,
                    counts=REGISTRATIONS,
                ),
            ]


@contextmanager
def _card_server(python: Path, folder: Path, port: int) -> Iterator[None]:
    """Serve the cards of new agents. Its cost is that of the agents, so it is not measured."""
    argv = [str(python), "-m", "benchmarks.heartbeats.peers.card_server", str(port)]
    with on_any_core(), running("cards", argv, port=port, folder=folder):
        yield


def _heartbeat(address: Address, number: int) -> bytes:
    return _post(address, f"agent-{number}", f"http://agent-{number}:8080/jsonrpc")


def _registrations(address: Address, cards: Address) -> Iterator[bytes]:
    """Yield the first heartbeats of new agents, whose cards are at `cards`."""
    for number in itertools.count():
        name = f"new-{number}"
        yield _post(address, name, f"http://{cards[0]}:{cards[1]}/{name}")


def _post(address: Address, name: str, url: str) -> bytes:
    interface = {
        "url": url,
        "protocolBinding": "json-rpc/2.0",
        "protocolVersion": "1.0",
    }
    card = {"name": name, "supportedInterfaces": [interface], "version": "1.0.0"}
    return json_request("POST", address, PATH, {"agent_card": card, "interval": 60})
