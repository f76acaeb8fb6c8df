"""After a change of SECRET_KEY, old signatures are valid while the old key is a fallback."""

from typing import Any

import pytest
from django.core.signing import Signer
from rest_framework.test import APIClient

from agents.tokens import access as access_tokens
from tests.agents.conftest import Register, both_paths

pytestmark = pytest.mark.django_db

OLD = "the old key, which is long enough to be one"
NEW = "the new key, which is long enough to be one"


@pytest.fixture
def lease(settings: Any, register: Register) -> dict[str, str]:
    """The header of a lease that was signed with the old key."""
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = OLD, []
    return {"Lease-Token": register("a")["lease_token"]}


@pytest.fixture
def rotated(settings: Any) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, [OLD]


@pytest.mark.parametrize("auth", ["open", "token"])
@both_paths
def test_a_lease_signed_with_the_old_key_stays_valid(
    api: APIClient, settings: Any, lease: dict[str, str], rotated: None, auth: str
) -> None:
    settings.REGISTRY_AUTH = auth

    assert api.post("/agents/a/heartbeat", headers=lease).status_code == 200
    assert api.delete("/agents/a", headers=lease).status_code == 200


@pytest.mark.parametrize("key", [OLD, "a key that is longer than a block of SHA-256 " * 3])
def test_lease_tokens_have_the_signatures_of_django(
    settings: Any, register: Register, key: str
) -> None:
    settings.SECRET_KEY = key

    agent = register("a:-1")

    signature = Signer(key=key, salt="agents.lease").signature(f"a:-1:{agent['generation']}")
    assert agent["lease_token"] == f"{agent['generation']}.{signature}"


@both_paths
def test_new_tokens_are_signed_with_the_new_key(
    api: APIClient, settings: Any, lease: dict[str, str], rotated: None, register: Register
) -> None:
    renewed = {"Lease-Token": register("a")["lease_token"]}
    settings.SECRET_KEY_FALLBACKS = []

    assert api.post("/agents/a/heartbeat", headers=renewed).status_code == 200
    assert api.post("/agents/a/heartbeat", headers=lease).status_code == 403


@both_paths
def test_without_the_fallback_old_leases_are_refused_and_agents_can_register_again(
    api: APIClient, settings: Any
) -> None:
    settings.REGISTRY_AUTH, settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "token", OLD, []
    _, text = access_tokens.issue(name="t", actor="command")
    bearer = {"Authorization": f"Bearer {text}"}
    body = {"agent_id": "a", "host": "h", "port": 1}
    lease = api.post("/agents/register", body, headers=bearer).json()["lease_token"]
    settings.SECRET_KEY = NEW

    lost = api.post("/agents/a/heartbeat", headers={"Lease-Token": lease})
    assert lost.status_code == 403
    assert api.post("/agents/register", body, headers=bearer).status_code == 200


def test_an_unrelated_fallback_key_validates_nothing(
    api: APIClient, settings: Any, lease: dict[str, str]
) -> None:
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = NEW, ["another key of long ago"]

    assert api.post("/agents/a/heartbeat", headers=lease).status_code == 403
