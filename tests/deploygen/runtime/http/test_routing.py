"""HEAD requests and trailing slashes."""

from pathlib import Path

import pytest

from tests import plain_http
from tests.deploygen.runtime.running_agent import running_agent

PATHS = (
    "/",
    "/health",
    "/health/live",
    "/health/ready",
    "/schema",
    "/docs",
    "/openapi.json",
    "/.well-known/agent-card.json",
    "/status/unknown",
    "/nothing",
)


def test_head_has_the_status_and_headers_of_get(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        agent.wait_until_ready()
        for path in PATHS:
            head, get = agent.http.head(path), agent.http.get(path)
            assert (head.status_code, head.content) == (get.status_code, b""), path
            for name in ("content-type", "content-length", "etag"):
                assert head.headers.get(name) == get.headers.get(name), path
        assert agent.http.get("/health").is_success


@pytest.mark.parametrize("path", ["/run", "/a2a"])
def test_head_of_a_post_endpoint_is_405(tmp_path: Path, path: str) -> None:
    with running_agent(tmp_path) as agent:
        response = agent.http.head(path)
    assert (response.status_code, response.headers["allow"]) == (405, "POST")


def test_a_trailing_slash_makes_no_difference(tmp_path: Path) -> None:
    with running_agent(tmp_path) as agent:
        agent.wait_until_ready()
        response = agent.http.post("/run/", json={"text": "a"})
        assert (response.status_code, response.json()) == (200, {"echo": {"text": "a"}})
        for path in PATHS[1:]:
            assert agent.http.get(f"{path}/").status_code == agent.http.get(path).status_code, path
        card = plain_http.post(f"{agent.url}/a2a/", json={"jsonrpc": "2.0", "id": 1, "method": "x"})
        assert card.json()["error"]["code"] == -32601
