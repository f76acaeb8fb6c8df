"""``make connections``: what idle kept connections cost.

    make connections CONNECTIONS=10000 WORKERS=2

Starts web processes of the registry on SQLite, and sends a heartbeat over each connection. Prints
the memory per connection in a web process and in the kernel, and the CPU time of the processes
while all connections are idle. Then each connection sends another heartbeat: exits with 1 if the
server has closed any.
"""

import argparse
import socket
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks import memory, open_files
from benchmarks.cpu_time import cpu_seconds, family
from benchmarks.web import web_server
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import request
from benchmarks.wire.responses import says_close
from tests import plain_http
from tests.integration.registry_process import environment_for, migrate

# Opened before the first memory reading, so that one-time allocations do not count.
FIRST = 200
AT_ONCE = 100
IDLE_SECONDS = 10.0


class Clients:
    def __init__(self, stack: ExitStack, address: Address) -> None:
        self._stack = stack
        self._address = address
        self._sockets: list[socket.socket] = []
        agent = {"agent_id": "a", "host": "10.0.0.1", "port": 8_000, "ttl_seconds": 3_600}
        host, port = address
        plain_http.post(f"http://{host}:{port}/agents/register", json=agent).raise_for_status()
        self._heartbeat = request("POST", address, "/agents/a/heartbeat")

    def add(self, count: int) -> None:
        """Open connections, and send a heartbeat over each. Raises ConnectionError."""
        for at in range(0, count, AT_ONCE):
            opened = [
                self._stack.enter_context(socket.create_connection(self._address, timeout=60))
                for _ in range(min(AT_ONCE, count - at))
            ]
            self._sockets += opened
            if self._beat(opened):
                raise ConnectionError("the server has closed new connections")

    def beat_again(self) -> int:
        """Send a heartbeat over each connection; return how many the server had closed."""
        return sum(
            self._beat(self._sockets[at : at + AT_ONCE])
            for at in range(0, len(self._sockets), AT_ONCE)
        )

    def _beat(self, clients: Sequence[socket.socket]) -> int:
        """Return over how many connections there was no response that keeps them."""
        for client in clients:
            with suppress(ConnectionError):
                client.sendall(self._heartbeat)
        return sum(not _is_kept(client) for client in clients)


def _is_kept(client: socket.socket) -> bool:
    try:
        response = client.recv(65_536)
    except ConnectionError:
        return False
    return response.startswith(b"HTTP/1.1 200 ") and not says_close(response)


def _resident(workers: Iterable[int]) -> int:
    return sum(map(memory.resident, workers))


def _kernel_objects() -> int:
    """Return the bytes of all objects of the kernel, such as sockets."""
    lines = Path("/proc/meminfo").read_text().splitlines()
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Slab:"))


def measure(connections: int, workers: Sequence[int], clients: Clients) -> int:
    """Return how many connections the server closed."""
    clients.add(FIRST)
    ours, kernel = _resident(workers), _kernel_objects()
    clients.add(connections - FIRST)
    more = connections - FIRST
    ours, kernel = _resident(workers) - ours, _kernel_objects() - kernel
    print(f"{connections:,} idle connections to {len(workers)} web processes")
    print(f"{ours / more:,.0f} bytes of memory each in the web process")
    print(f"{kernel / more / 2:,.0f} bytes each in the kernel, the same at the client's end")
    used, began = cpu_seconds(workers), time.monotonic()
    time.sleep(IDLE_SECONDS)
    used = (cpu_seconds(workers) - used) / (time.monotonic() - began) / len(workers)
    print(f"{used:.2%} of a core for each web process while all are idle")
    closed = clients.beat_again()
    print(f"{closed:,} closed by the server")
    return closed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--connections", type=int, default=10_000)
    parser.add_argument("--workers", type=int, default=2, help="web processes")
    options = parser.parse_args()
    if options.connections <= FIRST:
        parser.error(f"--connections: more than {FIRST}, which are opened before it measures")
    open_files.allow_as_many_as_possible()
    with TemporaryDirectory(prefix="registry-benchmark-") as name, ExitStack() as stack:
        folder = Path(name)
        environment = environment_for(folder)
        migrate(environment)
        server = web_server(folder, environment, options.workers)
        master, address = stack.enter_context(server)
        clients = Clients(stack, address)
        workers = sorted(family([master]) - {master})
        closed = measure(options.connections, workers, clients)
    sys.exit(closed > 0)


if __name__ == "__main__":
    main()
