from typing import Any

import pytest
from django.db import connection

from agents.checks import check_auth, check_broker, check_numbers, check_registry_url


def ids(messages: Any) -> list[str]:
    return [message.id for message in messages]


@pytest.mark.parametrize(
    ("name", "values", "check_id"),
    [
        ("SWEEP_INTERVAL_SECONDS", [0, -5, 3601], "agents.E001"),
        ("SWEEP_BATCH_SIZE", [0, 100_001], "agents.E002"),
        ("EVENT_RETENTION_DAYS", [0, -1], "agents.E003"),
    ],
)
def test_numbers_out_of_range_are_told(
    settings: Any, name: str, values: list[int], check_id: str
) -> None:
    assert ids(check_numbers()) == []
    for value in values:
        setattr(settings, name, value)
        (message,) = check_numbers()
        assert message.id == check_id
        assert f"{name} is {value}" in message.msg


@pytest.mark.parametrize("url", ["", "registry:9000", "ftp://registry", "http://", "/agents"])
def test_a_registry_url_that_agents_cannot_reach_is_told(settings: Any, url: str) -> None:
    assert ids(check_registry_url()) == []
    settings.REGISTRY_URL = url
    assert ids(check_registry_url()) == ["agents.E004"]


@pytest.mark.parametrize("value", ["", "Open", "none"])
def test_an_unknown_kind_of_access_is_told(settings: Any, value: str) -> None:
    for known in ("open", "token"):
        settings.REGISTRY_AUTH = known
        assert ids(check_auth()) == []
    settings.REGISTRY_AUTH = value
    assert ids(check_auth()) == ["agents.E005"]


def test_a_broker_in_a_folder_is_told_where_a_database_may_serve_several_machines(
    settings: Any,
) -> None:
    settings.CELERY_BROKER_URL = "filesystem://"
    assert ids(check_broker()) == ([] if connection.vendor == "sqlite" else ["agents.W001"])

    settings.CELERY_BROKER_URL = "redis://redis:6379/0"
    assert ids(check_broker()) == []
