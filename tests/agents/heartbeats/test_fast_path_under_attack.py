"""Hostile requests cost the fast path little, and a bug in it affects only one caller."""

import json
import time
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from pytest_django import Settings

from agents.fast_path.front import Front
from agents.fast_path.outcomes import Response
from agents.fast_path.responses import DjangoHeaders, Responses
from agents.heartbeats.calls import Call
from agents.heartbeats.fast_path import FastPath
from agents.heartbeats.group_commit import GroupCommit
from agents.models import AgentEvent
from agents.tokens.lease import issue
from registry_project.security.proxies import Trust
from tests.agents.fast_path.client import FastPathClient
from tests.coverage import unmeasured
from tests.factories import AgentFactory

pytestmark = pytest.mark.django_db(transaction=True)


def heartbeat(agent_id: str = "a", *lines: str, body: bytes = b"") -> bytes:
    head = "".join(f"{line}\r\n" for line in ("Host: x", f"Content-Length: {len(body)}", *lines))
    return f"POST /agents/{agent_id}/heartbeat HTTP/1.1\r\n{head}\r\n".encode() + body


@contextmanager
def grows_by_at_most(mebibytes: float) -> Iterator[None]:
    tracemalloc.start()
    try:
        with unmeasured():
            before, _ = tracemalloc.get_traced_memory()
            yield
            after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < mebibytes * 1024 * 1024


@pytest.mark.parametrize(
    "line",
    [
        lambda number: f"X-Forwarded-For: 10.{number % 250}.1.1, {number:03500}",
        lambda number: f"X-Forwarded-Proto: {number:03500}",
        lambda number: f"Cookie: {number:03500}",
        lambda number: f"Accept: application/json, {number:03500}",
    ],
)
def test_varying_headers_do_not_fill_the_memory(
    line: Callable[[int], str], settings: Settings
) -> None:
    settings.TRUSTED_PROXIES = ["10.0.0.0/8"]
    fast_path = FastPath(GroupCommit(lambda _: None), Front(Trust().client_of))
    fast_path.take(heartbeat(), "10.0.0.1", None)  # loads what it needs
    with grows_by_at_most(24):
        for number in range(6_000):
            # With a wrong token no call is left waiting.
            fast_path.take(heartbeat("a", "Lease-Token: 1.x", line(number)), "10.0.0.1", None)


def test_varying_bodies_do_not_fill_the_memory() -> None:
    fast_path = FastPath(GroupCommit(lambda _: None), Front(Trust().client_of))
    fast_path.take(heartbeat(), "10.0.0.1", None)  # loads what it needs
    with grows_by_at_most(4):
        for number in range(3_000):
            body = json.dumps({"note": f"{number:03000}"}).encode()
            lines = "Content-Type: application/json", "Lease-Token: 1.x"
            fast_path.take(heartbeat("a", *lines, body=body), "10.0.0.1", None)


@pytest.mark.parametrize("auth", ["open", "token"])
@pytest.mark.parametrize("has_token", [True, False])
def test_djangos_headers_are_computed_once(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, auth: str, has_token: bool
) -> None:
    settings.REGISTRY_AUTH = auth
    headers = DjangoHeaders()
    learnt = headers.get("http", "x", has_token=has_token)
    monkeypatch.setattr(WSGIHandler, "get_response", None)  # any further call would fail

    assert headers.get("http", "x", has_token=has_token) == learnt
    assert b"X-Content-Type-Options: nosniff\r\n" in learnt
    assert b"WWW-Authenticate" not in learnt


def test_an_error_of_django_while_its_headers_are_computed_is_not_cached(
    settings: Settings,
) -> None:
    AgentFactory.create(agent_id="a")
    settings.MIDDLEWARE = [f"{__name__}.FailsOnce", *settings.MIDDLEWARE]
    fast_path = FastPathClient()

    first, second = fast_path.send(heartbeat()), fast_path.send(heartbeat())

    assert isinstance(first, bytes)
    assert isinstance(second, bytes)
    assert second.startswith(b"HTTP/1.1 200 ")
    assert b"X-Fault" not in second


