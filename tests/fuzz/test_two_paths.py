"""The fast path and Django agree on nearly valid heartbeats, and differences are detected."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fuzz.fuzzing import PieceFuzzer, Turn
from tests.fuzz.own_registry import environment_of
from tests.fuzz.test_raw_http import FINE, GET, json_answer, server
from tests.fuzz.two_paths import TwoPaths, register
from tests.integration.registry_process import migrate
from tests.registry_project.server.registry_web import registry_web

SEED = 20_261
PROBLEM = b'{"status": 404, "title": "t", "detail": "d"}'


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[TwoPaths]:
    environment = environment_of(tmp_path)
    migrate(environment)
    without_fast_path = environment | {"FAST_HEARTBEATS": "off"}
    with (
        registry_web(tmp_path, environment, is_quiet=False) as fast,
        registry_web(tmp_path, without_fast_path, is_quiet=False) as slow,
    ):
        yield TwoPaths(fast.url, slow.url, register(fast.url))


@pytest.mark.integration
def test_the_fast_path_answers_any_input_as_django_does(paths: TwoPaths) -> None:
    fuzzer = PieceFuzzer(paths, SEED)

    fuzzer.take(Turn(inputs=600))

    assert fuzzer.failures == []
    assert {200, 400, 403, 404, 411, 413, 415, 422} <= paths.statuses.keys()
    assert paths.statuses[200] > 150, "too few inputs are valid heartbeats"


@pytest.mark.parametrize(
    "other",
    [
        json_answer("404 Not Found", PROBLEM),
        json_answer("200 OK", b"[]", "application/json"),
        json_answer("200 OK", b"{}", "text/plain"),
        FINE.replace(b"\r\n\r\n", b"\r\nRetry-After: 1\r\n\r\n"),
        b"",
    ],
)
def test_a_difference_is_a_failure(other: bytes) -> None:
    with server(FINE) as fast, server(other) as slow:
        assert "without it" in (TwoPaths(fast, slow, {}).check(GET) or "")


def test_different_times_are_no_difference() -> None:
    texts = [b'{"last_heartbeat": "%d"}' % number for number in (1, 2)]
    answers = [json_answer("200 OK", text, "application/json") for text in texts]
    with server(answers[0]) as fast, server(answers[1]) as slow:
        assert TwoPaths(fast, slow, {}).check(GET) is None
