"""``make exports``: exports of a large fleet through the web server.

    DATABASE_URL=postgres://registry@127.0.0.1/postgres make exports AGENTS=100000

Uses a temporary database (SQLite without DATABASE_URL). Exports the list as CSV and JSON, at full
speed and with a pause in the middle. Prints the time to the first byte, to the first agent and to
the end, and the largest growth of the process's memory.

Exits with 1 if the first agent takes longer than 200 ms, or memory grows by 16 MB.
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
from benchmarks.temporary_database import temporary_database
from benchmarks.web import web_server
from benchmarks.wire.connection import Address

MEGABYTE = 1_000_000
MAX_FIRST_ROW_SECONDS = 0.2
MAX_GROWTH = 16 * MEGABYTE
# A pausing reader pauses once, after this many bytes, for this many seconds.
PAUSE_AFTER, PAUSE_SECONDS = 1 * MEGABYTE, 2.0
# The host of every sample agent.
AGENT = re.compile(rb"10\.0\.0\.7\b")


class Export(NamedTuple):
    """Times in seconds from the request; `size` and `growth` in bytes."""

    first_byte: float
    first_row: float
    seconds: float
    size: int
    agents: int
    growth: int

    @property
    def is_good(self) -> bool:
        return self.first_row <= MAX_FIRST_ROW_SECONDS and self.growth < MAX_GROWTH


def export(address: Address, pid: int, cookie: str, kind: str, *, pauses: bool = False) -> Export:
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
    [worker] = family([master]) - {master}
    return worker


def warm_up(address: Address, cookie: str) -> None:
    """Make small exports, so that one-time work does not count."""
    for kind in ("csv", "json"):
        with socket.create_connection(address, timeout=60) as client:
            client.sendall(
                f"GET /admin/agents/agentrecord/export/{kind}/?q=none HTTP/1.1\r\n"
                f"Host: localhost\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n".encode()
            )
            while client.recv(65_536):
                pass


def measure(address: Address, pid: int, cookie: str) -> bool:
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
    with temporary_database() as url, TemporaryDirectory(prefix="registry-benchmark-") as folder:
        from benchmarks import sample_agents  # noqa: PLC0415 - Django has to be set up first
        from benchmarks.front_page import log_in  # noqa: PLC0415

        sample_agents.fill(agents=options.agents, expired=options.agents // 1000)
        cookie = log_in()["Cookie"]
        environment = os.environ | {"DATABASE_URL": url, "SECRET_KEY": settings.SECRET_KEY}
        with web_server(Path(folder), environment) as (master, address):
            warm_up(address, cookie)
            is_good = measure(address, worker_of(master), cookie)
    sys.exit(not is_good)


if __name__ == "__main__":
    main()
