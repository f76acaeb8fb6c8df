"""The load generator: so many connections, each of which asks again as soon as it is answered."""

import itertools
import re
import time
from array import array
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial

from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Answer, Pool


@dataclass
class Load:
    """What came back. `seconds`: from the first request to the last answer.

    `wrong` has what was not as expected: statuses, contents, failures, and how often. `latencies`
    are seconds, in the order of the answers.
    """

    right: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: float = 0.0


@dataclass(frozen=True)
class Target:
    """Where to send what. `requests` are taken in turn, again and again.

    An answer is right when it has the `status`, and `contains` is found in it.
    """

    address: Address
    requests: Sequence[bytes]
    status: int = 200
    contains: re.Pattern[bytes] | None = None

    def is_right(self, answer: Answer) -> bool:
        if answer.status != self.status:
            return False
        return self.contains is None or self.contains.search(answer.content) is not None


def run(target: Target, connections: int, seconds: float) -> Load:
    """Load a server for so long, and wait for all answers."""
    load = Load()
    poller = Poller()
    pool = Pool(poller, target.address, connections)
    requests = itertools.cycle(target.requests)
    done: Callable[[Answer], None]
    end = time.monotonic() + seconds

    def answered(answer: Answer) -> None:
        if target.is_right(answer):
            load.right += 1
            load.latencies.append(answer.answered - answer.asked)
        else:
            load.wrong[_told(answer, target)] += 1
            if not answer.status:  # a server that is gone is not to be asked for ever
                return
        if answer.answered < end:
            pool.ask(next(requests), done)

    done = answered
    began = time.monotonic()
    for _ in range(connections):
        poller.at(began, partial(pool.ask, next(requests), done))
    poller.turn()
    while pool.outstanding:
        poller.turn()
    load.seconds = time.monotonic() - began
    pool.close()
    poller.close()
    return load


def ask_each(target: Target, connections: int) -> Load:
    """Send each of the requests once."""
    load = Load()
    poller = Poller()
    pool = Pool(poller, target.address, connections)

    def answered(answer: Answer) -> None:
        if target.is_right(answer):
            load.right += 1
        else:
            load.wrong[_told(answer, target)] += 1

    for request in target.requests:
        pool.ask(request, answered)
    while pool.outstanding:
        poller.turn()
    pool.close()
    poller.close()
    return load


def _told(answer: Answer, target: Target) -> str:
    if answer.status == target.status and target.contains is not None:
        return f"{answer.status} without {target.contains.pattern.decode()}"
    return str(answer.status) if answer.status else answer.failure
