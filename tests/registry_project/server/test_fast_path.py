"""Heartbeats answered in the web server's event loop, mixed with other requests."""

import json
import re
import signal
import socket
import sqlite3
import struct
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from tests.processes import wait_until
from tests.registry_project.server.registry_web import (
    LIVE,
    Answer,
    RegistryWeb,
    heartbeat,
    last_heartbeat_of,
    prepared,
    registry_web,
    request,
)

BULK_LIMIT = 512 * 1024
GET = b"GET /agents/%s HTTP/1.1\r\nHost: registry.example\r\n\r\n"
# An answer's interval is a third of the TTL, so it shows which agent the answer is for.
TTLS = (30, 60, 90, 120, 150)
FAULT = """
from agents.heartbeats.fast_path import FastPath
whole = FastPath.take
def take(fast_path, request, *more, **options):
    if b"X-Fault" in request:
        raise RuntimeError("injected")
    return whole(fast_path, request, *more, **options)
FastPath.take = take
"""


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a registry on SQLite."""
    return prepared(tmp_path_factory.mktemp("registry"))


@pytest.fixture(scope="module")
def web(
    environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryWeb]:
    with registry_web(tmp_path_factory.mktemp("web"), environment) as web:
        for ttl in TTLS:
            web.register(f"ttl-{ttl}", ttl_seconds=ttl)
        yield web


@contextmanager
def writes_blocked(environment: dict[str, str]) -> Iterator[None]:
    """Block all commits to the SQLite database while the body runs."""
    path = Path(environment["REGISTRY_VAR_DIR"]) / "registry.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None)) as database:
        database.execute("BEGIN IMMEDIATE")
        yield


def ttl_of(answer: Answer) -> int:
    assert answer.status == 200, answer
    interval: float = json.loads(answer.body)["heartbeat_interval"]
    return round(interval * 3)


# --- One connection -------------------------------------------------------------------------


def test_pipelined_heartbeats_are_answered_in_order(web: RegistryWeb) -> None:
    ttls = [*TTLS, *reversed(TTLS)] * 20
    with web.connect() as client:
        client.send(b"".join(heartbeat(f"ttl-{ttl}") for ttl in ttls))
        assert [ttl_of(client.receive()) for _ in ttls] == ttls


def test_pipelined_heartbeats_and_other_requests_are_answered_in_order(
    web: RegistryWeb,
) -> None:
    many = json.dumps({"agents": [{"agent_id": "ttl-30"}, {"agent_id": "nobody"}]}).encode()
    with web.connect() as client:
        client.send(
            heartbeat("ttl-30")
            + GET % b"ttl-60"
            + heartbeat("nobody")
            + heartbeat(None, body=many)
            + heartbeat("ttl-90", "X-Odd: \xff")  # left to Django
            + GET % b"nobody"
            + heartbeat("ttl-120", body=b'{"load": 7}')
            + heartbeat("ttl-150", "Connection: close")
            + heartbeat("ttl-30")  # never read
        )
        assert ttl_of(client.receive()) == 30
        assert json.loads(client.receive().body)["agent_id"] == "ttl-60"
        assert client.receive().status == 404
        assert json.loads(client.receive().body)["unknown"] == ["nobody"]
        assert ttl_of(client.receive()) == 90
        assert [client.receive().status for _ in range(2)] == [404, 422]
        last = client.receive()
        assert ttl_of(last) == 150
        assert last.is_last
        assert client.is_closed()


def test_a_heartbeat_may_arrive_in_pieces(web: RegistryWeb) -> None:
    request = heartbeat("ttl-60", body=b'{"note": "in pieces"}')
    with web.connect() as client:
        client.send(*(request[place : place + 1] for place in range(len(request))))
        assert ttl_of(client.receive()) == 60
        client.send(request[:9], request[9:] + heartbeat("ttl-90")[:40], heartbeat("ttl-90")[40:])
        assert [ttl_of(client.receive()) for _ in range(2)] == [60, 90]
    assert web.agent("ttl-60")["note"] == "in pieces"


def test_a_client_may_send_more_requests_while_its_heartbeat_is_committed(
    web: RegistryWeb, environment: dict[str, str]
) -> None:
    next_one = heartbeat("ttl-90")
    with web.connect() as client:
        with writes_blocked(environment):
            client.send(heartbeat("ttl-30"), heartbeat("ttl-60"), next_one[:-1])
            assert web.exchange(LIVE).status == 200  # so the heartbeats have been read
            client.send(next_one[-1:], GET % b"nobody")
            assert web.exchange(LIVE).status == 200
        assert [ttl_of(client.receive()) for _ in range(3)] == [30, 60, 90]
        assert client.receive().status == 404


def test_thousands_of_pipelined_requests_are_answered(web: RegistryWeb) -> None:
    """None needs a commit, so each was answered inside the previous one, until the worker died."""
    nothing = heartbeat(None, body=b'{"agents": []}')
    before = web.workers()
    with web.connect() as client:
        client.send(nothing * 2_000)
        for _ in range(2_000):
            assert json.loads(client.receive().body)["renewed"] == 0
    assert web.workers() == before


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_the_connection_closes_if_the_client_asks_for_it(web: RegistryWeb, version: str) -> None:
    lines = [] if version == "1.0" else ["Connection: close"]
    with web.connect() as client:
        answer = client.exchange(heartbeat("ttl-60", *lines, version=version))
        assert ttl_of(answer) == 60
        assert answer.is_last
        assert client.is_closed()


def test_a_client_that_closes_its_sending_side_gets_its_answers(web: RegistryWeb) -> None:
    with web.connect() as client:
        client.send(heartbeat("ttl-60"), heartbeat("ttl-90"))
        client.socket.shutdown(socket.SHUT_WR)
        assert [ttl_of(client.receive()) for _ in range(2)] == [60, 90]
        assert client.is_closed()


def test_a_client_that_expects_100_continue_gets_it(web: RegistryWeb) -> None:
    body = b'{"note": "after 100"}'
    head = heartbeat("ttl-60", "Expect: 100-continue", body=body)[: -len(body)]
    with web.connect() as client:
        assert client.exchange(head).status == 100
        assert ttl_of(client.exchange(body)) == 60
    assert web.agent("ttl-60")["note"] == "after 100"


def test_an_idle_connection_is_closed_after_keepalive_seconds(
    environment: dict[str, str], tmp_path: Path
) -> None:
    short = environment | {"KEEPALIVE_SECONDS": "1"}
    with registry_web(tmp_path, short) as web, web.connect() as client:
        started = time.monotonic()
        assert client.exchange(heartbeat("nobody")).status == 404
        assert client.is_closed()
        assert time.monotonic() - started >= 1


# --- Bodies ---------------------------------------------------------------------------------


def test_a_bulk_heartbeat_may_be_large(web: RegistryWeb) -> None:
    leases = [{"agent_id": f"{number:0255}", "lease_token": "x" * 200} for number in range(1_000)]
    body = json.dumps({"agents": leases}).encode()
    fits = body + b" " * (BULK_LIMIT - len(body))

    assert len(json.loads(web.exchange(heartbeat(None, body=fits)).body)["refused"]) == 1_000
    answer = web.exchange(heartbeat(None, body=fits + b" "))
    assert (answer.status, answer.is_last) == (413, True)


@pytest.mark.parametrize("length", ["65537", "+0", "-1", "0x0", "", "1_0", "9" * 30])
def test_a_heartbeat_with_an_invalid_or_too_large_content_length_renews_nothing(
    web: RegistryWeb, length: str
) -> None:
    before = web.agent("ttl-150")["last_heartbeat"]

    with web.connect() as client:
        answer = client.exchange(heartbeat("ttl-150", f"Content-Length: {length}"))
        assert answer.status in {400, 413}
        assert answer.is_last
        assert client.is_closed()
    assert web.agent("ttl-150")["last_heartbeat"] == before


def chunked(request: bytes, size: int = 7) -> bytes:
    """Return a request with a chunked body, as Node's client sends it."""
    head, _, body = request.partition(b"\r\n\r\n")
    head = re.sub(rb"Content-Length: \d+", b"Transfer-Encoding: chunked", head)
    pieces = [body[at : at + size] for at in range(0, len(body), size)]
    return b"".join(
        [head, b"\r\n\r\n", *(b"%x\r\n%s\r\n" % (len(one), one) for one in pieces), b"0\r\n\r\n"]
    )


