"""etcd: lease keepalives over its HTTP gateway, with one node and default settings."""

import itertools
import json
import re
import shutil
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from benchmarks.heartbeats.contestants.contestant import (
    REGISTRATIONS,
    Contestant,
    HttpContestant,
    Workspace,
)
from benchmarks.heartbeats.load import Target, send_each
from benchmarks.programs import LOCAL, Missing, running
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import json_request
from tests.integration.registry_process import free_port

TTL_SECONDS = 86_400
GRANTING_CONNECTIONS = 64
# More requests than connections are between a grant and its put, so it has been granted by then.
GRANTS_AHEAD = 1_024


@contextmanager
def etcd(workspace: Workspace) -> Iterator[Sequence[Contestant]]:
    program = shutil.which("etcd")
    if program is None:
        raise Missing("etcd is not installed (Debian, Ubuntu: apt install etcd-server)")
    address = (LOCAL, free_port())
    client, peer = f"http://{LOCAL}:{address[1]}", f"http://{LOCAL}:{free_port()}"
    argv = [
        program,
        "--name=bench",
        f"--data-dir={workspace.folder / 'etcd'}",
        "--log-level=error",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
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
        yield [
            *(HttpContestant(f"etcd-{n}", what, [pid], target, n) for n in (32, 256)),
            HttpContestant(
                "register-etcd-256",
                "etcd, lease grant and put over HTTP",
                [pid],
                Target(address, _grants_and_puts(address, workspace.agents)),
                256,
                per_request=0.5,
                counts=REGISTRATIONS,
            ),
        ]


def _grant(address: Address, count: int) -> None:
    grants = [_lease_grant(address, number) for number in range(1, count + 1)]
    load = send_each(Target(address, grants), GRANTING_CONNECTIONS)
    if load.wrong:
        raise RuntimeError(f"etcd grants no leases: {dict(load.wrong)}")


def _lease_grant(address: Address, number: int) -> bytes:
    return json_request("POST", address, "/v3/lease/grant", {"TTL": TTL_SECONDS, "ID": str(number)})


def _grants_and_puts(address: Address, granted: int) -> Iterator[bytes]:
    """Register one agent after the other: grant it a lease, then put its record under that."""
    for number in itertools.count(granted + 1):
        yield _lease_grant(address, number)
        if number > granted + GRANTS_AHEAD:
            yield _put(address, number - GRANTS_AHEAD)


def _put(address: Address, number: int) -> bytes:
    record = {"agent_name": f"agent-{number}", "host": "10.0.0.1", "port": 8000}
    encoded = {
        "key": b64encode(f"agents/{number}".encode()).decode(),
        "value": b64encode(json.dumps(record).encode()).decode(),
    }
    return json_request("POST", address, "/v3/kv/put", {**encoded, "lease": str(number)})
