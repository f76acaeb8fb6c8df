"""Packages from other indexes, from URLs and repositories, and from wheels beside the spec."""

import io
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from django.core.management import CommandError, call_command

from deploygen.output.rendering import render
from tests.deploygen.specs import spec_of
from tests.deploygen.wheels import wheel

COMMIT = "0123456789" * 4
SECRET = "--mount=type=secret,id=netrc,target=/root/.netrc"
WHEEL = "tools-1.0-py3-none-any.whl"


@pytest.fixture(autouse=True)
def _in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NETRC", raising=False)
    Path("spec/wheels").mkdir(parents=True)
    Path("spec/wheels", WHEEL).write_bytes(wheel("tools"))


def generate(spec: str, *arguments: str) -> str:
    Path("spec/agent.yaml").write_text(f"name: an-agent\n{spec}\n")
    out = io.StringIO()
    call_command(
        "generate_agent", "spec/agent.yaml", "--no-registry", "--no-lock", *arguments, stdout=out
    )
    return out.getvalue()


def refused(spec: str) -> str:
    with pytest.raises(CommandError) as error:
        generate(spec)
    assert not Path("an-agent").exists()
    return str(error.value)


def runs(dockerfile: str) -> list[str]:
    joined = dockerfile.replace("\\\n", " ")
    return [" ".join(line.split()) for line in joined.splitlines() if line.startswith("RUN")]


def test_indexes_are_given_to_pip_here_and_in_the_build() -> None:
    output = generate(
        "requirements: [numpy]\n"
        "index_url: https://one.example/simple/\n"
        "extra_index_urls: [https://two.example/simple, 'http://localhost:3141/a/b']"
    )
    assert Path("an-agent/requirements-agent.txt").read_text() == (
        "--index-url https://one.example/simple/\n"
        "--extra-index-url https://two.example/simple\n"
        "--extra-index-url http://localhost:3141/a/b\n"
        "numpy\n"
    )
    # The lock's packages come from the index, too, and from none of the others.
    local = ".venv/bin/pip install --index-url https://one.example/simple/ --require-hashes -r"
    assert f"  {local} requirements.txt" in output.splitlines()
    assert f"    {local} requirements.txt" in Path("an-agent/README.md").read_text().splitlines()
    [lock] = [line for line in runs(Path("an-agent/Dockerfile").read_text()) if "hashes" in line]
    assert "--index-url https://one.example/simple/ --require-hashes" in lock
    assert "one.example" not in Path("an-agent/agent.json").read_text()


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://one.example/simple", "it must be https://: pip trusts http:// of localhost only"),
        ("https://user:hunter2@one.example/simple", "--secret id=netrc,src=FILE"),
        ("https://hunter2@one.example/simple", "--secret id=netrc,src=FILE"),
        ("https://one.example/simple?token=hunter2", "no query and no fragment"),
        ("https://one.example/#a", "no query and no fragment"),
        ("one.example/simple", "it must be http:// or https://"),
        ("file:///srv/simple", "it must be http:// or https://"),
        ("https://one.example/'$(id)'", "only those of a URL"),
        ("", "it must"),
    ],
)
def test_an_index_that_cannot_be_used_is_refused_with_its_line(url: str, problem: str) -> None:
    one = refused(f'index_url: "{url}"')
    assert one.startswith("spec/agent.yaml:2: index_url: ")
    many = refused(f'extra_index_urls:\n  - https://a.example\n  - "{url}"')
    assert many.startswith("spec/agent.yaml:4: extra_index_urls[1]: ")
    for message in (one, many):
        assert problem in message
        assert "hunter2" not in message


