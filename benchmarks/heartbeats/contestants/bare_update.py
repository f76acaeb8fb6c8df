"""PostgreSQL's own share of a bulk call: one UPDATE of as many agents, over one connection."""

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from benchmarks.background_heartbeats import POSTGRESQL_RENEWAL
from benchmarks.heartbeats.contestants.contestant import Contestant
from benchmarks.heartbeats.load import Load


@dataclass(frozen=True)
class BareUpdate(Contestant):
    """`batches`: the ids of the agents of each UPDATE."""

    database: str
    batches: Sequence[Sequence[str]]

    def run(self, seconds: float) -> Load:
        load = Load()
        with psycopg.connect(self.database, autocommit=True) as connection:
            began = now = time.monotonic()
            for ids in itertools.cycle(self.batches):
                if now >= began + seconds:
                    break
                sent = now
                changed = connection.execute(POSTGRESQL_RENEWAL, [ids]).rowcount
                now = time.monotonic()
                if changed == len(ids):
                    load.right += 1
                    load.latencies.append(now - sent)
                else:
                    load.wrong[f"{changed} rows"] += 1
            load.seconds = now - began
        return load
