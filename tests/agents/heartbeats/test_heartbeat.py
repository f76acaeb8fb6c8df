"""``POST /agents/{agent_id}/heartbeat`` and ``DELETE /agents/{agent_id}``."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from rest_framework.test import APIClient

from agents.models import AgentEvent, AgentRecord
from agents.tokens.lease import issue
from tests.agents.conftest import Register, both_paths

pytestmark = [pytest.mark.django_db, both_paths]

HEARTBEAT = "/agents/weather-1/heartbeat"


def token_header(token: str) -> dict[str, str]:
    return {"Lease-Token": token}


@pytest.mark.parametrize("path", [HEARTBEAT, HEARTBEAT + "/"])
def test_an_empty_heartbeat_renews_the_lease(api: APIClient, register: Register, path: str) -> None:
    register(ttl_seconds=60)
    AgentRecord.objects.update(last_heartbeat=F("last_heartbeat") - timedelta(seconds=59))

    answer = api.post(path)

    agent = AgentRecord.objects.get()
    body = answer.json()
    assert answer.status_code == 200
    assert body["status"] == "ok"
    assert body["heartbeat_interval"] == 20
    assert body["state"] == "active"
    assert datetime.fromisoformat(body["last_heartbeat"]) == agent.last_heartbeat
    assert datetime.fromisoformat(body["expires_at"]) == agent.expires_at
    assert agent.is_alive()


def test_a_heartbeat_may_carry_a_report(api: APIClient, register: Register) -> None:
    register()

    answer = api.post(HEARTBEAT, {"status": "busy", "load": 0.25, "note": "indexing"})

    agent = AgentRecord.objects.get()
    assert answer.status_code == 200
    assert (agent.status, agent.load, agent.note) == ("busy", 0.25, "indexing")


@pytest.mark.parametrize(
    ("report", "field"),
    [
        ({"status": "tired"}, "status"),
        ({"load": 1.01}, "load"),
        ({"load": -0.01}, "load"),
        ({"load": "nan"}, "load"),
        ({"load": "inf"}, "load"),
        ({"note": "x" * 257}, "note"),
        ({"note": "\0"}, "note"),
        ({"mood": "fine"}, "mood"),
        ([], "body"),
        ("ready", "body"),
        (None, "body"),
    ],
)
def test_a_bad_report_is_refused_and_renews_nothing(
    api: APIClient, register: Register, report: Any, field: str
) -> None:
    register()
    before = AgentRecord.objects.values().get()

    if report is None:  # as text: for the client None means no body
        answer = api.post(HEARTBEAT, "null", content_type="application/json")
    else:
        answer = api.post(HEARTBEAT, report)

    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {field}
    assert AgentRecord.objects.values().get() == before


def test_a_heartbeat_takes_one_statement(api: APIClient, register: Register) -> None:
    token = register()["lease_token"]

    with CaptureQueriesContext(connection) as queries:
        api.post(HEARTBEAT, headers=token_header(token))

    # On PostgreSQL the statement is prepared and bypasses Django's log.
    assert len(queries) == (1 if connection.vendor == "sqlite" else 0)


@pytest.mark.parametrize("agent_id", ["unknown", "a%00b", "%0a", "a%20b", "x" * 256])
def test_a_heartbeat_of_an_unknown_agent_is_404(api: APIClient, agent_id: str) -> None:
    answer = api.post(f"/agents/{agent_id}/heartbeat")

    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_the_token_of_the_newest_registration_renews_the_lease(
    api: APIClient, register: Register
) -> None:
    register()
    token = register()["lease_token"]

    assert api.post(HEARTBEAT, headers=token_header(token)).status_code == 200


def test_an_older_registrations_token_is_refused_with_409(
    api: APIClient, register: Register
) -> None:
    token = register()["lease_token"]
    register()
    before = AgentRecord.objects.values().get()

    answer = api.post(HEARTBEAT, {"status": "busy"}, headers=token_header(token))

    assert answer.status_code == 409
    assert "newer registration" in answer.json()["detail"]
    assert AgentRecord.objects.values().get() == before
    assert api.delete("/agents/weather-1", headers=token_header(token)).status_code == 409
    assert AgentEvent.objects.filter(kind="refused").count() == 1


@pytest.mark.parametrize(
    "change",
    [
        lambda _: "",
        lambda _: "garbage",
        lambda _: "1.",
        lambda _: "ü.ü",
        lambda token: token + "x",
        lambda token: "9" + token,
        lambda token: token.replace(".", ":"),
        lambda token: issue("another", int(token.partition(".")[0])),
    ],
)
def test_a_forged_or_altered_token_is_refused_with_403(
    api: APIClient, register: Register, change: Any
) -> None:
    token = change(register()["lease_token"])
    before = AgentRecord.objects.values().get()

    assert api.post(HEARTBEAT, headers=token_header(token)).status_code == 403
    assert api.delete("/agents/weather-1", headers=token_header(token)).status_code == 403
    assert AgentRecord.objects.values().get() == before


def test_the_token_of_an_id_that_begins_with_this_one_is_refused(
    api: APIClient, register: Register
) -> None:
    """The signed text "weather-1:x:GENERATION" could be split at either colon."""
    register()
    token = f"x:{register('weather-1:x')['lease_token']}"

    assert api.post(HEARTBEAT, headers=token_header(token)).status_code in {401, 403}


def test_tokens_stay_valid_while_the_old_secret_key_is_a_fallback(
    api: APIClient, register: Register, settings: Any
) -> None:
    token = register()["lease_token"]

    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another"
    assert api.post(HEARTBEAT, headers=token_header(token)).status_code == 200

    settings.SECRET_KEY_FALLBACKS = []
    assert api.post(HEARTBEAT, headers=token_header(token)).status_code == 403


@pytest.mark.parametrize("path", ["/agents/weather-1", "/agents/weather-1/"])
def test_deregistering_removes_the_agent_at_once(
    api: APIClient, register: Register, path: str
) -> None:
    token = register()["lease_token"]

    answer = api.delete(path, headers=token_header(token))

    assert answer.status_code == 200
    assert answer.json() == {"status": "deleted", "agent_id": "weather-1"}
    assert api.get(path).status_code == 404
    assert api.delete(path).status_code == 404
    assert api.post(HEARTBEAT).status_code == 404


@pytest.mark.parametrize("separator", [":", "."])
def test_the_token_of_an_id_with_a_colon_cannot_be_used_for_another_id(
    api: APIClient, register: Register, separator: str
) -> None:
    register("weather-1")
    _, _, signature = register("weather-1:4")["lease_token"].partition(".")
    generation = AgentRecord.objects.get(pk="weather-1:4").generation
    forged = f"4.{generation}{separator}{signature}"

    assert api.post(HEARTBEAT, headers=token_header(forged)).status_code == 403
    assert api.delete("/agents/weather-1", headers=token_header(forged)).status_code == 403
    assert AgentRecord.objects.filter(pk="weather-1").exists()


@pytest.mark.parametrize("generation", ["9999999999999999999", "9223372036854775808"])
def test_a_generation_beyond_64_bits_is_refused(
    api: APIClient, register: Register, generation: str
) -> None:
    register("weather-1")
    for token in (issue("weather-1", int(generation)), f"{generation}.1:x"):
        assert api.post(HEARTBEAT, headers=token_header(token)).status_code == 403