def test_a_chunked_body_is_accepted(web: RegistryWeb) -> None:
    agent = {"agent_id": "node", "host": "h", "port": 1}
    many = json.dumps({"agents": [{"agent_id": "ttl-30"}, {"agent_id": "nobody"}]}).encode()
    with web.connect() as client:
        client.send(
            chunked(request("POST", "/agents/register", body=json.dumps(agent).encode())),
            chunked(heartbeat("ttl-60", body=b'{"note": "in chunks"}')),
            chunked(heartbeat("ttl-90", "X-Odd: \xff", body=b'{"note": "by Django"}')),
            chunked(heartbeat(None, body=many)),
            chunked(heartbeat("ttl-120", body=b'{"load": 7}')),
        )
        assert client.receive().status == 201
        assert [ttl_of(client.receive()) for _ in range(2)] == [60, 90]
        assert json.loads(client.receive().body)["unknown"] == ["nobody"]
        assert client.receive().status == 422
    assert web.agent("ttl-60")["note"] == "in chunks"
    assert web.agent("ttl-90")["note"] == "by Django"


def test_a_chunked_body_has_the_same_size_limit(web: RegistryWeb) -> None:
    body = b'{"note": "x"}'
    fits = body + b" " * (64 * 1024 - len(body))
    assert ttl_of(web.exchange(chunked(heartbeat("ttl-60", body=fits), 5_000))) == 60
    for too_large in (
        chunked(heartbeat("ttl-60", body=fits + b" "), 5_000),
        chunked(heartbeat(None, body=b" " * (BULK_LIMIT + 1)), 5_000),
    ):
        answer = web.exchange(too_large)
        assert (answer.status, answer.is_last) == (413, True)


