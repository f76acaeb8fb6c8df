"""The packages of an agent that runs here are installed once."""

import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from django.core.management import call_command

from deploygen.local.environment import KEPT_SECONDS, STAMP
from tests.deploygen.local.development import ECHO, SPEC, development
from tests.deploygen.lock.index import running_index
from tests.deploygen.wheels import wheel

# It installs packages from an index, which takes some seconds.
pytestmark = [pytest.mark.integration, pytest.mark.services]

# At most, on a machine with other work.
INSTALLING_SECONDS = 280
INSTALLS = "installs its packages, once for these requirements"
# Nobody has it at PyPI.
MODULE = "agent_container_test_words"
HANDLER = "import words\ndef handle(inputs):\n    return {'word': words.WORD}\n"


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], str]:
    """A function that runs the agent until it gives a result, and returns the output."""
    log = tmp_path / "log"
    log.touch()

    def run(word: str) -> str:
        before = len(log.read_text())
        with development(
            tmp_path / "agent", log, "--no-registry", REGISTRY_VAR_DIR=str(tmp_path / "var")
        ) as agent:
            agent.wait_for_result({"word": word}, INSTALLING_SECONDS)
            return agent.output[before:]

    return run


def test_packages_are_installed_once_and_unused_ones_removed(
    tmp_path: Path, run: Callable[[str], str]
) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "words-1.0-py3-none-any.whl").write_bytes(wheel("words", code="WORD = 'one'"))
    (agent / "agent.yaml").write_text(f"{SPEC}requirements: [./words-1.0-py3-none-any.whl]\n")
    (agent / "handler.py").write_text(HANDLER)
    environments = tmp_path / "var" / "agent-environments"

    assert INSTALLS in run("one")
    [first] = [path.parent for path in environments.glob(f"*/{STAMP}")]
    assert INSTALLS not in run("one")

    long_ago = (first / STAMP).stat().st_mtime - KEPT_SECONDS - 1
    os.utime(first / STAMP, (long_ago, long_ago))
    (agent / "words-1.0-py3-none-any.whl").write_bytes(wheel("words", code="WORD = 'two'"))
    assert INSTALLS in run("two")
    assert not first.exists()


def test_a_package_that_cannot_be_installed_is_shown_and_a_change_waited_for(
    tmp_path: Path,
) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "agent.yaml").write_text(SPEC)
    (agent / "handler.py").write_text(ECHO)
    var = str(tmp_path / "var")
    with development(
        agent, tmp_path / "log", "--no-registry", PIP_NO_INDEX="1", REGISTRY_VAR_DIR=var
    ) as running:
        running.wait_for_output("its packages cannot be installed:")
        running.wait_for_output("waiting for a change")
        assert "No matching distribution found" in running.output


def test_the_versions_are_those_of_the_lock_if_it_is_for_this_python(
    tmp_path: Path, run: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    agent = tmp_path / "agent"
    agent.mkdir()
    (agent / "handler.py").write_text(HANDLER.replace("import words", f"import {MODULE} as words"))
    here = ".".join(map(str, sys.version_info[:2]))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    with running_index(tmp_path / "index") as index:
        index.add(MODULE, "1.0", code="WORD = 'one'")
        (agent / "agent.yaml").write_text(
            f"{SPEC}requirements: [{MODULE}]\nextra_index_urls: ['{index.url}']\n"
            f"base_image: python:{here}-slim\n"
        )
        call_command("generate_agent", str(agent / "agent.yaml"), "--output", str(agent / "build"))
        index.add(MODULE, "2.0", code="WORD = 'two'")
        assert f"uses the versions locked in {agent / 'build'}" in run("one")

        other = (agent / "agent.yaml").read_text().replace(here, "3.99")
        (agent / "agent.yaml").write_text(other)
        output = run("two")
        assert f"does not use {agent / 'build'}: its versions are not those of the spec" in output
