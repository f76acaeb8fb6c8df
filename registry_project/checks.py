from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.db import connection

from agents.database.dialect import dialect
from registry_project.security.proxies import parse_proxies


@checks.register(deploy=True)
def check_deployment(**_kwargs: Any) -> list[checks.CheckMessage]:
    return list(_warnings())


def _warnings() -> Iterator[checks.Warning]:
    networks, _ = parse_proxies(settings.TRUSTED_PROXIES)
    if not all(network.prefixlen for network in networks):
        yield checks.Warning(
            "TRUSTED_PROXIES contains all addresses, so every caller can forge its own.",
            hint="List the addresses of the proxies only.",
            id="registry.W001",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield checks.Warning(
            "The registry responds to any host name.",
            hint="Set ALLOWED_HOSTS to the names by which agents and people reach it.",
            id="registry.W002",
        )
    if settings.CELERY_BROKER_URL.startswith("filesystem") and not dialect.is_local:
        yield checks.Warning(
            "The broker is a folder of this machine, but the database may serve several.",
            hint="Set CELERY_BROKER_URL=redis://HOST:6379/0 if more than one machine serves.",
            id="registry.W003",
        )
    issuer = urlsplit(settings.OIDC_ISSUER)
    if issuer.scheme == "http" and issuer.hostname not in {"localhost", "127.0.0.1", "::1"}:
        yield checks.Warning(
            "OIDC_ISSUER is without TLS: whoever can change its traffic can sign in as anybody.",
            hint="Set OIDC_ISSUER to the https:// address of the provider.",
            id="registry.W005",
        )


@checks.register(checks.Tags.database)
def check_letters(
    databases: Sequence[str] | None = None, **_kwargs: Any
) -> list[checks.CheckMessage]:
    if not databases or dialect.collation_of_letters(connection) is not None:
        return []
    return [
        checks.Warning(
            "Searches ignore the case of the letters A to Z only.",
            hint="Restore a dump into a database with a UTF-8 locale: "
            "createdb -T template0 -E UTF8 --locale C.UTF-8 NAME",
            id="registry.W004",
        )
    ]
