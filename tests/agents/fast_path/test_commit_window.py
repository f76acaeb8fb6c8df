"""A commit waits for more calls where they arrive, and never where nobody is left to send any."""

import random

from agents.fast_path.commit_window import ENOUGH_CALLS, SECONDS, CommitWindow

COMMIT = 0.002  # seconds that a commit takes


class Server:
    """A window in simulated time. `sizes`: the calls of each commit; `waits`: its seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self.window = CommitWindow(lambda: self.now)
        self.sizes: list[int] = []
        self.waits: list[float] = []

    def open_loop(self, arrivals: list[float]) -> None:
        """Serve calls that arrive at these times, answered or not."""
        pending = sorted(arrivals, reverse=True)
        waiting = 0
        while pending or waiting:
            if not waiting:
                self.now = max(self.now, pending[-1])
            waiting += self._arrive(pending, self.now)
            begun = self.now
            while left := self.window.left(waiting):
                until = min([self.now + left, *pending[-1:]])
                self.now = until
                waiting += self._arrive(pending, until)
            self.waits.append(self.now - begun)
            self.sizes.append(waiting)
            waiting = self._arrive(pending, self.now + COMMIT)
            self.now += COMMIT
            self.window.committed()

    def closed_loop(self, clients: int, commits: int) -> None:
        """Serve clients that send the next call when the last is answered."""
        for _ in range(commits):
            for _ in range(clients):
                self.window.arrived()
            begun = self.now
            while left := self.window.left(clients):
                self.now += left
            self.waits.append(self.now - begun)
            self.now += COMMIT
            self.window.committed()

    def _arrive(self, pending: list[float], until: float) -> int:
        count = 0
        while pending and pending[-1] <= until:
            pending.pop()
            self.window.arrived()
            count += 1
        return count


def at_rate(calls_per_second: float, seconds: float, start: float = 0.0) -> list[float]:
    source = random.Random(7)  # noqa: S311 - not for secrets
    arrivals, at = [], start
    while (at := at + source.expovariate(calls_per_second)) < start + seconds:
        arrivals.append(at)
    return arrivals


def test_clients_that_wait_for_their_answers_are_never_made_to_wait() -> None:
    server = Server()
    for clients in (1, 32, 256):
        server.closed_loop(clients, 1_000)

    assert not any(server.waits)


def test_rare_calls_do_not_wait() -> None:
    server = Server()
    server.open_loop([second / 10 for second in range(100)])

    assert not any(server.waits)


def test_calls_that_keep_arriving_share_commits() -> None:
    server = Server()
    server.open_loop(at_rate(500, seconds=10))

    assert sum(server.sizes) / len(server.sizes) > 4
    assert max(server.waits) <= SECONDS * 1.001


def test_a_commit_does_not_wait_once_enough_calls_are_there() -> None:
    server = Server()
    server.open_loop(at_rate(20_000, seconds=2))

    assert max(server.sizes) < ENOUGH_CALLS * 2
    assert sum(server.waits) / len(server.waits) < SECONDS / 2


def test_after_a_busy_time_a_lone_client_soon_waits_no_more() -> None:
    server = Server()
    server.open_loop(at_rate(500, seconds=10))
    server.waits.clear()
    server.closed_loop(1, 100)

    assert sum(1 for seconds in server.waits if seconds) < 15
    assert not any(server.waits[20:])
