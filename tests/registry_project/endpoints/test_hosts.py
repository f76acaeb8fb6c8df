"""Which Host headers the registry accepts."""

from typing import Any

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db

VALID = [
    "agent_registry:9110",
    "registry",
    "registry.example:443",
    "REGISTRY.example.",
    "10.0.0.1",
    "[::1]:9000",
    "[fe80::1%25eth0]:9000",
    "[fe80::1%eth0]",
]


@pytest.mark.parametrize("host", VALID)
def test_a_star_accepts_every_valid_host(client: Client, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    assert client.get("/agents", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize(
    "host", ["a b", "a/b", "a@b", "a?b", "<b>", "a:b:c", "[::1", "a:123456", ""]
)
def test_an_invalid_host_is_refused(client: Client, settings: Any, host: str) -> None:
    settings.ALLOWED_HOSTS = ["*"]

    answer = client.get("/agents", headers={"Host": host})

    assert answer.status_code == (400 if host else 200)  # HTTP/1.0 does not require one
    assert not host or f"The Host header {host!r} is not a host name." == answer.json()["detail"]


def test_a_host_that_is_not_allowed_is_named_together_with_the_setting(
    client: Client, settings: Any
) -> None:
    settings.ALLOWED_HOSTS = ["registry.example", "agent_registry", ".internal"]

    for host in ("registry.example:443", "agent_registry", "a.internal"):
        assert client.get("/agents", headers={"Host": host}).status_code == 200
    answer = client.get("/agents", headers={"Host": "other.example"})
    assert answer.status_code == 400
    assert "'other.example'" in answer.json()["detail"]
    assert "ALLOWED_HOSTS" in answer.json()["detail"]
    assert client.get("/health", headers={"Host": "other.example"}).status_code == 200