def test_a_heartbeat_with_content_length_and_transfer_encoding_is_refused(web: RegistryWeb) -> None:
    before = web.agent("ttl-150")["last_heartbeat"]
    in_chunks = chunked(heartbeat("ttl-150", body=b"{}"))
    for place in (b"Host:", b"Transfer-Encoding:"):
        answer = web.exchange(in_chunks.replace(place, b"Content-Length: 2\r\n" + place))
        assert (answer.status, answer.is_last) == (400, True)
    assert web.agent("ttl-150")["last_heartbeat"] == before


# --- Many connections -----------------------------------------------------------------------


def test_two_hundred_connections_are_served_at_once(web: RegistryWeb) -> None:
    with ExitStack() as stack:
        clients = [stack.enter_context(web.connect()) for _ in range(200)]
        for _ in range(3):
            for number, client in enumerate(clients):
                client.send(heartbeat(f"ttl-{TTLS[number % 5]}"))
            for number, client in enumerate(clients):
                assert ttl_of(client.receive()) == TTLS[number % 5]


def test_clients_that_vanish_before_their_answer_leave_no_open_file(
    web: RegistryWeb, environment: dict[str, str]
) -> None:
    [worker] = web.workers()

    def files() -> int:
        return len(list(Path(f"/proc/{worker}/fd").iterdir()))

    before = files()
    with writes_blocked(environment):
        for number in range(60):
            client = web.connect()
            client.send(heartbeat("ttl-60") * 3)
            if number % 2:  # a reset instead of an end
                option = struct.pack("ii", 1, 0)
                client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, option)
            client.socket.close()
        assert web.exchange(LIVE).status == 200
    assert ttl_of(web.exchange(heartbeat("ttl-60"))) == 60
    wait_until(lambda: files() <= before + 2, "the end of their connections")


def test_slow_clients_do_not_delay_other_heartbeats(web: RegistryWeb) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(web.connect()) for _ in range(60)]
        request = heartbeat("ttl-30", body=b'{"note": "slow"}')
        for place in range(40):
            for client in slow:
                client.send(request[place : place + 1])
            assert ttl_of(web.exchange(heartbeat("ttl-60"))) == 60
        for client in slow:
            client.send(request[40:])
        for client in slow:
            assert ttl_of(client.receive()) == 30


# --- Bugs -----------------------------------------------------------------------------------


