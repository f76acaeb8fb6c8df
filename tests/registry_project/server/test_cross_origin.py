"""Responses of the web server itself to websites in CORS_ALLOWED_ORIGINS."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.registry_project.server.registry_web import (
    Answer,
    RegistryWeb,
    heartbeat,
    prepared,
    registry_web,
    request,
)
from tests.registry_project.server.web_server import get, running_server, split

DASHBOARD = "https://dashboard.example"
ORIGIN = f"Origin: {DASHBOARD}"
ELSEWHERE = "Origin: https://elsewhere.example"
QUICK = "from registry_project.server import limits\nlimits.REQUEST_SECONDS = 0.5\n"


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryWeb]:
    folder = tmp_path_factory.mktemp("web")
    environment = prepared(
        folder, CORS_ALLOWED_ORIGINS=DASHBOARD, RATE_HEARTBEAT_PER_AGENT="1/hour"
    )
    with registry_web(folder, environment, injected=QUICK) as web:
        yield web


def is_readable(answer: Answer) -> bool:
    return answer.headers.get("access-control-allow-origin") == DASHBOARD


def test_a_heartbeat_is_readable(web: RegistryWeb) -> None:
    token = web.register("a")["lease_token"]

    answer = web.exchange(heartbeat("a", f"Lease-Token: {token}", ORIGIN))
    assert answer.status == 200
    assert is_readable(answer)

    answer = web.exchange(heartbeat("a", f"Lease-Token: {token}", ORIGIN))
    assert answer.status == 429
    assert is_readable(answer)


@pytest.mark.parametrize(("agent_id", "lines"), [("nowhere", []), ("elsewhere", [ELSEWHERE])])
def test_a_heartbeat_from_another_origin_is_not_readable(
    web: RegistryWeb, agent_id: str, lines: list[str]
) -> None:
    web.register(agent_id)

    answer = web.exchange(heartbeat(agent_id, *lines))

    assert answer.status == 200
    assert not is_readable(answer)
    assert "origin" in answer.headers["vary"].lower()


def test_a_bulk_heartbeat_is_readable(web: RegistryWeb) -> None:
    body = json.dumps({"agents": [{"agent_id": "nobody"}]}).encode()

    assert is_readable(web.exchange(heartbeat(None, ORIGIN, body=body)))


def test_the_last_bytes_of_a_body_that_is_too_large_are_not_awaited(web: RegistryWeb) -> None:
    answer = web.exchange(request("POST", "/agents/register", ORIGIN, "Content-Length: 70000"))

    assert answer.status == 413
    assert is_readable(answer)


REFUSED = {
    414: request("GET", "/agents?tag=" + "x" * 9_000, ORIGIN),
    431: request("GET", "/agents", ORIGIN, "X: " + "x" * 70_000),
    408: request("POST", "/agents/register", ORIGIN, "Content-Length: 2"),
    400: request("POST", "/agents/register", ORIGIN, "Transfer-Encoding: chunked") + b"x\r\n",
}


@pytest.mark.parametrize("status", REFUSED)
def test_a_refusal_by_the_web_server_is_readable(web: RegistryWeb, status: int) -> None:
    answer = web.exchange(REFUSED[status])
    assert answer.status == status
    assert is_readable(answer)
    assert "origin" in answer.headers["vary"].lower()

    elsewhere = web.exchange(REFUSED[status].replace(ORIGIN.encode(), ELSEWHERE.encode()))
    assert elsewhere.status == status
    assert not is_readable(elsewhere)
    assert elsewhere.headers["vary"] == "origin"


def test_an_origin_in_the_body_is_ignored(web: RegistryWeb) -> None:
    body = f"\r\n{ORIGIN}\r\n".encode()

    answer = web.exchange(request("GET", "/agents?tag=" + "x" * 9_000, body=body))

    assert answer.status == 414
    assert not is_readable(answer)


def test_a_refused_event_stream_is_readable(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    with (
        running_server(
            tmp_path_factory.mktemp("events"),
            ["env", f"CORS_ALLOWED_ORIGINS={DASHBOARD}"],
            application="tests.registry_project.server.event_application",
            configuration="limits.MAX_STREAMS_SHARE = 0.01\n",
        ) as server,
        ExitStack() as stack,
    ):
        client = stack.enter_context(server.connect())
        client.sendall(get("/events", ORIGIN))
        received = b""
        while b":\n\n" not in received:
            received += client.recv(65_536)

        head, _ = split(server.exchange(get("/events", ORIGIN)))

    assert head.startswith(b"http/1.1 503")
    assert re.search(rb"\r\naccess-control-allow-origin: https://dashboard.example(\r\n|$)", head)
