"""``make exports``: a large fleet exported through the web server.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres make exports AGENTS=100000

A database of its own is made beside the one of DATABASE_URL (else of SQLite), filled with agents,
and dropped at the end. An operator exports the list as CSV and as JSON, once as fast as possible,
and once with a pause in the middle. Printed are the milliseconds until the first byte and until the
first agent, the seconds until the end, and by how much the process's memory had grown at most.

Exits with 1 when the first agent comes later than 200 ms, or the memory grows by 16 MB.
"""

import argparse
import os
import re
import socket
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import django
from django.conf import settings

from benchmarks import memory
from benchmarks.cpu_time import family
from benchmarks.throwaway import throwaway_database
from benchmarks.web import web_server
from benchmarks.wire.connection import Address

MEGABYTE = 1_000_000
LONGEST_FIRST_ROW = 0.2
MOST_GROWTH = 16 * MEGABYTE
# A reader that pauses has read so much, and pauses for so many seconds.
PAUSE_AFTER, PAUSE_SECONDS = 1 * MEGABYTE, 2.0
# The host of each agent of a fleet.
AGENT = re.compile(rb"10\.0\.0\.7\b")


class Export(NamedTuple):
    """Seconds until the first byte, the first agent and the end; bytes; how many agents."""

    first_byte: float
    first_row: float
    seconds: float
    size: int
    agents: int
    growth: int

    @property
    def is_good(self) -> bool:
        return self.first_row <= LONGEST_FIRST_ROW and self.growth < MOST_GROWTH


def export(address: Address, pid: int, cookie: str, kind: str, *, pauses: bool = False) -> Export:
    """Export the whole list from a web process, as `kind` (csv or json), and read all of it."""
    before = memory.resident(pid)
    memory.forget_peak(pid)
    size = agents = 0
    first_byte = first_row = 0.0
    with socket.create_connection(address, timeout=60) as client:
        if pauses:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        started = time.monotonic()
        client.sendall(
            f"GET /admin/agents/agentrecord/export/{kind}/ HTTP/1.1\r\nHost: localhost\r\n"
            f"Cookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
        )
        rest = b""
        while data := client.recv(262_144):
            first_byte = first_byte or time.monotonic() - started
            size += len(data)
            rest += data
            found = [*AGENT.finditer(rest)]
            agents += len(found)
            if found:
                first_row = first_row or time.monotonic() - started
                rest = rest[found[-1].end() :]
            rest = rest[-9:]
            if pauses and size > PAUSE_AFTER:
                time.sleep(PAUSE_SECONDS)
                pauses = False
        seconds = time.monotonic() - started
    return Export(first_byte, first_row, seconds, size, agents, memory.peak(pid) - before)


def worker_of(master: int) -> int:
    """Return the one web process that gunicorn has started."""
    [worker] = family([master]) - {master}
    return worker


def warm_up(address: Address, cookie: str) -> None:
    """Have everything made that is made once for all exports."""
    for kind in ("csv", "json"):
        with socket.create_connection(address, timeout=60) as client:
            client.sendall(
                f"GET /admin/agents/agentrecord/export/{kind}/?q=none HTTP/1.1\r\n"
                f"Host: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
            )
            while client.recv(65_536):
                pass


def measure(address: Address, pid: int, cookie: str) -> bool:
    """Print a line for each export; return whether all are good."""
    print(f"{'':22} {'1st byte':>9} {'1st agent':>9} {'all':>8} {'size':>9} {'agents':>8} memory")
    all_good = True
    for kind in ("csv", "json"):
        for pauses in (False, True):
            seen = export(address, pid, cookie, kind, pauses=pauses)
            name = f"{kind}, read {'with a pause' if pauses else 'at once'}"
            print(
                f"{name:22} {seen.first_byte * 1000:6.0f} ms {seen.first_row * 1000:6.0f} ms"
                f" {seen.seconds:6.1f} s {seen.size / MEGABYTE:6.1f} MB {seen.agents:8,}"
                f" {seen.growth / MEGABYTE:+.1f} MB",
                flush=True,
            )
            all_good = all_good and seen.is_good
    return all_good


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, default=100_000)
    options = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    with throwaway_database() as url, TemporaryDirectory(prefix="registry-benchmark-") as folder:
        from benchmarks import fleets  # noqa: PLC0415 - Django has to be set up first
        from benchmarks.front_page import log_in  # noqa: PLC0415

        fleets.fill(agents=options.agents, expired=options.agents // 1000)
        cookie = log_in()["Cookie"]
        environment = os.environ | {"DATABASE_URL": url, "SECRET_KEY": settings.SECRET_KEY}
        with web_server(Path(folder), environment) as (master, address):
            warm_up(address, cookie)
            is_good = measure(address, worker_of(master), cookie)
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