def test_django_answers_if_the_fast_path_raises(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with registry_web(tmp_path, environment, injected=FAULT, is_quiet=False) as web:
        web.register("faulty")
        before = web.workers()
        with web.connect() as client:
            for _ in range(20):
                assert client.exchange(heartbeat("faulty", "X-Fault: x")).status == 200
                assert client.exchange(heartbeat("faulty")).status == 200
        assert web.workers() == before
        assert "RuntimeError: injected" in web.log.read_text()


# --- The end --------------------------------------------------------------------------------


def test_a_stop_commits_and_answers_accepted_heartbeats(
    environment: dict[str, str], tmp_path: Path
) -> None:
    with registry_web(tmp_path, environment) as web, ExitStack() as stack:
        for number in range(30):
            web.register(f"stopped-{number}")
        clients = [stack.enter_context(web.connect()) for _ in range(30)]
        idle = stack.enter_context(web.connect())
        with writes_blocked(environment):
            for number, client in enumerate(clients):
                client.send(heartbeat(f"stopped-{number}", body=b'{"note": "at the end"}'))
            assert web.exchange(LIVE).status == 200  # so all have been read
            web.process.send_signal(signal.SIGTERM)
            assert idle.is_closed()  # the server has begun to stop
        answers = [client.receive() for client in clients]
        assert web.process.wait(30) == 0

    assert [answer.status for answer in answers] == [200] * 30
    with registry_web(tmp_path, environment) as web:
        for number, answer in enumerate(answers):
            agent = web.agent(f"stopped-{number}")
            assert agent["note"] == "at the end"
            assert datetime.fromisoformat(agent["last_heartbeat"]) == last_heartbeat_of(answer)


def test_a_stop_leaves_no_request_unanswered(environment: dict[str, str], tmp_path: Path) -> None:
    """Clients that send heartbeats without pause get a last answer with `Connection: close`."""
    with registry_web(tmp_path, environment) as web:
        web.register("busy")
        ends: list[str] = []
        begun = threading.Barrier(9)

        def beat() -> None:
            with web.connect() as client:
                assert client.exchange(heartbeat("busy")).status == 200
                begun.wait()
                try:
                    while not client.exchange(heartbeat("busy")).is_last:
                        pass
                except (OSError, EOFError) as error:
                    ends.append(repr(error))
                else:
                    ends.append("last answer")

        threads = [threading.Thread(target=beat) for _ in range(8)]
        for thread in threads:
            thread.start()
        begun.wait()
        web.process.send_signal(signal.SIGTERM)
        for thread in threads:
            thread.join()
        assert web.process.wait(30) == 0
    assert ends == ["last answer"] * 8


# --- The same as Django's -------------------------------------------------------------------

PROXIED = [f"X-Forwarded-For: {hops}" for hops in ("1.2.3.4", "1.2.3.4, 5.6.7.8", "x", "::1, ::2")]
TIMES = {"last_heartbeat", "expires_at"}
SETTINGS = {
    "plain": {},
    "proxied": {"TRUSTED_PROXIES": "127.0.0.1", "HTTPS": "true"},
    "named": {
        "ALLOWED_HOSTS": "registry.example",
        "REGISTRY_AUTH": "token",
        "RATE_HEARTBEAT_PER_AGENT": "off",
    },
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS)
def test_the_fast_path_answers_exactly_as_django_does(
    environment: dict[str, str], tmp_path: Path, settings: dict[str, str], web: RegistryWeb
) -> None:
    token = web.register("same", ttl_seconds=45)["lease_token"]
    lease = f"Lease-Token: {token}"
    secure = [f"X-Forwarded-Proto: {words}" for words in ("https", "http", "https, http")]
    many = json.dumps({"agents": [{"agent_id": "same", "lease_token": token}]}).encode()
    requests = [
        heartbeat("same", *lines, body=body)
        for lines in [
            [],
            [lease],
            ["Lease-Token: 1.x"],
            [lease, "Cookie: a=b"],
            ["Cookie: a=b"],
            *([lease, PROXIED[0], scheme] for scheme in secure),
            *([lease, hops, secure[0]] for hops in PROXIED),
            *([lease, secure[0], f"Accept: {kind}"] for kind in ("text/html", "text/x", "*/*")),
        ]
        for body in (b"", b'{"status": "busy"}', b'{"load": 2}', b"{")
    ]
    requests += [heartbeat(None, secure[0], body=many), heartbeat(None, body=many)]
    requests += [heartbeat("same", lease).replace(b"registry.example", b"evil.example")]
    both = environment | settings
    with (
        # Django logs each disallowed host.
        registry_web(tmp_path, both, is_quiet=False) as fast,
        registry_web(tmp_path, both | {"FAST_HEARTBEATS": "off"}, is_quiet=False) as slow,
    ):
        for request in requests:
            answer = comparable(fast, request)
            assert answer == comparable(slow, request), request


def comparable(web: RegistryWeb, request: bytes) -> Any:
    """Return the parts of an answer that must be equal: everything but times."""
    answer = web.exchange(request)
    if b"<html" in answer.body:
        return answer.status, "a page"  # with tokens that change
    headers = {
        name: set(value.split("; ")) if "policy" in name else value
        for name, value in answer.headers.items()
        if name not in {"date", "content-length", "connection"}
    }
    body = json.loads(answer.body) if answer.body else {}
    content = {key: "a time" if key in TIMES else value for key, value in body.items()}
    return answer.status, headers, content


def test_the_address_of_a_heartbeat_is_taken_from_trusted_proxies_only(
    environment: dict[str, str], tmp_path: Path, web: RegistryWeb
) -> None:
    trusting = environment | {"TRUSTED_PROXIES": "127.0.0.1,10.0.0.0/8"}
    with registry_web(tmp_path, trusting) as trusting_web:
        for place, hops, seen in [
            (web, "1.2.3.4", "127.0.0.1"),
            (trusting_web, "1.2.3.4", "1.2.3.4"),
            (trusting_web, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
            (trusting_web, "6.6.6.6, ::6, 10.1.2.3", "::6"),
            (trusting_web, "nonsense", "127.0.0.1"),
            (trusting_web, "x" * 1_000, "127.0.0.1"),
        ]:
            assert place.exchange(heartbeat("ttl-60", f"X-Forwarded-For: {hops}")).status == 200
            assert web.agent("ttl-60")["seen_address"] == seen
