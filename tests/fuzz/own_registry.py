"""A registry to be fuzzed, and Django in this process on the same database."""

import logging
import os
import secrets
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import django
from django.core.management import call_command

from tests.integration.postgres_cluster import find_programs, running_cluster
from tests.integration.registry_process import environment_for, started_registry
from tests.processes import descendants
from tests.registry_project.server.registry_web import registry_web

# Rate limits would refuse a fuzzer's requests before they reach anything else.
SETTINGS = {
    "REGISTRY_AUTH": "open",
    "RATE_WRONG_TOKENS_PER_ADDRESS": "off",
    "RATE_WRONG_LOGINS_PER_ADDRESS": "off",
    "ALLOWED_HOSTS": "*",
    "LOG_LEVEL": "CRITICAL",
}


@dataclass(frozen=True)
class Target:
    """A registry to fuzz. No answer may contain `secrets`; `pids` are the web processes.

    `slow_url` is a web server of the same registry without the fast path.
    """

    url: str
    secrets: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    slow_url: str | None = None


@contextmanager
def own_registry(folder: Path, database: str) -> Iterator[Target]:
    """Run a registry in `folder`, on "sqlite" or on its own "postgresql".

    Django is set up in this process for the same database.
    """
    with ExitStack() as stack:
        url = None
        if database == "postgresql":
            programs = find_programs()
            if programs is None:
                raise SystemExit("PostgreSQL is not installed: choose --database sqlite")
            url = stack.enter_context(running_cluster(programs)).url
        environment = environment_of(folder, url)
        os.environ |= environment
        prepare()
        target = stack.enter_context(running_target(folder, environment))
        slow = environment | {"FAST_HEARTBEATS": "off"}
        web = stack.enter_context(registry_web(folder, slow, is_quiet=False))
        yield replace(target, slow_url=web.url)


def environment_of(folder: Path, database_url: str | None = None) -> dict[str, str]:
    """Return the environment of a registry to be fuzzed, without rate limits."""
    environment = environment_for(folder, SECRET_KEY=secrets.token_urlsafe(40), **SETTINGS)
    return environment | ({} if database_url is None else {"DATABASE_URL": database_url})


@contextmanager
def running_target(folder: Path, environment: dict[str, str]) -> Iterator[Target]:
    """Run a registry on a migrated database."""
    with started_registry(folder, environment) as registry:
        registry.wait_until_ready()
        secret_texts = (environment["SECRET_KEY"], environment.get("DATABASE_URL", str(folder)))
        pids = [
            pid for pid, argv in descendants(registry.process.pid).items() if "gunicorn" in argv
        ]
        yield Target(registry.url, secret_texts, tuple(pids))


def prepare() -> None:
    """Set Django up from the environment, and migrate the database."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    # The fuzzers report problems themselves.
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
