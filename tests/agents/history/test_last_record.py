"""The event that ends an agent has its last record."""

import pytest

from agents import leases
from agents.history import feed
from agents.models import AgentEvent, AgentRecord
from tests.agents.passing_time import time_passes

pytestmark = pytest.mark.django_db
HOSTILE = "50 % \"quoted\" \\ 'single' {0} %s \u00fc \U0001f600"


def register() -> None:
    leases.register(
        agent_id="a",
        host="10.0.0.7",
        port=8000,
        agent_name=HOSTILE,
        version="1.2",
        tags=["gpu", HOSTILE],
        skills=["translate"],
        metadata={"region": "eu", HOSTILE: [1.5, None, {"deep": True}]},
        address="192.0.2.9",
    )
    leases.renew(agent_id="a", status="busy", load=0.1, note="on fire")


def purge() -> None:
    time_passes(100)
    assert leases.purge_one(agent_id="a", actor="admin:ada", reason="cleaning up")


def sweep() -> None:
    time_passes(100)
    assert leases.purge_expired(force=True).purged == 1


def deregister() -> None:
    leases.deregister(agent_id="a")


@pytest.mark.parametrize("end", [purge, sweep, deregister])
def test_an_agents_last_event_has_its_record(end) -> None:  # type: ignore[no-untyped-def]
    register()
    leases.set_state(agent_id="a", state="draining", actor="admin:ada")
    last = AgentRecord.objects.get()

    end()

    record = feed.last_record("a")
    assert record is not None
    for name in ("last_heartbeat", "registered_at"):
        assert record.pop(name)[:4] == str(getattr(last, name).year)  # type: ignore[attr-defined]
    assert record == {
        "agent_name": HOSTILE,
        "host": "10.0.0.7",
        "port": 8000,
        "version": "1.2",
        "tags": ["gpu", HOSTILE],
        "skills": ["translate"],
        "metadata": {"region": "eu", HOSTILE: [1.5, None, {"deep": True}]},
        "state": "draining",
        "status": "busy",
        "load": 0.1,
        "note": "on fire",
        "seen_address": "192.0.2.9",
        "ttl_seconds": 60,
    }
    kinds = AgentEvent.objects.filter(record__isnull=False).values_list("kind", flat=True)
    assert list(kinds) == ["deregistered" if end is deregister else "purged"]


def test_without_an_end_there_is_no_last_record() -> None:
    register()

    assert feed.last_record("a") is None
