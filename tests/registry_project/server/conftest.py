from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.postgres_cluster import running_cluster
from tests.registry_project.server.registry_web import RegistryWeb, prepared, registry_web
from tests.registry_project.server.web_server import WebServer, running_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with running_server(tmp_path_factory.mktemp("web")) as server:
        yield server


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryWeb]:
    folder = tmp_path_factory.mktemp("web")
    with registry_web(folder, prepared(folder)) as web:
        yield web


@pytest.fixture(scope="module")
def on_postgresql(
    postgres_programs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RegistryWeb]:
    """A registry of two web processes."""
    folder = tmp_path_factory.mktemp("web-on-postgresql")
    with running_cluster(postgres_programs) as cluster:
        environment = prepared(folder, DATABASE_URL=cluster.url)
        with registry_web(folder, environment, workers=2) as web:
            yield web


@pytest.fixture(params=["web", "on_postgresql"])
def each_web(request: pytest.FixtureRequest) -> RegistryWeb:
    web: RegistryWeb = request.getfixturevalue(request.param)
    return web
