"""oo-a2a-registry from PyPI. It keeps agents in memory; their heartbeat is the agent card."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.heartbeats.contestants.contestant import Contestant, Workspace
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
        yield [Contestant("oo-a2a-registry-32", "oo-a2a-registry, in memory", target, 32, [pid])]


def _heartbeat(address: Address, number: int) -> bytes:
    interface = {
        "url": f"http://agent-{number}:8080/jsonrpc",
        "protocolBinding": "json-rpc/2.0",
        "protocolVersion": "1.0",
    }
    card = {"name": f"agent-{number}", "supportedInterfaces": [interface], "version": "1.0.0"}
    return json_request("POST", address, PATH, {"agent_card": card, "interval": 60})
