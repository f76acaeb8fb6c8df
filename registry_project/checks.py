"""System checks of how the registry is served, as `agents.checks` are of what it does."""

from typing import Any

from django.conf import settings
from django.core import checks

from registry_project.security.proxies import parse_proxies

# At least; of numbers that Django does not look at.
LOWEST = {
    "AXES_FAILURE_LIMIT": 1,
    "LOGIN_COOLOFF_MINUTES": 1,
    "DATABASE_TIMEOUT_SECONDS": 1,
    "SECURE_HSTS_SECONDS": 0,
    "TASK_DATABASE_TIMEOUT_SECONDS": 1,
}


@checks.register()
def check_numbers(**_kwargs: Any) -> list[checks.CheckMessage]:
    return [
        checks.Error(f"{name} is {value}; it must be at least {lowest}.", id="registry.E001")
        for name, lowest in LOWEST.items()
        if (value := getattr(settings, name)) < lowest
    ]


@checks.register()
def check_proxies(**_kwargs: Any) -> list[checks.CheckMessage]:
    try:
        parse_proxies(settings.TRUSTED_PROXIES)
    except ValueError as error:
        return [
            checks.Error(
                f"TRUSTED_PROXIES: {error}.",
                hint='Give networks such as 10.0.0.0/8, addresses, or "unix".',
                id="registry.E002",
            )
        ]
    return []


@checks.register(deploy=True)
def check_trust(**_kwargs: Any) -> list[checks.CheckMessage]:
    try:
        networks, _ = parse_proxies(settings.TRUSTED_PROXIES)
    except ValueError:  # told above
        return []
    if all(network.prefixlen for network in networks):
        return []
    return [
        checks.Warning(
            "TRUSTED_PROXIES holds every address: anybody can claim to come from anywhere.",
            hint="Give the addresses of the proxies alone.",
            id="registry.W001",
        )
    ]
