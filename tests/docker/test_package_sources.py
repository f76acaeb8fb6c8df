"""Packages from a private index, a private repository and a wheel beside the spec, in an image."""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.utils import parse_wheel_filename

from benchmarks.image import MAX_BYTES, MAX_BYTES_GZIPPED
from deploygen.output.package import RUNTIME
from tests.deploygen.wheels import wheel
from tests.docker import agents, engine
from tests.docker.engine import DockerError, docker
from tests.docker.private_server import PASSWORD, USER, make_repository, serving
from tests.docker.test_image import contents, saved
from tests.integration.registry_process import MANAGE

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

# Names that nobody has at PyPI.
PRIVATE = "agent_container_test_private"
PUBLIC = "agent_container_test_public"
HANDLER = """\
import {module}

def handle(inputs):
    return {{"from": {module}.FROM}}
"""
PROJECT = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "in-git"
version = "1.0"
[tool.setuptools]
py-modules = ["in_git"]
"""


@dataclass(frozen=True)
class Server:
    url: str
    commit: str
    netrc: Path


@pytest.fixture(scope="module")
def server(base: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    for part, module in (("simple", PRIVATE), ("public/simple", PUBLIC)):
        place = folder / part / module.replace("_", "-")
        place.mkdir(parents=True)
        content = wheel(module, code=f"FROM = {part!r}\n")
        (place / f"{module}-1.0-py3-none-any.whl").write_bytes(content)
    _mirror(RUNTIME / "requirements.txt", folder / "simple", base)
    own = tmp_path_factory.mktemp("own")
    files = {"pyproject.toml": PROJECT, "in_git.py": "FROM = 'git'\n"}
    commit = make_repository(own / "checkout", folder / "in-git.git", files)
    netrc = own / "netrc"
    netrc.write_text(f"machine localhost login {USER} password {PASSWORD}\n")
    with serving(folder, own / "server.crt") as url:
        yield Server(url, commit, netrc)


def _mirror(lock: Path, index: Path, base: str) -> None:
    """Put the packages of a lock into an index, for the Python of a base image."""
    code = "import sys; print('%d.%d' % sys.version_info[:2])"
    python = docker("run", "--rm", base, "python3", "-c", code)
    flat = index / "flat"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "download",
            "--quiet",
            "--no-deps",
            "--dest",
            str(flat),
            "--python-version",
            python,
            "--only-binary=:all:",
            "--require-hashes",
            "--requirement",
            str(lock),
        ],
        check=True,
    )
    for path in flat.iterdir():
        name = parse_wheel_filename(path.name)[0]
        (index / name).mkdir(exist_ok=True)
        path.rename(index / name / path.name)


@pytest.fixture(scope="module")
def trusting_base(
    base: str, server: Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """A base that trusts the server's certificate."""
    image, bundle = engine.image_name("trusting"), "/etc/ssl/certs/ca-certificates.crt"
    folder = tmp_path_factory.mktemp("trusting")
    (folder / "server.crt").write_bytes(server.netrc.with_name("server.crt").read_bytes())
    (folder / "Dockerfile").write_text(
        f"FROM {base}\nCOPY server.crt /usr/local/share/ca-certificates/\n"
        f"RUN cat /usr/local/share/ca-certificates/server.crt >> {bundle}\n"
        f"ENV PIP_CERT={bundle}\n"
    )
    docker("build", f"--tag={image}", str(folder), legacy=True)
    yield image
    docker("image", "rm", "--force", image)


def generate(folder: Path, module: str, spec: str) -> None:
    """Generate an agent that returns where its package `module` is from."""
    (folder / "spec").mkdir()
    (folder / "spec/agent.yaml").write_text(f"name: an-agent\n{spec}\n")
    (folder / "spec/handler.py").write_text(HANDLER.format(module=module))
    content = wheel("beside", code="FROM = 'beside'\n")
    (folder / "spec/beside-1.0-py3-none-any.whl").write_bytes(content)
    subprocess.run(
        [
            *MANAGE,
            "generate_agent",
            str(folder / "spec/agent.yaml"),
            "--no-registry",
            "--no-lock",
            "--output",
            str(folder / "agent"),
        ],
        check=True,
        stdout=subprocess.DEVNULL,
    )


