"""etcd: lease keepalives over its HTTP gateway, with one node and default settings."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.heartbeats.contestants.contestant import Contestant, Workspace
from benchmarks.heartbeats.load import Target, send_each
from benchmarks.programs import LOCAL, Missing, running
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import json_request
from tests.integration.registry_process import free_port

TTL_SECONDS = 86_400
GRANTING_CONNECTIONS = 64


@contextmanager
def etcd(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    program = shutil.which("etcd")
    if program is None:
        raise Missing("etcd is not installed (Debian, Ubuntu: apt install etcd-server)")
    address = (LOCAL, free_port())
    client, peer = f"http://{LOCAL}:{address[1]}", f"http://{LOCAL}:{free_port()}"
    argv = [
        *(program, "--name=bench", f"--data-dir={workspace.folder / 'etcd'}", "--log-level=error"),
        *(f"--listen-client-urls={client}", f"--advertise-client-urls={client}"),
        *(f"--listen-peer-urls={peer}", f"--initial-advertise-peer-urls={peer}"),
        f"--initial-cluster=bench={peer}",
    ]
    with running("etcd", argv, port=address[1], folder=workspace.folder) as pid:
        _grant(address, workspace.agents)
        keepalives = [
            json_request("POST", address, "/v3/lease/keepalive", {"ID": str(number)})
            for number in range(1, workspace.agents + 1)
        ]
        # For an unknown lease etcd also responds with 200, but without a TTL.
        target = Target(address, keepalives, contains=re.compile(rb'"TTL":"\d+"'))
        what = "etcd, keepalive over HTTP"
        yield [Contestant(f"etcd-{n}", what, target, n, [pid]) for n in (32, 256)]


def _grant(address: Address, count: int) -> None:
    grants = [
        json_request("POST", address, "/v3/lease/grant", {"TTL": TTL_SECONDS, "ID": str(number)})
        for number in range(1, count + 1)
    ]
    load = send_each(Target(address, grants), GRANTING_CONNECTIONS)
    if load.wrong:
        raise RuntimeError(f"etcd grants no leases: {dict(load.wrong)}")
