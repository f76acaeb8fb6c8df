"""The Docker engine, the base image and shared images, each created on first use."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from deploygen.spec.errors import make_spec
from deploygen.spec.model import AgentSpec
from tests.docker import agents, engine
from tests.docker.base_image import base_image
from tests.docker.engine import docker
from tests.integration.registry_process import (
    PROJECT,
    RegistryProcess,
    environment_for,
    ready_registry,
)
from tests.services import without

ECHO_IMAGE = engine.image_name("echo")
NEEDY_IMAGE = engine.image_name("needy")
MARKER = "hunter2-is-in-no-layer"


@pytest.fixture(scope="session")
def docker_engine() -> None:
    """Require a Docker engine that answers."""
    if not engine.answers():
        without("docker")


@pytest.fixture(scope="session")
def base(docker_engine: None) -> str:
    """The name of an image with Python and pip."""
    return base_image()


@pytest.fixture(scope="session")
def buildkit(docker_engine: None) -> str:
    """The path of a docker that can build by BuildKit."""
    return engine.program_with_buildkit() or without("buildkit")


@pytest.fixture(scope="session")
def echo_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the echo example, with files of secrets in it."""
    folder = tmp_path_factory.mktemp("echo") / "agent"
    agents.generate_echo(folder)
    for path in (".env", "production.env", "secrets/api_key", "tls.key", "data/.env", "data/a.key"):
        (folder / path).parent.mkdir(exist_ok=True)
        (folder / path).write_text(f"API_KEY={MARKER}\n")
    (folder / "data" / "words.txt").write_text("a file that the handler reads\n")
    return folder


@pytest.fixture(scope="session")
def echo(base: str, echo_folder: Path) -> str:
    """The name of the echo example's image."""
    engine.build(echo_folder, ECHO_IMAGE, base=base)
    return ECHO_IMAGE


@pytest.fixture(scope="session")
def needy(base: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """An image whose handler needs a package, a setting and a secret."""
    handler = """\
import inspect
import os
from typing import Any

import numpy


def handle(inputs: dict[str, Any]) -> dict[str, Any]:
    values = numpy.array(inputs["values"])
    return {
        "mean": float(values.mean()),
        "solved": numpy.linalg.solve(numpy.eye(2) * 2, numpy.ones(2)).tolist(),
        "unit": os.environ["UNIT"],
        "secret_length": len(os.environ["API_KEY"]),
        "reads_its_source": "def solve" in inspect.getsource(numpy.linalg.solve),
    }
"""
    folder = tmp_path_factory.mktemp("needy") / "agent"
    agents.generate(folder, handler, needy_spec())
    engine.build(folder, NEEDY_IMAGE, base=base)
    return NEEDY_IMAGE


def needy_spec(*, slim: bool = True) -> AgentSpec:
    return make_spec(
        {
            "name": "needy",
            "description": 'Has "quotes", $HOME and\nmore than one line.',
            "inputs": [{"name": "values", "type": "array"}],
            "requirements": ["numpy"],
            "environment": [{"name": "UNIT", "value": "$5 \"per\" \\ 'day' {}"}],
            "secrets": ["API_KEY"],
            "slim": slim,
        }
    )


@pytest.fixture
def image(request: pytest.FixtureRequest) -> Iterator[str]:
    """A name for an image that a test builds; it is removed after the test."""
    name = engine.image_name(request.path.stem)
    yield name
    if engine.has_image(name):
        docker("image", "rm", "--force", name)


@pytest.fixture(scope="session")
def registry_image(base: str) -> str:
    """The name of the registry's own image."""
    image = engine.image_name("registry")
    arguments = ("--network=host", f"--build-arg=BASE={base}", f"--tag={image}")
    docker("build", *arguments, str(PROJECT), legacy=not engine.has_buildkit())
    return image


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryProcess]:
    """A registry that sweeps every second."""
    folder = tmp_path_factory.mktemp("registry")
    environment = environment_for(folder, SWEEP_INTERVAL_SECONDS="1", TERM="dumb")
    with ready_registry(folder, environment) as registry:
        yield registry
