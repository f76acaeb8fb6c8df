"""The examples of the client's README, as they stand, with the built wheel and a real registry."""

import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests import plain_http
from tests.deploygen.client.built_wheel import environment_with_wheel, example
from tests.integration.registry_process import free_port
from tests.processes import wait_until
from tests.registry_project.server.registry_web import RegistryWeb, prepared, registry_web


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory, web: RegistryWeb) -> Mapping[str, str]:
    return environment_with_wheel(tmp_path_factory.mktemp("wheel"), web.url)


@pytest.fixture(scope="module")
def web(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryWeb]:
    folder = tmp_path_factory.mktemp("registry")
    with registry_web(folder, prepared(folder)) as web:
        metadata = {"region": "eu"}
        web.register("search-0", skills=["search"], version="1.3", metadata=metadata)
        yield web


@contextmanager
def running(
    folder: Path, code: str, environment: Mapping[str, str], *argv: str
) -> Iterator[subprocess.Popen[bytes]]:
    """Run an example until the end of the body; its output is in output.txt."""
    (folder / "app.py").write_text(code)
    with (folder / "output.txt").open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *(argv or ["app.py"])],
            cwd=folder,
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def is_listed(web: RegistryWeb, agent_id: str) -> bool:
    return plain_http.get(f"{web.url}/agents/{agent_id}").status_code == 200


@pytest.mark.parametrize(
    ("agent_id", "server"),
    [
        ("search-1", ["uvicorn", "app:app", "--port"]),
        ("search-2", ["flask", "--app", "app", "run", "--port"]),
    ],
)
def test_an_app_is_registered_until_its_server_stops(
    tmp_path: Path,
    web: RegistryWeb,
    environment: Mapping[str, str],
    agent_id: str,
    server: list[str],
) -> None:
    argv = ["-m", *server, str(free_port())]
    with running(tmp_path, example(f'Registration("{agent_id}"'), environment, *argv) as process:
        wait_until(lambda: is_listed(web, agent_id), "the registration")
        found = plain_http.get(f"{web.url}/agents/{agent_id}").json()
        process.send_signal(signal.SIGINT)
        process.wait(60)

    assert (found["port"], found["skills"]) == (8000, ["search"])
    assert not is_listed(web, agent_id), (tmp_path / "output.txt").read_text()


@pytest.mark.parametrize(
    ("sign", "output"),
    [
        ('"worker-1"', "working\n"),
        ("registry.list(", "search-0 http://h:80 None\nhttp://h:80\n"),
        ("watch.follow", ""),
    ],
)
def test_an_example_runs_to_its_end(
    tmp_path: Path, environment: Mapping[str, str], sign: str, output: str
) -> None:
    with running(tmp_path, example(sign), environment) as process:
        assert process.wait(60) == 0, (tmp_path / "output.txt").read_text()
    assert (tmp_path / "output.txt").read_text() == output


@pytest.mark.parametrize(
    "sign", ['registry.watch(skill="search") as watch:\n    for', "AsyncRegistry()"]
)
def test_an_example_that_watches_shows_changes(
    tmp_path: Path, web: RegistryWeb, environment: Mapping[str, str], sign: str
) -> None:
    output = tmp_path / "output.txt"
    with running(tmp_path, example(sign), environment):
        wait_until(lambda: "ADDED search-0" in output.read_text(), "what is there")
        web.register("search-9", skills=["search"])
        wait_until(lambda: "ADDED search-9" in output.read_text(), "what comes")
