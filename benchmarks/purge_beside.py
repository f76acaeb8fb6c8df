"""Measures a purge while heartbeats are sent."""

import time
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from django.conf import settings
from django.db import connection

from agents import leases
from agents.models import AgentEvent
from benchmarks.beating import Beating
from benchmarks.latencies import percentile
from benchmarks.postgres_cost import Server

# Heartbeats before the purge: to warm the caches, then to compare with.
WARM_UP_SECONDS, BEFORE_SECONDS = 2.0, 3.0


@dataclass(frozen=True)
class MeasuredPurge:
    """`before` and `meanwhile`: sorted durations of heartbeats, in seconds."""

    purged: int
    events: int
    seconds: float
    spent: str
    lost: int
    before: list[float] = field(repr=False)
    meanwhile: list[float] = field(repr=False)

    @property
    def p99(self) -> float:
        return _share(self.meanwhile, 0.99)

    def report(self) -> str:
        return (
            f"{self.purged:,} purged in {self.seconds:.2f} s; {self.spent}\n"
            f"  before     {_percentiles(self.before)}\n"
            f"  meanwhile  {_percentiles(self.meanwhile)}"
        )


def purge_beside(heartbeats: AbstractContextManager[Beating]) -> MeasuredPurge:
    already_told = AgentEvent.objects.count()
    with heartbeats as sent:
        time.sleep(WARM_UP_SECONDS + BEFORE_SECONDS)
        spent = _Spending()
        begin = time.monotonic()
        purge = leases.purge_expired(batch_size=settings.SWEEP_BATCH_SIZE)
        end = time.monotonic()
        in_words = spent.so_far()
    return MeasuredPurge(
        purged=purge.purged,
        events=AgentEvent.objects.count() - already_told,
        seconds=end - begin,
        spent=in_words,
        lost=sent.lost,
        before=sent.between(begin - BEFORE_SECONDS, begin),
        meanwhile=sent.between(begin, end),
    )


class _Spending:
    """CPU time and WAL since its creation."""

    def __init__(self) -> None:
        self._server = Server(connection) if connection.vendor == "postgresql" else None
        self._before = self._read()

    def so_far(self) -> str:
        ours, theirs, wal = (
            now - before for now, before in zip(self._read(), self._before, strict=True)
        )
        told = f"{ours:.2f} s of processor in the sweep"
        if self._server is not None:
            told += (
                f", {theirs:.2f} s in PostgreSQL, heartbeats included, {wal / 1e6:.0f} MB of WAL"
            )
        return told

    def _read(self) -> tuple[float, float, float]:
        if self._server is None:
            return time.process_time(), 0, 0
        return time.process_time(), self._server.cpu_seconds(), self._server.wal_bytes()


def _percentiles(times: list[float]) -> str:
    p50, p99, worst = (1000 * _share(times, share) for share in (0.5, 0.99, 1))
    return f"{len(times):>6} sent   p50 {p50:7.1f} ms   p99 {p99:7.1f} ms   max {worst:7.1f} ms"


def _share(times: list[float], share: float) -> float:
    return percentile(times, share) if times else float("nan")
