"""Fixtures for all tests: the services that some of them need, and what was left out without."""

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn

import pytest
from django.conf import settings as project_settings
from django.db import connection, connections
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from registry_project.postgresql import base
from tests.integration.postgres_cluster import find_programs

REQUIRED = os.environ.get("REQUIRE_SERVICES") == "1"
HOW_TO = {
    "chromium": "a browser (Debian: apt install chromium)",
    "compose": "compose (Debian: apt install docker-compose; else the plugin of Docker)",
    "docker": "a Docker engine that answers (Debian, Ubuntu: apt install docker.io debootstrap)",
    "TEST_REDIS_URL": "a Redis: make test TEST_REDIS_URL=redis://127.0.0.1:6379/0",
    "redis-server": "a Redis to start and kill (Debian, Ubuntu: apt install redis-server)",
    "initdb": "the programs of PostgreSQL (Debian, Ubuntu: apt install postgresql); they are found "
    "by pg_config, on the PATH, or where Debian has them",
}
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "database_away"}
missing = pytest.StashKey[set[str]]()

# How long an example takes says how busy the machine is, and nothing else.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# What is started in the background of a shell ignores Ctrl-C, and would pass that on to each
# program that the tests start, also to those whose Ctrl-C is tested.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Once the test database exists, limit how long statements may take, as the web does."""
    if connection.vendor == "postgresql":
        base.limit_waiting(project_settings.DATABASE_TIMEOUT_SECONDS)
    yield
    base.limit_waiting(None)


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """The URL of a Redis that tests may fill and empty."""
    return service_url(pytestconfig, "TEST_REDIS_URL")


@pytest.fixture(scope="session")
def postgres_programs(pytestconfig: pytest.Config) -> Path:
    """The folder of PostgreSQL's programs, for tests that start and kill a server of their own."""
    return find_programs() or without(pytestconfig, "initdb", "PostgreSQL is not installed")


@pytest.fixture(scope="session")
def compose_command(pytestconfig: pytest.Config) -> list[str]:
    """The command of compose: the older program, or the newer plugin."""
    commands = [["docker-compose"], ["docker", "compose"]]
    found = [command for command in commands if shutil.which(command[0]) and _answers(command)]
    return found[0] if found else without(pytestconfig, "compose", "compose is not installed")


def _answers(command: list[str]) -> bool:
    done = subprocess.run([*command, "version"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def database_away(django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> Iterator[None]:
    """A database that cannot be reached: a folder that is not there, a port that nobody has."""
    old = connection.settings_dict.copy()
    connections.close_all()
    connection.settings_dict["NAME"] = str(tmp_path / "nowhere" / "db.sqlite3")
    if connection.vendor == "postgresql":
        connection.settings_dict |= {"NAME": "postgres", "HOST": "127.0.0.1", "PORT": "1"}
    try:
        with django_db_blocker.unblock():
            yield
            connections.close_all()
    finally:
        connection.settings_dict.clear()
        connection.settings_dict.update(old)


def service_url(config: pytest.Config, variable: str) -> str:
    """Return the service's URL; without one, skip the test, or fail it if services are required."""
    return os.environ.get(variable) or without(config, variable, f"{variable} is not set")


def without(config: pytest.Config, service: str, what_is_missing: str) -> NoReturn:
    """Skip the test that needs `service`, or fail it if services are required."""
    if REQUIRED:
        pytest.fail(f"REQUIRE_SERVICES=1, and {what_is_missing}")
    config.stash.setdefault(missing, set()).add(service)
    pytest.skip(f"needs {HOW_TO[service]}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what another database could answer otherwise: the rest need not be run on each."""
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
            item.add_marker(pytest.mark.database)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for variable in sorted(config.stash.get(missing, None) or ()):
        terminalreporter.write_line(f"Some tests were skipped; run them with {HOW_TO[variable]}")
