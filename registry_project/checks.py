"""System checks of how the registry is served."""

from typing import Any

from django.conf import settings
from django.core import checks

from agents.database.dialect import dialect
from registry_project.security.proxies import parse_proxies


@checks.register(deploy=True)
def check_trust(**_kwargs: Any) -> list[checks.CheckMessage]:
    networks, _ = parse_proxies(settings.TRUSTED_PROXIES)
    if all(network.prefixlen for network in networks):
        return []
    return [
        checks.Warning(
            "TRUSTED_PROXIES holds every address: anybody can claim to come from anywhere.",
            hint="Give the addresses of the proxies alone.",
            id="registry.W001",
        )
    ]


@checks.register(deploy=True)
def check_hosts(**_kwargs: Any) -> list[checks.CheckMessage]:
    if "*" not in settings.ALLOWED_HOSTS:
        return []
    return [
        checks.Warning(
            "The registry answers under any name.",
            hint="Set ALLOWED_HOSTS to the names by which agents and people reach it.",
            id="registry.W002",
        )
    ]


@checks.register(deploy=True)
def check_broker(**_kwargs: Any) -> list[checks.CheckMessage]:
    is_folder = settings.CELERY_BROKER_URL.startswith("filesystem")
    if not is_folder or dialect.is_local:
        return []
    return [
        checks.Warning(
            "The broker is a folder of this machine, but the database may serve several.",
            hint="Set CELERY_BROKER_URL=redis://HOST:6379/0 where more than one machine serves.",
            id="registry.W003",
        )
    ]
