"""Fixtures for all tests, the choice of tests to run, and the summary of those left out."""

import os
import shutil
import signal
import subprocess
from collections import Counter, defaultdict
from collections.abc import Generator, Iterator, Sequence
from contextlib import nullcontext
from itertools import chain
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as project_settings
from django.db import connection, connections
from django.test import TransactionTestCase
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from registry_project.postgresql import connection as limited
from tests.browser.chromium import find_chromium
from tests.coverage import unmeasured
from tests.emptying import empty_filled_tables
from tests.integration.postgres_cluster import find_programs
from tests.services import LEFT_OUT, TESTS, is_wanted, needs_services, without

FOLDERS = pytest.StashKey[dict[Path, pytest.Collector | None]]()
DATABASE_FIXTURES = {"db", "transactional_db", "live_server", "database_away"}
# Tests that wait for other programs. The longest of them run first in a parallel run.
LONGEST = "docker"
WAITING = {
    "benchmarks",
    "browser",
    "deploy",
    "examples",
    "faults",
    "fuzz",
    "integration",
    "registry_project",
}
# Their tests drive other programs, or fuzz what other tests cover.
UNMEASURED = {
    "benchmarks",
    "browser",
    "deploy",
    "docker",
    "examples",
    "faults",
    "fuzz",
    "integration",
}

# The time of an example depends on how busy the machine is.
settings.register_profile("tests", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("tests")

# Background jobs of a shell ignore SIGINT, and programs under nohup ignore SIGHUP. Programs started
# by the tests would inherit that, although some tests stop them by these signals.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


# Coverage is measured only in the tests' own processes. In the programs that they start, it would
# take half as much time again and show almost nothing new.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Limit how long statements may take, as the web does, once the test database exists."""
    if connection.vendor == "postgresql":
        limited.limit_waiting(project_settings.DATABASE_TIMEOUT_SECONDS)
    yield
    limited.limit_waiting(None)


@pytest.fixture(scope="session", autouse=True)
def _quick_emptying() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_filled_tables)
        yield


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The URL of a Redis that tests may write to and flush."""
    return os.environ.get("TEST_REDIS_URL") or without("TEST_REDIS_URL")


@pytest.fixture(scope="session")
def redis_program() -> str:
    """The path of redis-server, for tests that start and kill a Redis of their own."""
    return shutil.which("redis-server") or without("redis-server")


@pytest.fixture(scope="session")
def postgres_programs() -> Path:
    """The folder of PostgreSQL's programs, for tests that start and kill a server of their own."""
    return find_programs() or without("postgresql")


@pytest.fixture(scope="session")
def prometheus_program() -> str:
    """The path of Prometheus."""
    return shutil.which("prometheus") or without("prometheus")


@pytest.fixture(scope="session")
def promtool() -> str:
    """The path of Prometheus' tool that checks and tests rules."""
    return shutil.which("promtool") or without("prometheus")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser."""
    return find_chromium() or without("chromium")


@pytest.fixture(scope="session")
def compose_command() -> list[str]:
    """The command of compose, which may be a program or a plugin."""
    commands = [["docker-compose"], ["docker", "compose"]]
    usable = [command for command in commands if shutil.which(command[0]) and _answers(command)]
    return usable[0] if usable else without("compose")


def _answers(command: list[str]) -> bool:
    done = subprocess.run([*command, "version"], capture_output=True, check=False)
    return done.returncode == 0


@pytest.fixture
def database_away(django_db_blocker: DjangoDbBlocker, tmp_path: Path) -> Iterator[None]:
    """Make the database unreachable: a missing folder, or a closed port."""
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


@pytest.hookimpl(wrapper=True)
def pytest_collect_directory(
    path: Path, parent: pytest.Collector
) -> Generator[None, pytest.Collector | None, pytest.Collector | None]:
    """Give a folder one node, even if pytest collects its parent again for a file there.

    Only the first node of a folder has the fixtures of its conftest.py (pytest 9.1).
    """
    folder = yield
    return parent.stash.setdefault(FOLDERS, {}).setdefault(path, folder)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With ``-m alone``, import only the files with such tests, which are few."""
    if config.getoption("markexpr") != "alone" or not collection_path.is_file():
        return None
    return "pytest.mark.alone" not in collection_path.read_text(encoding="utf-8") or None


