"""A registry to be fuzzed, as a person starts it, and this process on the same database."""

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

# Rates would hide what is behind them, and a fuzzer is nothing but wrong tokens.
SETTINGS = {
    "REGISTRY_AUTH": "open",
    "RATE_WRONG_TOKENS_PER_ADDRESS": "off",
    "RATE_WRONG_LOGINS_PER_ADDRESS": "off",
    "ALLOWED_HOSTS": "*",
    "LOG_LEVEL": "CRITICAL",
}


@dataclass(frozen=True)
class Target:
    """Where to send bytes to. `secrets` may be in no answer; `pids` are the web's processes.

    `slow_url` is of a web server of the same registry that has no fast path.
    """

    url: str
    secrets: tuple[str, ...] = ()
    pids: tuple[int, ...] = ()
    slow_url: str | None = None


@contextmanager
def own_registry(folder: Path, database: str) -> Iterator[Target]:
    """Run a registry that keeps everything in `folder`, on "sqlite" or a "postgresql" of its own.

    This process becomes one of its processes: Django is set up for the same database.
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
    """Return the environment of a registry that is to be fuzzed, and that holds nothing back."""
    environment = environment_for(folder, SECRET_KEY=secrets.token_urlsafe(40), **SETTINGS)
    return environment | ({} if database_url is None else {"DATABASE_URL": database_url})


@contextmanager
def running_target(folder: Path, environment: dict[str, str]) -> Iterator[Target]:
    """Run a registry, whose database has its tables."""
    with started_registry(folder, environment) as registry:
        registry.wait_until_ready()
        told = (environment["SECRET_KEY"], environment.get("DATABASE_URL", str(folder)))
        pids = [
            pid for pid, argv in descendants(registry.process.pid).items() if "gunicorn" in argv
        ]
        yield Target(registry.url, told, tuple(pids))


def prepare() -> None:
    """Set Django up by the environment, with all its tables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "registry_project.settings")
    django.setup()
    # What is wrong with an input is told by the fuzzers, once.
    logging.disable(logging.CRITICAL)
    call_command("migrate", verbosity=0)
