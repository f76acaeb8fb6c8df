"""The services that some tests need, and when these tests run.

With REQUIRE_SERVICES=1 they run, and fail if a service is missing. Without it they are left out,
unless their folder or file is named on the command line.
"""

import os
from pathlib import Path
from typing import NoReturn

import pytest

TESTS = Path(__file__).parent
REQUIRED = os.environ.get("REQUIRE_SERVICES") == "1"
# Fixtures that provide a service; tests that use one need no mark.
FIXTURES = {
    "buildkit",
    "chromium",
    "compose_command",
    "docker_engine",
    "postgres_programs",
    "prometheus_program",
    "promtool",
    "redis_program",
    "redis_url",
}
HOW_TO_GET = {
    "chromium": "a browser (Debian: apt install chromium)",
    "buildkit": "a docker that can build by BuildKit (Debian: apt install docker.io)",
    "compose": "compose (Debian: apt install docker-compose; else the plugin of Docker)",
    "docker": "a Docker engine that answers (Debian: apt install docker.io mmdebstrap)",
    "postgresql": "the programs of PostgreSQL (Debian: apt install postgresql)",
    "prometheus": "Prometheus and promtool (Debian: apt install prometheus)",
    "redis-server": "Redis (Debian: apt install redis-server)",
    "TEST_REDIS_URL": "a Redis (TEST_REDIS_URL=redis://127.0.0.1:6379/0)",
}
LEFT_OUT = "needs services or minutes: REQUIRE_SERVICES=1"


def without(service: str) -> NoReturn:
    """Skip a test whose service is missing, or fail it if services are required."""
    if REQUIRED:
        pytest.fail(f"REQUIRE_SERVICES=1, and this is missing: {HOW_TO_GET[service]}")
    pytest.skip(f"needs {HOW_TO_GET[service]}")


def needs_services(item: pytest.Item) -> bool:
    fixtures = set(getattr(item, "fixturenames", ()))
    return item.get_closest_marker("services") is not None or bool(fixtures & FIXTURES)


def is_wanted(item: pytest.Item, arguments: list[str]) -> bool:
    """Return whether to run a test that needs services: all are required, or its path is named."""
    if REQUIRED:
        return True
    named = {Path(argument.partition("::")[0]).resolve() for argument in arguments}
    return any(path != TESTS and item.path.is_relative_to(path) for path in named)
