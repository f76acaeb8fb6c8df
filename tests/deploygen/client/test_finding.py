"""Registry and AsyncRegistry: list, get and pick."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from deploygen.client import RegistryRefused, RegistryUnavailable
from tests.deploygen.client.either_registry import Async, Either, Sync
from tests.deploygen.client.scripted_lists import Reply, listed, problem, record, scripted


@pytest.fixture(params=[Sync(), Async()], ids=["sync", "async"])
def either(request: pytest.FixtureRequest) -> Either:
    client: Either = request.param
    return client


def test_a_list_has_all_pages(either: Either) -> None:
    first = listed(record("a"), Link='</agents?tag=x&limit=1000&cursor=Y3Vy>; rel="next"')
    with scripted(first, listed(record("b"))) as script:
        agents = either.call(f"{script.url}/below/", "list", tag="x")

    assert [agent.agent_id for agent in agents] == ["a", "b"]
    assert [call.path for call in script.calls] == ["/below/agents"] * 2
    assert [call.query for call in script.calls] == [
        {"tag": "x", "limit": "1000"},
        {"tag": "x", "limit": "1000", "cursor": "Y3Vy"},
    ]


def test_an_agent_has_types_and_what_this_version_does_not_know(either: Either) -> None:
    sent = record("a", host="::1", load=0.25, tags=["x"], novel={"yes": 1})
    with scripted(listed(sent)) as script:
        [agent] = either.call(script.url, "list")

    assert agent.last_heartbeat == datetime(2026, 11, 30, 10, 0, 0, 500_000, tzinfo=UTC)
    assert (agent.load, agent.tags, agent.url) == (0.25, ("x",), "http://[::1]:8000")
    assert agent.record["novel"] == {"yes": 1}


@pytest.mark.parametrize(
    ("filters", "query"),
    [
        ({"skill": ["a", "b"]}, [("skill", "a"), ("skill", "b")]),
        ({"include_dead": True}, [("include_dead", "true")]),
        (
            {"metadata": {"region": "eu", "gpu.count": 2, "spot": False}},
            [("meta.region", "eu"), ("meta.gpu.count", "2"), ("meta.spot", "false")],
        ),
    ],
)
def test_filters_are_parameters(filters: Any, query: list[tuple[str, str]]) -> None:
    from deploygen.client.discovery.filters import query_of  # noqa: PLC0415

    assert query_of(filters).multi_items() == query


def test_the_token_is_sent(either: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AGENT_REGISTRY_TOKEN", "art_secret")
    with scripted(listed()) as script:
        either.call(script.url, "list")

    assert script.calls[0].headers["authorization"] == "Bearer art_secret"


def test_picking_returns_an_agent_or_none(either: Either) -> None:
    with scripted(Reply(body=record("a")), problem(404)) as script:
        picked = either.call(script.url, "pick", exclude=["b", "c"], skill="x")
        none = either.call(script.url, "pick")

    assert (picked.agent_id, none) == ("a", None)
    assert script.calls[0].query == {"skill": "x", "exclude": "b,c"}


def test_getting_returns_an_agent_or_none(either: Either) -> None:
    with scripted(Reply(body=record("a:b")), problem(404)) as script:
        assert either.call(script.url, "get", "a:b").agent_id == "a:b"
        assert either.call(script.url, "get", "gone") is None

    assert [call.path for call in script.calls] == ["/agents/a:b", "/agents/gone"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (problem(401), RegistryRefused),
        (problem(422, "tag: no"), RegistryRefused),
        (problem(503, **{"Retry-After": "7"}), RegistryUnavailable),
        (problem(429), RegistryUnavailable),
        (Reply(404, b"<html>", "text/html"), RegistryUnavailable),
        (Reply(200, b"<html>", "text/html"), RegistryUnavailable),
        (Reply(body=[{"agent_id": "a"}]), RegistryUnavailable),
        (Reply(body={"agents": []}), RegistryUnavailable),
    ],
)
def test_what_is_no_list_is_an_error(either: Either, reply: Reply, error: type[Exception]) -> None:
    with scripted(reply) as script, pytest.raises(error):
        either.call(script.url, "list")


def test_a_404_that_is_not_the_registrys_is_not_believed(either: Either) -> None:
    with (
        scripted(Reply(404, b"not here", "text/plain")) as script,
        pytest.raises(RegistryUnavailable, match="not a response of a registry"),
    ):
        either.call(script.url, "get", "a")


def test_a_registry_that_is_away_is_unavailable(either: Either) -> None:
    with pytest.raises(RegistryUnavailable, match="no connection"):
        either.call("http://127.0.0.1:9", "list")


def test_without_a_url_it_says_what_to_set(either: Either, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AGENT_REGISTRY_URL", raising=False)
    with pytest.raises(ValueError, match="AGENT_REGISTRY_URL"):
        either.call("", "list")


def test_a_token_that_cannot_be_sent_is_an_error_that_does_not_show_it(
    either: Either, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "token"
    file.write_text("art_ä")
    monkeypatch.setenv("AGENT_REGISTRY_TOKEN_FILE", str(file))
    with pytest.raises(ValueError, match="not one line of ASCII") as caught:
        either.call("http://127.0.0.1:9", "list")
    assert "ä" not in str(caught.value)


def test_a_proxy_that_cannot_be_used_is_named(
    either: Either, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(RegistryUnavailable, match="HTTP_PROXY cannot be used"):
        either.call("http://registry.example", "list")
