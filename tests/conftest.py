"""Fixtures for all tests: the services that some of them need, and what was left out without."""

import os

import pytest

REQUIRED = os.environ.get("REQUIRE_SERVICES") == "1"
HOW_TO = {
    "TEST_REDIS_URL": "a Redis: make test TEST_REDIS_URL=redis://127.0.0.1:6379/0",
}
missing = pytest.StashKey[set[str]]()


@pytest.fixture(scope="session")
def redis_url(pytestconfig: pytest.Config) -> str:
    """The URL of a Redis that tests may fill and empty."""
    return service_url(pytestconfig, "TEST_REDIS_URL")


def service_url(config: pytest.Config, variable: str) -> str:
    """Return the service's URL; without one, skip the test, or fail it if services are required."""
    url = os.environ.get(variable, "")
    if url:
        return url
    if REQUIRED:
        pytest.fail(f"REQUIRE_SERVICES=1, and {variable} is not set")
    config.stash.setdefault(missing, set()).add(variable)
    pytest.skip(f"needs {HOW_TO[variable]}")


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    for variable in sorted(config.stash.get(missing, set())):
        terminalreporter.write_line(f"Some tests were skipped; run them with {HOW_TO[variable]}")
