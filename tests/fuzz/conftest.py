"""Registries for the fuzzers: on SQLite, and on PostgreSQL if it is installed."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.fuzz.own_registry import Target, environment_of, running_target
from tests.integration.postgres_cluster import running_cluster
from tests.integration.registry_process import migrate

DATABASES = ["sqlite", pytest.param("postgresql", marks=pytest.mark.services)]


@pytest.fixture(scope="session", params=DATABASES)
def target(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Target]:
    with ExitStack() as stack:
        url = None
        if request.param == "postgresql":
            programs: Path = request.getfixturevalue("postgres_programs")
            url = stack.enter_context(running_cluster(programs)).url
        folder = tmp_path_factory.mktemp("fuzzed")
        environment = environment_of(folder, url)
        migrate(environment)
        yield stack.enter_context(running_target(folder, environment))
