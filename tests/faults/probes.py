"""Timed calls to the registry while a fault lasts, apart from those of the fleet."""

import itertools
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import httpx

from tests import plain_http
from tests.faults.bed import Bed
from tests.repeating import repeating

LONGEST_SECONDS = 60
PAUSE_SECONDS = 0.25
# Parallel callers for each call, so that both web servers are reached.
CALLERS = 3
READ = ("GET", "/agents?limit=1")
WRITE = ("POST", "/agents/register")
LIVE = ("GET", "/health/live")
# Time limits while the database is frozen: the default of DATABASE_TIMEOUT_SECONDS, plus some for a
# busy machine.
DATABASE_SECONDS = 10 + 2
LIVE_SECONDS = 2
FEWEST_CALLS = 10


@dataclass(frozen=True)
class Lease:
    generation: int
    token: str


def register(bed: Bed, agent_id: str) -> Lease:
    """Register an agent that sends no heartbeats of its own."""
    answer = _register(bed, agent_id).raise_for_status().json()
    return Lease(answer["generation"], answer["lease_token"])


def beat(bed: Bed, agent_id: str, lease: Lease) -> int:
    """Send a heartbeat with this lease; return the status."""
    return plain_http.post(
        f"{bed.url}/agents/{agent_id}/heartbeat",
        json={},
        headers={"Lease-Token": lease.token},
        timeout=LONGEST_SECONDS,
    ).status_code


def _register(bed: Bed, agent_id: str) -> httpx.Response:
    body = {
        "agent_id": agent_id,
        "ttl_seconds": bed.size.ttl,
        "host": "127.0.0.1",
        "port": 8000,
    }
    return plain_http.post(
        f"{bed.url}/agents/register", json=body, headers=bed.headers, timeout=LONGEST_SECONDS
    )


@dataclass(frozen=True)
class TimedCall:
    """`status` is 0 if there was no answer."""

    method: str
    path: str
    sent: float
    answered: float
    status: int

    @property
    def seconds(self) -> float:
        return self.answered - self.sent

    @property
    def needs_database(self) -> bool:
        return (self.method, self.path) != LIVE

    def __str__(self) -> str:
        return f"{self.method} {self.path}: {self.status} after {self.seconds:.1f} s"


@contextmanager
def watched_calls(bed: Bed) -> Iterator[list[TimedCall]]:
    """Call the registry without pause; the list is complete after the body."""
    calls: list[TimedCall] = []
    numbers = itertools.count(1)

    def call(method: str, path: str) -> None:
        calls.append(_timed(bed, method, path, f"caller-{next(numbers)}"))

    callers = [partial(call, *what) for what in (READ, WRITE, LIVE) * CALLERS]
    with repeating(*callers, pause=PAUSE_SECONDS):
        yield calls


def check_calls(calls: list[TimedCall], frozen: float, thawed: float) -> None:
    """Fail unless calls between these times got 503 in time, and liveness checks 200."""
    waiting = [call for call in calls if frozen < call.sent < thawed - DATABASE_SECONDS]
    late = [call for call in waiting if call.answered > thawed]
    assert not late, f"not answered before the database was back: {late[0]}"
    meanwhile = [call for call in calls if frozen < call.sent and call.answered < thawed]
    for needs_database, status, seconds in (
        (True, httpx.codes.SERVICE_UNAVAILABLE, DATABASE_SECONDS),
        (False, httpx.codes.OK, LIVE_SECONDS),
    ):
        answered = [call for call in meanwhile if call.needs_database is needs_database]
        assert len(answered) > FEWEST_CALLS, f"only {len(answered)} calls were answered"
        wrong = [call for call in answered if call.status != status or call.seconds > seconds]
        assert not wrong, f"{len(wrong)} of {len(answered)} calls went wrong: {wrong[0]}"


def _timed(bed: Bed, method: str, path: str, agent_id: str) -> TimedCall:
    sent = time.time()
    try:
        if (method, path) == WRITE:
            status = _register(bed, agent_id).status_code
        else:
            url = f"{bed.url}{path}"
            status = plain_http.get(url, headers=bed.headers, timeout=LONGEST_SECONDS).status_code
    except httpx.TransportError:
        status = 0
    return TimedCall(method, path, sent, time.time(), status)
