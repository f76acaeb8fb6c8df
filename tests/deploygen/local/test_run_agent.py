"""An agent that is run here is started again whenever its files change."""

import errno
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.deploygen.local.development import (
    ECHO,
    SPEC,
    WITH_OUR_PACKAGES,
    Development,
    development,
)
from tests.processes import descendants, wait_until

pytestmark = pytest.mark.integration

# Longer than the tests wait for anything.
NEVER_SECONDS = 1000


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Development]:
    """One for all tests of this file that change nothing but files."""
    folder = tmp_path_factory.mktemp("development")
    with development(folder / "agent", folder / "log", "--no-registry", WITH_OUR_PACKAGES) as agent:
        yield agent


@pytest.fixture(autouse=True)
def _start_over(request: pytest.FixtureRequest) -> None:
    """Begin each test with the same files, and an empty log."""
    if "running" in request.fixturenames:
        agent: Development = request.getfixturevalue("running")
        agent.write(SPEC, "agent.yaml")
        agent.write(ECHO)
        agent.wait_for_result({"echo": {}})
        agent.log.write_text("")


def test_a_changed_handler_is_served(running: Development) -> None:
    running.write("def handle(inputs):\n    return {'n': 1}\n")
    running.wait_for_result({"n": 1})
    assert "handler.py changed: starting again" in running.output

    # As long, and perhaps in the same second.
    running.write("def handle(inputs):\n    return {'n': 2}\n")
    running.wait_for_result({"n": 2})


def test_a_new_module_beside_the_handler_is_served(running: Development) -> None:
    running.write("WORD = 'new'\n", "words.py")
    running.write("import words\ndef handle(inputs):\n    return {'word': words.WORD}\n")
    running.wait_for_result({"word": "new"})


def test_a_changed_spec_is_served(running: Development) -> None:
    running.write(f"{SPEC}description: Says what it hears.\n", "agent.yaml")

    def is_described() -> bool:
        about = running.get("/")
        return about is not None and about.json()["description"] == "Says what it hears."

    wait_until(is_described, "the new description")


def test_a_syntax_error_is_shown_and_the_next_change_is_waited_for(running: Development) -> None:
    running.write("def handle(inputs)\n    return {}\n")
    running.wait_for_output("SyntaxError: expected ':'")
    lines = [line.strip() for line in running.output.splitlines()]
    shown = lines.index("def handle(inputs)")
    assert lines[shown - 1].endswith('handler.py", line 1')
    assert "importlib" not in running.output

    running.write(ECHO)
    running.wait_for_result({"echo": {}})


def test_a_mistake_in_the_spec_is_shown_and_the_next_change_is_waited_for(
    running: Development,
) -> None:
    running.write(f"{SPEC}inptus: []\n", "agent.yaml")
    running.wait_for_output("agent.yaml:2: 'inptus' is not known; did you mean 'inputs'?")
    running.wait_for_output("waiting for a change")
    wait_until(lambda: running.get("/health/live") is None, "the end of what is no longer there")


def test_a_traceback_begins_with_the_authors_code(running: Development) -> None:
    running.write("def handle(inputs):\n    return {'n': 1 / inputs['by']}\n")

    def fails() -> bool:
        response = running.run(by=0)
        return response is not None and response.status_code == 500

    wait_until(fails, "the new handler")
    _, _, traceback = running.output.partition("Traceback (most recent call last):\n")
    first, code = traceback.splitlines()[:2]
    assert first.endswith('handler.py", line 2, in handle')
    assert code.strip() == "return {'n': 1 / inputs['by']}"
    assert "ZeroDivisionError" in traceback


def test_browsers_get_a_page_to_try_the_agent_on(running: Development) -> None:
    response = running.get("/", accept="text/html")
    assert response is not None
    assert 'id="form"' in response.text


def test_the_log_is_text(running: Development) -> None:
    running.run(a=1)
    running.wait_for_output("INFO agent.requests: POST /run: 200")


def test_an_agent_that_ends_by_itself_is_started_again_after_a_change(running: Development) -> None:
    running.write("import os\nos._exit(3)\n")
    running.wait_for_output("it ended by itself, with exit code 3; waiting for a change")

    running.write(ECHO)
    running.wait_for_result({"echo": {}})