@pytest.mark.parametrize(
    "fields",
    [
        "requirements: [numpy]\nindex_url: https://one.example/simple/",
        "requirements: [numpy]\nextra_index_urls: [https://one.example/simple/]",
        "requirements: ['tools @ https://one.example/tools-1.0.tar.gz']",
        f"requirements: ['tools @ git+https://one.example/tools@{COMMIT}']",
    ],
)
def test_credentials_are_a_secret_where_packages_are_fetched_and_nowhere_else(fields: str) -> None:
    output = generate(fields)
    lines = runs(Path("an-agent/Dockerfile").read_text())
    assert [line for line in lines if line.startswith(f"RUN {SECRET} ")]
    lock = next(line for line in lines if "--require-hashes" in line)
    assert (SECRET in lock) == ("\nindex_url" in fields)
    assert "DOCKER_BUILDKIT=1 docker build -t an-agent an-agent" in output
    assert "--secret id=netrc,src=FILE" in Path("an-agent/README.md").read_text()
    composed = yaml.safe_load(Path("an-agent/compose.yaml").read_text())
    [service] = composed["services"].values()
    assert service["build"] == {"context": ".", "secrets": ["netrc"]}
    assert composed["secrets"] == {"netrc": {"file": "${NETRC:-/dev/null}"}}


@pytest.mark.parametrize(
    "fields", ["", "requirements: [numpy]", f"requirements: ['./wheels/{WHEEL}']"]
)
def test_an_agent_with_packages_of_pypi_and_its_folder_needs_no_buildkit(fields: str) -> None:
    output = generate(fields)
    for name in ("Dockerfile", "compose.yaml", "README.md"):
        text = Path("an-agent", name).read_text()
        assert "netrc" not in text.lower()
        assert "--mount" not in text
    assert "DOCKER_BUILDKIT" not in output
    assert "build: ." in Path("an-agent/compose.yaml").read_text()


def test_git_is_in_a_stage_of_its_own() -> None:
    requirement = f"tools[more] @ git+https://git.example/tools@{COMMIT}#subdirectory=python"
    text = render(spec_of(requirements=["numpy", requirement]))["Dockerfile"]
    wheels, *stages = text.split("\nFROM ")[1:]
    others = "".join(stages)
    assert "install -y --no-install-recommends ca-certificates git" in wheels
    assert "git" not in others.replace("git+", "")
    assert SECRET in wheels
    assert SECRET not in others
    assert "--no-index --no-deps /wheels/*.whl" in others


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("git+https://git.example/tools", "all 40 digits of a commit"),
        ("git+https://git.example/tools@main", "all 40 digits of a commit"),
        ("git+https://git.example/tools@0123456", "all 40 digits of a commit"),
        (f"git+https://git.example/tools@{COMMIT}#egg=tools", "subdirectory=PATH only"),
        (f"git+ssh://git@git.example/tools@{COMMIT}", "--secret id=netrc"),
        (f"git+http://git.example/tools@{COMMIT}", "must be https:// or git+https://"),
        (f"git+file:///srv/tools@{COMMIT}", "must be https:// or git+https://"),
        (f"git+https://me:hunter2@git.example/tools@{COMMIT}", "--secret id=netrc"),
        (f"git+https:///tools@{COMMIT}", "must be https:// or git+https://"),
        ("https://me:hunter2@one.example/tools-1.0.tar.gz", "--secret id=netrc"),
        ("http://one.example/tools-1.0.tar.gz", "must be https:// or git+https://"),
        ("file:///srv/tools-1.0.tar.gz", "write the path: './NAME.whl'"),
        ("./tools-1.0-py3-none-any.whl", "write the path: './NAME.whl'"),
        ("https://one.example/tools-1.0-cp39-cp39-manylinux_2_17_x86_64.whl", "cp39"),
        ("https://one.example/tools-1.0-py3-none-win_amd64.whl", "win_amd64"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused_with_its_line(url: str, problem: str) -> None:
    message = refused(f"requirements:\n  - numpy\n  - tools @ {url}")
    assert message.startswith("spec/agent.yaml:4: requirements[1]: ")
    assert problem in message
    assert "hunter2" not in message


def test_a_url_without_a_name_is_refused_with_what_is_missing() -> None:
    message = refused("requirements: ['https://u:hunter2@one.example/tools-1.0.tar.gz']")
    assert "write 'NAME @ URL'" in message
    assert "hunter2" not in message


def test_a_wheel_beside_the_spec_comes_along() -> None:
    Path("spec", WHEEL).write_bytes(wheel("tools"))
    for path in (f"./{WHEEL}[more]", f"./wheels/{WHEEL}"):
        generate(f"requirements: [numpy, '{path}']", "--force")
        copied = Path("an-agent/requirements-wheels", WHEEL)
        assert copied.read_bytes() == wheel("tools")
        line = Path("an-agent/requirements-agent.txt").read_text().splitlines()[1]
        assert line == f"./requirements-wheels/{WHEEL}" + ("[more]" if "[more]" in path else "")
        assert "COPY requirements-wheels " in Path("an-agent/Dockerfile").read_text()
    generate("requirements: [numpy]")
    assert not Path("an-agent/requirements-wheels").exists()


def test_a_changed_wheel_arrives() -> None:
    generate(f"requirements: ['./wheels/{WHEEL}']")
    assert f"  unchanged  requirements-wheels/{WHEEL}\n" in generate(
        f"requirements: ['./wheels/{WHEEL}']"
    )
    newer = wheel("tools", code="newer = True\n")
    Path("spec/wheels", WHEEL).write_bytes(newer)
    generate(f"requirements: ['./wheels/{WHEEL}']")
    assert Path("an-agent/requirements-wheels", WHEEL).read_bytes() == newer


def test_pip_installs_the_copied_wheel_in_the_folder() -> None:
    generate(f"requirements: ['./wheels/{WHEEL}']")
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--no-index",
            "--no-deps",
            "--target",
            "../there",
            "-r",
            "requirements-agent.txt",
            "-c",
            "constraints.txt",
        ],
        cwd="an-agent",
        check=True,
    )
    assert Path("there/tools.py").exists()


