"""A closed-loop load generator: each connection sends the next request after a response."""

import itertools
import re
import time
from array import array
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from functools import partial

from benchmarks.wire.connection import Address
from benchmarks.wire.polling import Poller
from benchmarks.wire.pool import Pool, Response


@dataclass
class Load:
    """`right` and `wrong` count responses; `wrong` by what was wrong.

    `latencies` are seconds, in the order of the responses. `seconds`: from the first request to the
    last response.
    """

    right: int = 0
    wrong: Counter[str] = field(default_factory=Counter)
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    seconds: float = 0.0


@dataclass(frozen=True)
class Target:
    """`requests` are sent in turn, again and again if it is not an iterator.

    A response is right if it has the `status` and matches `contains`.
    """

    address: Address
    requests: Iterable[bytes]
    status: int = 200
    contains: re.Pattern[bytes] | None = None

    def in_turn(self) -> Iterator[bytes]:
        """Return an endless iterator of the requests."""
        if isinstance(self.requests, Iterator):
            return self.requests
        return itertools.cycle(self.requests)

    def is_right(self, response: Response) -> bool:
        if response.status != self.status:
            return False
        return self.contains is None or self.contains.search(response.content) is not None

    def description(self, response: Response) -> str:
        """Return what is wrong with a response that is not right."""
        if response.status == self.status and self.contains is not None:
            return f"{response.status} without {self.contains.pattern.decode()}"
        return str(response.status) if response.status else response.failure


def run(target: Target, connections: int, seconds: float) -> Load:
    load = Load()
    poller = Poller()
    pool = Pool(poller, target.address, connections)
    requests = target.in_turn()
    done: Callable[[Response], None]
    end = time.monotonic() + seconds

    def on_response(response: Response) -> None:
        if target.is_right(response):
            load.right += 1
            load.latencies.append(response.received - response.sent)
        else:
            load.wrong[target.description(response)] += 1
            if not response.status:  # the server is gone
                return
        if response.received < end:
            pool.send(next(requests), done)

    done = on_response
    began = time.monotonic()
    for _ in range(connections):
        poller.at(began, partial(pool.send, next(requests), done))
    poller.turn()
    while pool.outstanding:
        poller.turn()
    load.seconds = time.monotonic() - began
    pool.close()
    poller.close()
    return load


def send_each(target: Target, connections: int) -> Load:
    load = Load()
    poller = Poller()
    pool = Pool(poller, target.address, connections)

    def on_response(response: Response) -> None:
        if target.is_right(response):
            load.right += 1
        else:
            load.wrong[target.description(response)] += 1

    for request in target.requests:
        pool.send(request, on_response)
    while pool.outstanding:
        poller.turn()
    pool.close()
    poller.close()
    return load