class FailsOnce:
    """Middleware that fails for the first request."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._has_failed = False

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        if self._has_failed:
            return self._get_response(request)
        self._has_failed = True
        return HttpResponse(status=503, headers={"X-Fault": "planted"})


def test_a_bug_while_answering_affects_only_one_caller(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    AgentFactory.create(agent_id="a", ttl_seconds=66)
    AgentFactory.create(agent_id="b", ttl_seconds=77)
    whole = Responses.ok

    def ok(answers: Responses, body: Any, headers: bytes, *, keeps_open: bool) -> bytes:
        if body["heartbeat_interval"] == 22:
            raise RuntimeError("planted")
        return whole(answers, body, headers, keeps_open=keeps_open)

    monkeypatch.setattr(Responses, "ok", ok)
    delivered: list[Call] = []
    commits = GroupCommit(delivered.extend)
    fast_path = FastPath(commits, Front(Trust().client_of))
    for agent_id in ("a", "b"):
        assert fast_path.take(heartbeat(agent_id), "127.0.0.1", agent_id) is True
    commits.commit_waiting()

    [first, second] = fast_path.responses(delivered)

    assert isinstance(first, Response)
    assert isinstance(second, Response)
    assert (first.caller, first.content[:13]) == ("a", b"HTTP/1.1 500 ")
    assert first.content.endswith(b"Content-Length: 0\r\n\r\n")
    assert (second.caller, second.content[:13]) == ("b", b"HTTP/1.1 200 ")
    assert caplog.text.count("could not be answered") == 1


@pytest.mark.parametrize(
    "request_",
    [
        heartbeat(body=b'{"status":[]}'),
        heartbeat(body=b'{"status":{}}'),
        heartbeat(body=b'{"load":1e999}'),
        heartbeat(body=b'{"load":' + b"9" * 5_000 + b"}"),
        heartbeat(body=b"[" * 60_000),
        heartbeat(body=b'{"note":"\\ud800"}'),
        heartbeat(body=b'{"note":"\\u0000"}'),
        heartbeat(body=b"\xff"),
        heartbeat("a", "Lease-Token: " + "9" * 3_000),
        heartbeat("a", "Lease-Token: 9223372036854775808.x"),
        heartbeat("a", "Host: [::1"),
        heartbeat("a", "X-Forwarded-For: ,,, [::1, %"),
        heartbeat().replace(b"a/heartbeat", b"heartbeat"),
    ],
)
def test_no_request_makes_the_fast_path_raise(request_: bytes) -> None:
    fast_path = FastPath(GroupCommit(lambda _: None), Front(Trust().client_of))

    assert isinstance(fast_path.take(request_, "127.0.0.1", None), bool | Response)
    bulk = request_.replace(b"/a/heartbeat", b"/heartbeat")
    assert isinstance(fast_path.take(bulk, "", None), bool | Response)


def test_a_flood_of_refusals_logs_nothing_and_records_one_event(
    caplog: pytest.LogCaptureFixture,
) -> None:
    AgentFactory.create(agent_id="a", generation=2)
    client = FastPathClient()
    for _ in range(50):
        for agent_id, generation in (("a", 1), ("nobody", 1), ("a", 2)):
            client.send(heartbeat(agent_id, f"Lease-Token: {issue(agent_id, generation)}"))

    assert client.taken == [True] * 150
    assert caplog.records == []
    assert AgentEvent.objects.count() == 1


def test_a_refusal_under_overload_is_cheap() -> None:
    """Refusing a request beyond the capacity has to be cheaper than serving it."""
    commits = GroupCommit(lambda _: None)
    commits._calls._seconds_each = 1e9
    fast_path = FastPath(commits, Front(Trust().client_of))
    assert fast_path.take(heartbeat(), "127.0.0.1", None) is True
    assert isinstance(fast_path.take(heartbeat(), "127.0.0.1", None), Response)
    started = time.process_time()
    for _ in range(300):
        fast_path.take(heartbeat(), "127.0.0.1", None)
    assert (time.process_time() - started) / 300 < 0.002  # seconds; 0.0002 when idle