def build(folder: Path, image: str, base: str, program: str, *options: str) -> None:
    docker(
        "build",
        "--network=host",
        f"--build-arg=PYTHON_IMAGE={base}",
        f"--tag={image}",
        *options,
        str(folder / "agent"),
        legacy=False,
        program=program,
    )


def returned(image: str) -> object:
    with agents.running_agent(image) as agent:
        agent.container.wait_until_healthy()
        return agent.run().json()


def assert_without_credentials(image: str) -> None:
    for content in (*saved(image), docker("history", "--no-trunc", image).encode()):
        assert PASSWORD.encode() not in content
        assert b"login reader" not in content


def test_a_private_index_is_read_with_a_secret_that_no_layer_has(
    server: Server, trusting_base: str, buildkit: str, image: str, tmp_path: Path
) -> None:
    generate(
        tmp_path,
        PRIVATE,
        f"requirements: [{PRIVATE}]\nindex_url: '{server.url}/simple/'",
    )
    with pytest.raises(DockerError, match="--secret id=netrc,src=FILE\n"):
        build(tmp_path, image, trusting_base, buildkit)
    build(tmp_path, image, trusting_base, buildkit, f"--secret=id=netrc,src={server.netrc}")
    assert returned(image) == {"from": "simple"}
    assert_without_credentials(image)
    plain, gzipped = engine.sizes(image)
    assert plain <= MAX_BYTES
    assert gzipped <= MAX_BYTES_GZIPPED


def test_an_index_is_read_with_a_pip_conf_that_no_layer_has(
    server: Server, trusting_base: str, buildkit: str, image: str, tmp_path: Path
) -> None:
    generate(tmp_path, PRIVATE, f"requirements: [{PRIVATE}]\npip_config: true")
    url = server.url.replace("://", f"://{USER}:{PASSWORD}@")
    conf = tmp_path / "pip.conf"
    conf.write_text(f"[global]\nindex-url = {url}/simple/\n")
    with pytest.raises(DockerError, match="--secret id=pip_config,src=FILE\n"):
        build(tmp_path, image, trusting_base, buildkit, f"--secret=id=netrc,src={server.netrc}")
    build(tmp_path, image, trusting_base, buildkit, f"--secret=id=pip_config,src={conf}")
    assert returned(image) == {"from": "simple"}
    assert_without_credentials(image)


def test_a_public_index_needs_no_secret(
    server: Server, trusting_base: str, buildkit: str, image: str, tmp_path: Path
) -> None:
    generate(
        tmp_path,
        PUBLIC,
        f"requirements: [{PUBLIC}]\nextra_index_urls: ['{server.url}/public/simple/']",
    )
    build(tmp_path, image, trusting_base, buildkit)
    assert returned(image) == {"from": "public/simple"}
    with pytest.raises(DockerError, match="requires BuildKit"):
        engine.build(tmp_path / "agent", image, base=trusting_base, legacy=True)


def test_a_repository_is_installed_by_a_git_that_is_not_in_the_image(  # noqa: PLR0917 - fixtures
    server: Server, echo: str, trusting_base: str, buildkit: str, image: str, tmp_path: Path
) -> None:
    url = f"git+{server.url}/in-git.git@{server.commit}"
    generate(tmp_path, "in_git", f"requirements: ['in-git @ {url}']")
    build(tmp_path, image, trusting_base, buildkit, f"--secret=id=netrc,src={server.netrc}")
    assert returned(image) == {"from": "git"}
    assert_without_credentials(image)
    own = {"app", "venv"}
    of_the_system = {name for name in contents(image) if name.split("/")[0] not in own}
    assert of_the_system == {name for name in contents(echo) if name.split("/")[0] not in own}
    plain, gzipped = engine.sizes(image)
    assert plain <= MAX_BYTES
    assert gzipped <= MAX_BYTES_GZIPPED


def test_a_wheel_beside_the_spec_is_installed_by_any_builder(
    base: str, image: str, tmp_path: Path
) -> None:
    generate(tmp_path, "beside", "requirements: [./beside-1.0-py3-none-any.whl]")
    engine.build(tmp_path / "agent", image, base=base, legacy=True)
    assert returned(image) == {"from": "beside"}
    assert not [name for name in contents(image) if name.endswith(".whl")]
    assert not [name for name in contents(image) if "requirements-wheels" in name]