def test_a_change_does_not_wait_for_running_requests(running: Development) -> None:
    running.write(
        "import pathlib, time\n"
        "def handle(inputs):\n"
        "    pathlib.Path('.begun').touch()\n"
        "    time.sleep(inputs.get('seconds', 0))\n"
        "    return {'slept': True}\n"
    )
    # A job: the response does not wait for it.
    running.write(f"{SPEC}sync_timeout: 0.01\n", "agent.yaml")

    def has_begun() -> bool:
        running.run(seconds=NEVER_SECONDS)
        return (running.folder / ".begun").exists()

    wait_until(has_begun, "a run that takes long", seconds=90)
    running.write(SPEC, "agent.yaml")
    running.write(ECHO)
    running.wait_for_result({"echo": {}})


def test_what_would_not_be_in_the_image_is_no_change(running: Development) -> None:
    running.write(f"{SPEC}exclude: [notes/]\n", "agent.yaml")
    running.wait_for_output("ready after")
    build = running.folder / "build"
    build.mkdir(exist_ok=True)
    (build / ".generated.json").write_text("{}")
    running.log.write_text("")
    for path in ("build/handler.py", ".cache", "__pycache__/x.pyc", "notes/today.txt"):
        (running.folder / path).parent.mkdir(exist_ok=True)
        running.write("x", path)
    running.write("VALUE=1\n", ".env")

    running.wait_for_output(".env")  # perhaps beside others that changed before
    assert [word for word in ("build", ".cache", "notes") if word in running.output] == []


def test_variables_come_from_a_file_unless_the_terminal_sets_them(tmp_path: Path) -> None:
    code = (
        "import os\n"
        "def handle(inputs):\n"
        "    return {name: os.environ.get(name) for name in ('MODEL', 'API_KEY', 'GREETING')}\n"
    )
    (tmp_path / "agent").mkdir()
    (tmp_path / "agent" / "agent.yaml").write_text(f"{SPEC}secrets: [API_KEY]\n")
    (tmp_path / "agent" / "handler.py").write_text(code)
    (tmp_path / "agent" / ".env").write_text("MODEL=small\nAPI_KEY='sk 1'\nGREETING=hello\n")
    with development(
        tmp_path / "agent", tmp_path / "log", "--no-registry", WITH_OUR_PACKAGES, GREETING="hi"
    ) as agent:
        agent.wait_for_result({"MODEL": "small", "API_KEY": "sk 1", "GREETING": "hi"})


@pytest.mark.parametrize("options", [[], ["--listen=0.0.0.0"]])
def test_only_this_machine_reaches_the_agent_unless_an_option_opens_it(
    tmp_path: Path, options: list[str]
) -> None:
    with development(
        tmp_path / "agent", tmp_path / "log", "--no-registry", WITH_OUR_PACKAGES, *options
    ) as agent:
        wait_until(agent.is_ready, "readiness", seconds=90)
        # Linux has all of 127.0.0.0/8; they stand for the machine's other addresses.
        with socket.socket() as other:
            refused = other.connect_ex(("127.0.0.2", agent.port)) == errno.ECONNREFUSED
        assert refused is not bool(options)


def test_what_belongs_to_the_image_alone_is_named_once(tmp_path: Path) -> None:
    spec = f"{SPEC}build_steps: [exit 1]\nsystem_packages: [libgl1]\n"
    with development(
        tmp_path / "agent", tmp_path / "log", "--no-registry", WITH_OUR_PACKAGES, spec=spec
    ) as agent:
        wait_until(agent.is_ready, "readiness", seconds=90)
        agent.write(ECHO + "\n# A change.\n")
        agent.wait_for_output("ready after")
        assert agent.output.count("does not run its build_steps: only docker build does") == 1
        assert agent.output.count("packages of the system, which it needs: libgl1") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_agent_and_leaves_no_process(
    tmp_path: Path, number: signal.Signals
) -> None:
    with development(
        tmp_path / "agent", tmp_path / "log", "--no-registry", WITH_OUR_PACKAGES
    ) as agent:
        wait_until(agent.is_ready, "readiness", seconds=90)
        assert descendants(agent.process.pid)

        assert agent.stop(number) == 0
        assert agent.output.endswith("stopped\n")
        assert "Traceback" not in agent.output
        assert agent.get("/health/live") is None


def test_the_agent_does_not_outlive_a_killed_command(tmp_path: Path) -> None:
    with development(
        tmp_path / "agent", tmp_path / "log", "--no-registry", WITH_OUR_PACKAGES
    ) as agent:
        wait_until(agent.is_ready, "readiness", seconds=90)

        agent.stop(signal.SIGKILL)
        wait_until(lambda: agent.get("/health/live") is None, "the agent's end")