@pytest.mark.parametrize(
    ("path", "problem"),
    [
        (f"../{WHEEL}", "write './NAME.whl'"),
        (f"./wheels/../../{WHEEL}", "write './NAME.whl'"),
        (f"/srv/{WHEEL}", "write './NAME.whl'"),
        (WHEEL, "write './NAME.whl'"),
        (f"./.hidden/{WHEEL}", "write './NAME.whl'"),
        ("./tools", "only wheels are taken from files"),
        ("./tools-1.0.tar.gz", "only wheels are taken from files"),
        ("./tools.whl", "it is not the name of a wheel"),
        ("./missing-1.0-py3-none-any.whl", "spec/missing-1.0-py3-none-any.whl cannot be read: No"),
        ("./out-1.0-py3-none-any.whl", "leads out of the folder"),
        ("./folder-1.0-py3-none-any.whl", "is not a file"),
        ("./text-1.0-py3-none-any.whl", "is not a wheel"),
        ("./other-1.0-py3-none-any.whl", "is a wheel of tools 1.0"),
        ("./tools-2.0-py3-none-any.whl", "is a wheel of tools 1.0"),
        ("./tools-1.0-cp39-cp39-linux_x86_64.whl", "has Python 3.13 on Linux"),
        ("./tools-1.0-cp314-cp314-linux_x86_64.whl", "has Python 3.13 on Linux"),
        ("./tools-1.0-py2-none-any.whl", "is for py2-none-any"),
        ("./tools-1.0-py3-none-macosx_11_0_arm64.whl", "is for py3-none-macosx_11_0_arm64"),
        ("./tools-1.0-cp313-cp313-musllinux_1_2_x86_64.whl", "is for cp313-cp313-musllinux"),
        ("./old-1.0-py3-none-any.whl", "requires 'pydantic<2', and every agent needs pydantic"),
        ("./new-1.0-py3-none-any.whl", "needs Python >=3.14"),
        ("./pydantic-1.0-py3-none-any.whl", "every agent needs 'pydantic"),
    ],
)
def test_a_wheel_that_cannot_be_installed_is_refused_with_its_line(path: str, problem: str) -> None:
    for name, content in {
        f"../{WHEEL}": wheel("tools"),
        "folder-1.0-py3-none-any.whl/a": b"",
        "text-1.0-py3-none-any.whl": b"text",
        "other-1.0-py3-none-any.whl": wheel("tools"),
        "tools-2.0-py3-none-any.whl": wheel("tools"),
        "pydantic-1.0-py3-none-any.whl": wheel("pydantic"),
        "old-1.0-py3-none-any.whl": wheel("old", "1.0", "Requires-Dist: pydantic<2"),
        "new-1.0-py3-none-any.whl": wheel("new", "1.0", "Requires-Python: >=3.14"),
    }.items():
        Path("spec", name).parent.mkdir(exist_ok=True)
        Path("spec", name).write_bytes(content)
    if "out" in path:
        Path("spec/out-1.0-py3-none-any.whl").symlink_to(f"../{WHEEL}")
    message = refused(f"requirements:\n  - numpy\n  - {path}")
    assert message.startswith("spec/agent.yaml:4: requirements[1]: ")
    assert problem in message


