"""Measures a purge while heartbeats are sent."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from agents import leases
from agents.models import AgentEvent
from benchmarks.background_heartbeats import BackgroundHeartbeats
from benchmarks.latencies import percentile
from benchmarks.postgres_cost import Server

# Heartbeats before the purge: to warm the caches, then to compare with.
WARM_UP_SECONDS, BEFORE_SECONDS = 2.0, 3.0


@dataclass(frozen=True)
class MeasuredPurge:
    """`before` and `during`: sorted durations of heartbeats, in seconds."""

    purged: int
    events: int
    seconds: float
    usage: str
    lost: int
    before: list[float] = field(repr=False)
    during: list[float] = field(repr=False)

    @property
    def p99(self) -> float:
        return _percentile(self.during, 0.99)

    def report(self) -> str:
        return (
            f"{self.purged:,} purged in {self.seconds:.2f} s; {self.usage}\n"
            f"  before     {_percentiles(self.before)}\n"
            f"  during     {_percentiles(self.during)}"
        )


def measure_purge(heartbeats: AbstractContextManager[BackgroundHeartbeats]) -> MeasuredPurge:
    events_before = AgentEvent.objects.count()
    with heartbeats as sent:
        time.sleep(WARM_UP_SECONDS + BEFORE_SECONDS)
        meter = _Usage()
        begin = time.monotonic()
        purge = leases.purge_expired(batch_size=settings.SWEEP_BATCH_SIZE)
        end = time.monotonic()
        usage = meter.so_far()
    return MeasuredPurge(
        purged=purge.purged,
        events=AgentEvent.objects.count() - events_before,
        seconds=end - begin,
        usage=usage,
        lost=sent.lost,
        before=sent.between(begin - BEFORE_SECONDS, begin),
        during=sent.between(begin, end),
    )


class _Usage:
    def __init__(self) -> None:
        self._server = Server(connection) if connection.vendor == "postgresql" else None
        self._before = self._read()

    def so_far(self) -> str:
        ours, theirs, wal = (
            now - before for now, before in zip(self._read(), self._before, strict=True)
        )
        usage = f"{ours:.2f} s of processor in the sweep"
        if self._server is not None:
            usage += (
                f", {theirs:.2f} s in PostgreSQL, heartbeats included, {wal / 1e6:.0f} MB of WAL"
            )
        return usage

    def _read(self) -> tuple[float, float, float]:
        if self._server is None:
            return time.process_time(), 0, 0
        return time.process_time(), self._server.cpu_seconds(), self._server.wal_bytes()


def _percentiles(times: list[float]) -> str:
    p50, p99, worst = (1000 * _percentile(times, share) for share in (0.5, 0.99, 1))
    return f"{len(times):>6} sent   p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   max {worst:7.1f} ms"


def _percentile(times: list[float], share: float) -> float:
    return percentile(times, share) if times else float("nan")
