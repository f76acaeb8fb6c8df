"""``make watchers``: the cost of clients of ``GET /agents/watch`` in one web process.

    make watchers WATCHERS=1000

Runs the registry on a PostgreSQL of its own with 200 agents, and connects the watchers. Prints the
memory of each; the CPU time in a minute while nothing changes and while the agents only send
heartbeats; and how soon a registration reaches the first and the last of them, and at what cost.
"""

import argparse
import os
import selectors
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks import memory, open_files
from benchmarks.arrivals import arrivals
from benchmarks.cpu_time import cpu_seconds, family
from benchmarks.databases import running_postgresql
from benchmarks.latencies import percentile
from benchmarks.web import web_server
from benchmarks.wire.connection import Address
from tests import plain_http
from tests.registry_project.server.registry_web import prepared

AGENTS = 200
HEARTBEATS_PER_SECOND = 10  # TTLs of a minute
# Connected before the first memory reading, so that one-time allocations do not count.
FIRST = 20
CHANGES = 20
WATCH = (
    b"GET /agents/watch?since=%s HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n%s\r\n"
)


class Watchers:
    def __init__(self, stack: ExitStack, address: Address, cursor: bytes, token: str = "") -> None:
        self._stack = stack
        self._address = address
        authorization = f"Authorization: Bearer {token}\r\n" if token else ""
        self._request = WATCH % (cursor, authorization.encode())
        self._selector = stack.enter_context(selectors.DefaultSelector())
        self.count = 0

    def add(self, count: int) -> None:
        for _ in range(count):
            client = self._stack.enter_context(socket.create_connection(self._address, timeout=60))
            client.sendall(self._request)
            received = b""
            while b"BOOKMARK" not in received:
                received += client.recv(65_536)
            self._selector.register(client, selectors.EVENT_READ)
        self.count += count

    def arrivals(self, change: Callable[[], Any], text: bytes) -> list[float]:
        """Make a change; return the sorted seconds until each watcher has it."""
        started = time.monotonic()
        change()
        return arrivals(self._selector, self.count, text, started)


def measure(url: str, worker: int, watchers: Watchers, count: int, seconds: float) -> None:
    with plain_http.client(url) as client:
        watchers.add(FIRST)
        before = memory.resident(worker)
        watchers.add(count - FIRST)
        each = (memory.resident(worker) - before) / (count - FIRST)
        print(f"{count:,} watchers, {each:,.0f} bytes of memory each", flush=True)

        used = cpu_seconds([worker])
        time.sleep(seconds)
        idle = (cpu_seconds([worker]) - used) * 60 / seconds
        print(f"{idle:.2f} s of CPU a minute while nothing changes", flush=True)

        used, ends = cpu_seconds([worker]), time.monotonic() + seconds
        beats = 0
        while time.monotonic() < ends:
            client.post(f"/agents/agent-{beats % AGENTS}/heartbeat").raise_for_status()
            beats += 1
            time.sleep(1 / HEARTBEATS_PER_SECOND)
        busy = (cpu_seconds([worker]) - used) * 60 / seconds
        print(f"{busy:.2f} s of CPU a minute with {beats / seconds:.0f} heartbeats a second")

        used = cpu_seconds([worker])
        seen = []
        for number in range(CHANGES):
            change = partial(register, client, f"new-{number}")
            seen.append(watchers.arrivals(change, b'"new-%d"' % number))
        cost = (cpu_seconds([worker]) - used) / CHANGES / count
        print(f"{cost * 1_000_000:.0f} microseconds of CPU for each watcher of a change")
        for name, arrived in (("first", 0), ("last", -1)):
            delays = sorted(one[arrived] for one in seen)
            middle, worst = statistics.median(delays) * 1000, percentile(delays, 0.99) * 1000
            print(
                f"a change reaches the {name} watcher in {middle:.0f} ms, at worst {worst:.0f} ms"
            )


def register(client: Any, agent_id: str) -> None:
    agent = {"agent_id": agent_id, "host": "10.0.0.1", "port": 80, "ttl_seconds": 3600}
    client.post("/agents/register", json=agent).raise_for_status()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--watchers", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=60, help="for each reading of CPU time")
    options = parser.parse_args()
    open_files.allow_as_many_as_possible()
    with TemporaryDirectory(prefix="registry-benchmark-") as name, ExitStack() as stack:
        folder = Path(name)
        folder.chmod(0o755)  # PostgreSQL has a user of its own
        database, _ = stack.enter_context(running_postgresql(folder))
        environment = prepared(folder, DATABASE_URL=database)
        master, address = stack.enter_context(web_server(folder, os.environ | environment))
        url = f"http://{address[0]}:{address[1]}"
        with plain_http.client(url) as client:
            for number in range(AGENTS):
                register(client, f"agent-{number}")
            cursor = client.get("/agents?limit=1").headers["Registry-Cursor"]
        [worker] = family([master]) - {master}
        watchers = Watchers(stack, address, cursor.encode())
        measure(url, worker, watchers, options.watchers, options.seconds)


if __name__ == "__main__":
    main()
