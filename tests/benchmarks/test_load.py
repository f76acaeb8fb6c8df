"""The load generator counts right answers, and no wrong ones among them."""

import itertools
import re
from collections.abc import Iterator

from benchmarks.heartbeats.load import Target, run, send_each
from benchmarks.wire.connection import Address
from benchmarks.wire.requests import request
from tests.benchmarks.scripted_server import scripted_server, sized

CLOSE = "Connection: close\r\n"


def requests_to(address: Address, count: int = 3) -> list[bytes]:
    return [request("POST", address, f"/{number}") for number in range(count)]


def test_right_answers_are_counted_with_their_latencies() -> None:
    with scripted_server(lambda _: (sized(200, b"ok"), False)) as (address, seen):
        load = run(Target(address, requests_to(address)), 2, 0.1)
    assert load.right == sum(seen) == len(load.latencies) > 2
    assert not load.wrong
    assert len(seen) == 2  # connections are kept
    assert 0.1 <= load.seconds < 5
    assert all(0 < latency < load.seconds for latency in load.latencies)


def test_an_unexpected_status_is_wrong() -> None:
    def script(number: int) -> tuple[bytes, bool]:
        return sized(503 if number in (2, 5) else 200), False

    with scripted_server(script) as (address, seen):
        load = run(Target(address, requests_to(address)), 1, 0.05)
    assert load.wrong == {"503": 2}
    assert load.right == sum(seen) - 2


def test_an_answer_without_the_expected_content_is_wrong() -> None:
    def script(number: int) -> tuple[bytes, bool]:
        return sized(200, b'{"renewed":%d}' % (499 if number == 3 else 500)), False

    with scripted_server(script) as (address, _):
        renewed = re.compile(rb'"renewed": ?500\b')
        load = send_each(Target(address, requests_to(address, 6), contains=renewed), 1)
    assert load.right == 5
    assert sum(load.wrong.values()) == 1


def test_requests_of_an_iterator_are_not_repeated() -> None:
    sent: list[int] = []

    def endless(address: Address) -> Iterator[bytes]:
        for number in itertools.count():
            sent.append(number)
            yield request("POST", address, f"/{number}")

    with scripted_server(lambda _: (sized(200), False)) as (address, seen):
        target = Target(address, endless(address))
        loads = [run(target, 2, 0.05) for _ in range(2)]
    assert sum(load.right for load in loads) == sum(seen) == len(sent)
    assert sent == list(range(len(sent)))


def test_each_request_is_sent_once() -> None:
    with scripted_server(lambda _: (sized(200), False)) as (address, seen):
        load = send_each(Target(address, requests_to(address, 10)), 3)
    assert load.right == sum(seen) == 10


def test_a_connection_closed_by_the_server_is_reopened() -> None:
    with scripted_server(lambda _: (sized(200, header=CLOSE), True)) as (address, seen):
        load = send_each(Target(address, requests_to(address, 4)), 1)
    assert load.right == 4
    assert seen == [1, 1, 1, 1]


def test_a_kept_connection_closed_during_a_request_is_no_error() -> None:
    def script(number: int) -> tuple[bytes, bool]:
        return (b"", True) if number == 2 else (sized(200), False)

    with scripted_server(script) as (address, seen):
        load = send_each(Target(address, requests_to(address)), 1)
    assert (load.right, dict(load.wrong)) == (3, {})
    assert seen == [2, 2]


def test_a_new_connection_closed_without_an_answer_is_an_error() -> None:
    with scripted_server(lambda _: (b"", True)) as (address, _):
        load = run(Target(address, requests_to(address)), 1, 0.1)
    assert load.wrong == {"closed without a response": 1}


def test_an_incomplete_answer_is_an_error() -> None:
    with scripted_server(lambda _: (sized(200, b"all of it")[:-3], True)) as (address, _):
        load = run(Target(address, requests_to(address)), 1, 0.1)
    assert load.wrong == {"closed in the middle of a response": 1}


def test_a_large_request_is_sent_completely() -> None:
    with scripted_server(lambda _: (sized(200), False)) as (address, _):
        # More than a socket accepts, and the server reads, at once.
        large = request("POST", address, "/", body=b"x" * 8_000_000)
        load = send_each(Target(address, [large]), 1)
    assert load.right == 1
