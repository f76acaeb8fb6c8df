"""Clients that send invalid requests; the error responses that they get are expected."""

import time
from collections.abc import Callable, Collection
from functools import partial

from benchmarks.fleet.agent import Agent, Phase
from benchmarks.fleet.fleet import Fleet
from benchmarks.wire.connection import Address, Connection
from benchmarks.wire.pool import Pool, Response
from benchmarks.wire.requests import JSON, request
from benchmarks.wire.responses import status_of

CONNECTIONS = 8
# A slow client sends its request in this many parts, this many seconds apart.
PARTS, PART_SECONDS = 10, 0.3
HALF_SECONDS = 1.0
FORGED = "1." + "A" * 43
BadRequest = tuple[bytes, Collection[int]]


class BadClients:
    def __init__(self, fleet: Fleet, address: Address) -> None:
        self._fleet = fleet
        self._address = address
        self._pool = Pool(fleet.poller, address, CONNECTIONS)
        self._is_running = True
        self._number = 0
        self._slow = 0
        self._kinds: dict[str, Callable[[Agent], BadRequest]] = {
            "a wrong lease token": self._wrong_token,
            "an unknown agent, without a token": self._unknown,
            "a body that is not JSON": self._garbage,
            "an unknown field": self._unknown_field,
            "a registration without required fields": self._empty_registration,
            "a wrong access token": self._wrong_access_token,
        }

    @property
    def outstanding(self) -> int:
        return self._pool.outstanding + self._slow

    def begin(self) -> None:
        rate = self._fleet.plan.bad * self._fleet.plan.agents / self._fleet.plan.interval
        if rate > 0:
            self._seconds = 1 / rate
            self._next()

    def stop(self) -> None:
        self._is_running = False

    def _next(self) -> None:
        if not self._is_running:
            return
        agent = self._fleet.random.choice(self._fleet.agents)
        if agent.phase is Phase.LIVING and not agent.is_busy:
            self._number += 1
            turn = self._number % (len(self._kinds) + 2)
            if turn < len(self._kinds):
                what, build = list(self._kinds.items())[turn]
                wrong, expected = build(agent)
                self._pool.send(wrong, partial(self._count, what, expected))
            elif turn == len(self._kinds):
                self._send_half(agent)
            else:
                self._send_slowly(agent)
        self._fleet.poller.after(self._seconds * self._fleet.random.uniform(0.5, 1.5), self._next)

    def _count(self, what: str, expected: Collection[int], response: Response) -> None:
        self._fleet.results.count_bad_client(what, response, expected)

    def _wrong_token(self, agent: Agent) -> BadRequest:
        return self._fleet.requests.heartbeat(agent.agent_id, FORGED), [403]

    def _unknown(self, agent: Agent) -> BadRequest:
        path = f"/agents/{agent.agent_id}-unknown/heartbeat"
        return request("POST", self._address, path), [401, 404]  # in token mode, in open mode

    def _garbage(self, agent: Agent) -> BadRequest:
        return self._fleet.requests.heartbeat(agent.agent_id, agent.token, b'{"load": '), [400]

    def _unknown_field(self, agent: Agent) -> BadRequest:
        body = b'{"colour": "red"}'
        return self._fleet.requests.heartbeat(agent.agent_id, agent.token, body), [422]

    def _empty_registration(self, _agent: Agent) -> BadRequest:
        token = self._fleet.plan.token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return request("POST", self._address, "/agents/register", JSON | headers, b"{}"), [422]

    def _wrong_access_token(self, _agent: Agent) -> BadRequest:
        headers = {"Authorization": "Bearer art_000000000000_" + "x" * 43}
        # 429: after some wrong tokens, the registry stops looking them up.
        return request("GET", self._address, "/agents?limit=1", headers), [401, 429]

    def _send_half(self, agent: Agent) -> None:
        def ended(_connection: Connection, _answer: bytes | None, why: str) -> None:
            self._fleet.results.errors[f"half a request: {why or 'was answered'}"] += 1

        connection = Connection(self._fleet.poller, self._address, ended)
        heartbeat = self._fleet.heartbeat_of(agent)
        connection.send(heartbeat[: len(heartbeat) // 2])
        self._fleet.results.bad_client_responses["half a request", 0] += 1
        self._fleet.poller.after(HALF_SECONDS, connection.close)

    def _send_slowly(self, agent: Agent) -> None:
        began = time.monotonic()
        what = "a slow client's heartbeat"
        # Invalid, so that it renews nothing: the simulator must know when each lease ends.
        wrong = self._fleet.requests.heartbeat(agent.agent_id, agent.token, b'{"colour": "red"}')

        def ended(connection: Connection, content: bytes | None, why: str) -> None:
            connection.close()
            self._slow -= 1
            status = status_of(content) if content else 0
            response = Response(status, content or b"", began, time.monotonic(), why)
            self._fleet.results.count_bad_client(what, response, [422])

        self._slow += 1
        size = len(wrong) // PARTS + 1
        parts = [wrong[at : at + size] for at in range(0, len(wrong), size)]
        connection = Connection(self._fleet.poller, self._address, ended)
        connection.send(parts[0])
        for number, part in enumerate(parts[1:], 1):
            self._fleet.poller.after(number * PART_SECONDS, partial(connection.send_more, part))
