"""System checks: settings that would make the registry wrong or useless are told at the start."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import connection

RANGES = {
    "SWEEP_INTERVAL_SECONDS": (1, 3600, "agents.E001"),
    "SWEEP_BATCH_SIZE": (1, 100_000, "agents.E002"),
    "EVENT_RETENTION_DAYS": (1, 36_500, "agents.E003"),
}


@checks.register()
def check_numbers(**_kwargs: Any) -> list[checks.CheckMessage]:
    messages: list[checks.CheckMessage] = []
    for name, (lowest, highest, check_id) in RANGES.items():
        value = getattr(settings, name)
        if not lowest <= value <= highest:
            messages.append(
                checks.Error(f"{name} is {value}; it must be {lowest} to {highest}.", id=check_id)
            )
    return messages


@checks.register()
def check_registry_url(**_kwargs: Any) -> list[checks.CheckMessage]:
    url = urlsplit(settings.REGISTRY_URL)
    if url.scheme in {"http", "https"} and url.hostname:
        return []
    return [
        checks.Error(
            f"REGISTRY_URL is {settings.REGISTRY_URL!r}; agents cannot reach that.",
            hint="Give the URL at which agents reach the registry, such as http://registry:9000",
            id="agents.E004",
        )
    ]


@checks.register(deploy=True)
def check_broker(**_kwargs: Any) -> list[checks.CheckMessage]:
    if not settings.CELERY_BROKER_URL.startswith("filesystem") or connection.vendor == "sqlite":
        return []
    return [
        checks.Warning(
            "The broker is a folder of this machine, but the database may serve several.",
            hint="Set CELERY_BROKER_URL=redis://HOST:6379/0 where more than one machine serves.",
            id="agents.W001",
        )
    ]