@pytest.hookimpl(wrapper=True, tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Mark tests that use the database, skip those left out, and group tests for xdist.

    In a parallel run the tests of a file run in one process, unless they have another group.
    """
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        if item.get_closest_marker("django_db") or fixtures & DATABASE_FIXTURES:
            item.add_marker(pytest.mark.database)
        if needs_services(item) and not is_wanted(item, config.args):
            item.add_marker(pytest.mark.skip(LEFT_OUT))
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(str(item.path.relative_to(TESTS))))
    yield
    # After pytest-django, which puts tests of the database first.
    if hasattr(config, "workerinput"):
        order = order_of_groups(items)
        items.sort(key=lambda item: order[group_of(item)])


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """Measure coverage only in tests that can add to it."""
    with unmeasured() if folder_of(item.nodeid) in UNMEASURED else nullcontext():
        return (yield)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Refuse a parallel run whose groups would be ignored: their tests share images and ports."""
    is_grouped = hasattr(session.config, "workerinput") and session.config.getvalue("loadgroup")
    if is_grouped and not all("@" in item.nodeid for item in session.items):
        raise pytest.UsageError("this version of xdist does not group tests with this pytest")


def order_of_groups(items: Sequence[pytest.Item]) -> dict[str, float]:
    """Return the position of each group: waiting ones among others, which need a processor."""
    folders = {group_of(item): folder_of(item.nodeid) for item in items}
    waiting = [group for group, folder in folders.items() if folder in WAITING]
    others = [group for group in folders if folders[group] not in {LONGEST, *WAITING}]
    order = {group: 0.0 for group, folder in folders.items() if folder == LONGEST}
    for groups in (waiting, others):
        order |= {group: place / len(groups) for place, group in enumerate(groups, start=1)}
    return order


def group_of(item: pytest.Item) -> str:
    mark = item.get_closest_marker("xdist_group")
    assert mark is not None
    return str(mark.args[0])


def folder_of(nodeid: str) -> str:
    """Return the folder below tests/, or the file if it is directly there."""
    return nodeid.partition("::")[0].removeprefix("tests/").partition("/")[0]


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Escape lone surrogates in reports, since sending them would crash a worker of xdist."""
    return without_surrogates((yield))


def without_surrogates(data: Any) -> Any:
    if isinstance(data, str):
        return data.encode(errors="backslashreplace").decode()
    if isinstance(data, dict):
        return {key: without_surrogates(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return type(data)(without_surrogates(value) for value in data)
    return data


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the time of each folder, skipped tests with reasons, and how to run those left out."""
    seconds: defaultdict[str, float] = defaultdict(float)
    for report in chain.from_iterable(terminalreporter.stats.values()):
        if isinstance(report, pytest.TestReport):
            seconds[folder_of(report.nodeid)] += report.duration
    if len(seconds) > 1:
        terminalreporter.section("seconds by folder, of all processes together")
        for folder in sorted(seconds, key=seconds.__getitem__, reverse=True):
            terminalreporter.write_line(f"{seconds[folder]:7.1f} {folder}")
    skipped = terminalreporter.stats.get("skipped", [])
    reasons = Counter(report.longrepr[2].removeprefix("Skipped: ") for report in skipped)
    left_out = reasons.pop(LEFT_OUT, 0)
    if reasons:
        terminalreporter.section("skipped")
    for reason, number in reasons.most_common():
        terminalreporter.write_line(f"{number:5} {reason}")
    if left_out:
        folders = Counter(
            folder_of(report.nodeid) for report in skipped if report.longrepr[2].endswith(LEFT_OUT)
        )
        terminalreporter.section("left out")
        for folder, number in folders.most_common():
            terminalreporter.write_line(f"{number:5} make test T=tests/{folder}")
        terminalreporter.write_line(
            f"{left_out} tests need services or minutes. To run them all: "
            "REQUIRE_SERVICES=1 make test; .ci/run also starts the services."
        )