@pytest.mark.parametrize(
    ("tags", "base_image"),
    [
        ("py3-none-any", "python:3.13-slim"),
        ("py2.py3-none-any", "python:3.13-slim"),
        ("cp311-abi3-manylinux_2_17_x86_64.manylinux2014_x86_64", "python:3.13-slim"),
        ("cp313-cp313-manylinux_2_28_aarch64", "python:3.13-slim"),
        ("cp313-cp313-linux_x86_64", "python:3.13-slim"),
        ("cp312-cp312-musllinux_1_2_x86_64", "python:3.12-alpine"),
        ("cp315-cp315-musllinux_1_2_x86_64", "registry.example/our-own"),
        ("cp315-cp315-manylinux_2_28_x86_64", "registry.example/our-own"),
    ],
)
def test_a_wheel_that_some_image_can_have_is_accepted(tags: str, base_image: str) -> None:
    name = f"tools-1.0-{tags}.whl"
    Path("spec", name).write_bytes(wheel("tools", "1.0", "Requires-Python: >=3.8"))
    generate(f"base_image: {base_image}\nrequirements: ['./{name}']")
    assert Path("an-agent/requirements-wheels", name).exists()


def docker() -> None:
    """Put a command docker on the PATH that prints how it is called."""
    Path("bin").mkdir()
    Path("bin/docker").write_text('#!/bin/sh\necho "${DOCKER_BUILDKIT:-no} docker: $*"\n')
    Path("bin/docker").chmod(0o755)


def test_build_gives_docker_the_netrc_file_that_the_variable_names(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    docker()
    monkeypatch.setenv("PATH", str(Path("bin").absolute()), prepend=":")
    monkeypatch.delenv("DOCKER_BUILDKIT", raising=False)
    private = "requirements: [tools]\nindex_url: https://one.example/simple/"
    folder = Path("an-agent").absolute()

    generate(private, "--build")
    assert f"1 docker: build --tag an-agent {folder}\n" in capfd.readouterr().out
    monkeypatch.setenv("NETRC", "my.netrc")
    generate(private, "--build")
    secret = f"--secret id=netrc,src={Path('my.netrc').absolute()}"
    assert f"1 docker: build {secret} --tag an-agent {folder}\n" in capfd.readouterr().out
    assert f"DOCKER_BUILDKIT=1 docker build {secret} --tag" in generate(
        private, "--build", "--dry-run"
    )

    generate("requirements: [tools]", "--build")
    assert f"no docker: build --tag an-agent {folder}\n" in capfd.readouterr().out
