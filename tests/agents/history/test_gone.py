"""Agents that are gone are found by what is known of them."""

import pytest
from django.db import connection

from agents import leases
from agents.history import gone
from agents.history.gone import find_gone, newest_gone
from tests.agents.passing_time import time_passes

pytestmark = pytest.mark.django_db


def register(agent_id: str, **more: str) -> None:
    leases.register(**{"agent_id": agent_id, "host": "node-1", "port": 8000, **more})  # type: ignore[arg-type]


def die(agent_id: str) -> None:
    time_passes(100)
    assert leases.purge_one(agent_id=agent_id, actor="sweep", reason="no heartbeat")


def found(text: str = "", limit: int = 10) -> list[str]:
    return [event.agent_id for event in find_gone(text, limit)]


@pytest.fixture
def fleet() -> None:
    """Of five agents, two died, one was stopped, one came back."""
    register("weather-1", agent_name="Forecasts")
    register("weather-2", host="EDGE-7.example")
    register("billing-1")
    register("billing-2")
    register("alive-1")
    die("weather-1")
    leases.deregister(agent_id="billing-1")
    leases.deregister(agent_id="billing-2")
    register("billing-2")
    die("weather-2")


@pytest.mark.usefixtures("fleet")
@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("", ["weather-2", "billing-1", "weather-1"]),
        ("weather", ["weather-2", "weather-1"]),
        ("THER-1", ["weather-1"]),
        ("forecast", ["weather-1"]),
        ("edge-7", ["weather-2"]),
        ("node-1", ["billing-1", "weather-1"]),
        ("billing-2", []),
        ("alive", []),
        ("%", []),
        ("\0", []),
        ("a" * 300, []),
    ],
)
def test_the_gone_are_found_by_id_name_and_host(text: str, agents: list[str]) -> None:
    assert found(text) == agents


@pytest.mark.usefixtures("fleet")
def test_at_most_as_many_are_found_as_wanted() -> None:
    assert found(limit=2) == ["weather-2", "billing-1"]


def test_an_agent_that_ended_twice_is_found_once_by_its_last_end() -> None:
    for version in ("1", "2"):
        register("a", version=version)
        leases.deregister(agent_id="a")

    [event] = find_gone("a", 10)

    assert event.record is not None
    assert event.record["version"] == "2"


@pytest.mark.usefixtures("fleet")
def test_only_the_newest_ends_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gone, "SEARCHED", 3)

    # One of the three came back.
    assert found() == ["weather-2", "billing-1"]


@pytest.mark.usefixtures("fleet")
def test_an_index_finds_the_newest_ends() -> None:
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL enable_seqscan = off")
    assert "event_ends" in newest_gone()[:5].explain()
