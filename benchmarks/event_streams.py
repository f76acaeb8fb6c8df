"""``make event-streams``: the cost of event streams in one web process.

    make event-streams STREAMS=1000

Runs the tests' event application under the registry's web server, connects the clients, and sends
each event to all of them. Prints the memory per stream, the CPU time per delivered event, and the
delay until the first and the last client have an event.
"""

import argparse
import os
import selectors
import socket
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import memory, open_files
from benchmarks.arrivals import arrivals
from benchmarks.cpu_time import cpu_seconds, family
from benchmarks.latencies import percentile
from benchmarks.programs import LOCAL, running
from tests import plain_http
from tests.integration.registry_process import free_port

APPLICATION = "tests.registry_project.server.event_application"
CONFIGURATION = """
from registry_project.server.configuration import *
worker_class = "registry_project.server.worker.Worker"
"""
WATCH = b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n"
SEND = b"GET /send?text=%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
# Opened before the first memory reading, so that one-time allocations do not count.
FIRST_STREAMS = 20
EVENTS = 50


class Watching:
    def __init__(self, stack: ExitStack, port: int) -> None:
        self._stack = stack
        self._port = port
        self._selector = stack.enter_context(selectors.DefaultSelector())
        self._sender = stack.enter_context(socket.create_connection((LOCAL, port), timeout=30))
        self.count = 0

    def add(self, count: int) -> None:
        for _ in range(count):
            client = self._stack.enter_context(
                socket.create_connection((LOCAL, self._port), timeout=30)
            )
            client.sendall(WATCH)
            received = b""
            while b":\n\n" not in received:
                received += client.recv(65_536)
            self._selector.register(client, selectors.EVENT_READ)
        self.count += count

    def arrivals(self, text: str) -> list[float]:
        """Send an event to all clients; return the sorted delays in seconds."""
        end = f"data: {text}\n\n".encode()
        started = time.monotonic()
        self._sender.sendall(SEND % text.encode())
        found = arrivals(self._selector, self.count, end, started)
        self._sender.recv(65_536)
        return found


def measure(streams: int, worker: int, watching: Watching) -> None:
    watching.add(FIRST_STREAMS)
    before = memory.resident(worker)
    watching.add(streams - FIRST_STREAMS)
    each = (memory.resident(worker) - before) / (streams - FIRST_STREAMS)
    print(f"{streams:,} streams, {each:,.0f} bytes of memory each")
    watching.arrivals("first")
    cpu = cpu_seconds([worker])
    seen = [watching.arrivals(str(number)) for number in range(EVENTS)]
    cpu = (cpu_seconds([worker]) - cpu) / EVENTS / streams
    firsts, lasts = (sorted(arrivals[place] for arrivals in seen) for place in (0, -1))
    print(f"{cpu * 1_000_000:.1f} microseconds of CPU per delivered event")
    for name, seconds in (("first", firsts), ("last", lasts)):
        middle, worst = statistics.median(seconds) * 1000, percentile(seconds, 0.99) * 1000
        print(f"an event reaches the {name} client in {middle:.1f} ms, at worst in {worst:.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--streams", type=int, default=1_000)
    options = parser.parse_args()
    open_files.allow_as_many_as_possible()
    port = free_port()
    with TemporaryDirectory(prefix="registry-benchmark-") as name, ExitStack() as stack:
        folder = Path(name)
        (folder / "web.py").write_text(CONFIGURATION)
        argv = [
            sys.executable,
            "-m",
            "gunicorn",
            f"--config={folder / 'web.py'}",
            "--workers=1",
            f"--bind={LOCAL}:{port}",
            APPLICATION,
        ]
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "registry_project.settings",
            "REGISTRY_VAR_DIR": str(folder / "var"),
        }
        master = stack.enter_context(
            running("web", argv, port=port, folder=folder, environment=environment)
        )
        plain_http.get(f"http://{LOCAL}:{port}/echo").raise_for_status()
        [worker] = family([master]) - {master}
        measure(options.streams, worker, Watching(stack, port))


if __name__ == "__main__":
    main()
