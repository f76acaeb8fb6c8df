"""Sends heartbeats from another process while a benchmark measures something else.

`send_batches` renews many leases per statement without a pause, as a group commit does;
`send_requests` sends single heartbeats over HTTP at a fixed rate.
"""

import http.client
import json
import multiprocessing
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.synchronize import Event
from typing import Any
from urllib.parse import urlsplit

import psycopg

BATCH = 50
# In the order of the ids, so that two statements cannot deadlock.
POSTGRESQL_RENEWAL = (
    "UPDATE agents_agentrecord SET last_heartbeat = STATEMENT_TIMESTAMP()"
    " FROM UNNEST(%s::text[]) AS beats(id) WHERE agent_id = beats.id"
)
SQLITE_RENEWAL = (
    "UPDATE agents_agentrecord SET last_heartbeat = STRFTIME('%Y-%m-%d %H:%M:%f', 'NOW') || '000'"
    " WHERE agent_id IN (SELECT value FROM JSON_EACH(?))"
)

Timing = tuple[float, float]  # start, by time.monotonic(), and duration in seconds
Send = Callable[[], int]  # returns how many heartbeats failed
Renew = Callable[[list[str]], int]  # returns how many agents were renewed


@dataclass
class BackgroundHeartbeats:
    """The heartbeats of one process. `timings` is filled when the process has ended."""

    timings: list[Timing] = field(default_factory=list)
    lost: int = 0

    def between(self, begin: float, end: float) -> list[float]:
        """Return the sorted durations, in seconds, of those in flight between two times."""
        return sorted(took for at, took in self.timings if at < end and at + took > begin)


@contextmanager
def background_heartbeats(
    send: Callable[..., None], *arguments: Any
) -> Iterator[BackgroundHeartbeats]:
    spawn = multiprocessing.get_context("spawn")
    stop, results = spawn.Event(), spawn.SimpleQueue()
    process = spawn.Process(target=send, args=(*arguments, stop, results), daemon=True)
    process.start()
    found = BackgroundHeartbeats()
    try:
        yield found
    finally:
        stop.set()
        found.timings, found.lost = results.get()
        process.join()


def send_batches(database: str, ids: Sequence[str], stop: Event, results: Any) -> None:
    """Renew BATCH random `ids` per statement. `database`: a connection string or a path."""
    renew = _renewal_on_postgresql(database) if "=" in database else _renewal_on_sqlite(database)
    _time(lambda: BATCH - renew(sorted(random.sample(ids, BATCH))), stop, results)


def _renewal_on_postgresql(database: str) -> Renew:
    connection = psycopg.connect(database, autocommit=True)
    return lambda ids: connection.execute(POSTGRESQL_RENEWAL, [ids]).rowcount


def _renewal_on_sqlite(database: str) -> Renew:
    connection = sqlite3.connect(database, isolation_level=None, timeout=20)
    connection.execute("PRAGMA synchronous=FULL")
    return lambda ids: connection.execute(SQLITE_RENEWAL, [json.dumps(ids)]).rowcount


def send_requests(
    url: str, ids: Sequence[str], per_second: float, stop: Event, results: Any
) -> None:
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)

    def send() -> int:
        connection.request("POST", f"/agents/{random.choice(ids)}/heartbeat")
        response = connection.getresponse()
        response.read()
        return int(response.status != http.client.OK)

    _time(send, stop, results, interval=1 / per_second)


def _time(send: Send, stop: Event, results: Any, interval: float = 0) -> None:
    timings: list[Timing] = []
    lost = 0
    due = time.monotonic()
    while not stop.is_set():
        if interval:
            # Measured from the due time, so that waiting counts.
            due += interval
            time.sleep(max(0, due - time.monotonic()))
        else:
            due = time.monotonic()
        lost += send()
        timings.append((due, time.monotonic() - due))
    results.put((timings, lost))
