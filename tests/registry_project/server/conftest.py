from collections.abc import Iterator

import pytest

from tests.registry_project.server.web_server import WebServer, running_server


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WebServer]:
    with running_server(tmp_path_factory.mktemp("web")) as server:
        yield server
