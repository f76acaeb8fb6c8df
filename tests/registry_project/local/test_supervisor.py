import asyncio
import io
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from registry_project.local.console import Console
from registry_project.local.processes import Program
from registry_project.local.restart import Backoff
from registry_project.local.supervisor import Supervisor
from tests.processes import is_running, wait_in_loop, wait_until

FAST = Backoff(first_delay=0.01, longest_delay=0.04, steady_after=60, stop_timeout=60)
SLEEPS = "import os, time; print('pid', os.getpid()); time.sleep(600)"
IGNORES_SIGTERM = (
    "import os, signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "print('pid', os.getpid()); time.sleep(600)"
)
HAS_A_CHILD = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {IGNORES_SIGTERM!r}])"


class Stage:
    """A supervisor that prints to a file."""

    def __init__(self, path: Path, backoff: Backoff, sources: dict[str, str]) -> None:
        self._path = path
        self.file = io.FileIO(path, "w")
        programs = [Program(name, [sys.executable, "-c", code]) for name, code in sources.items()]
        self.supervisor = Supervisor(programs, Console(self.file, list(sources)), backoff)

    def lines(self, name: str) -> list[str]:
        """Return the lines printed under `name` so far."""
        pairs = [line.split("|", 1) for line in self._path.read_text().splitlines()]
        return [text[1:] for prefix, text in pairs if prefix.strip() == name]

    def pids(self, name: str) -> list[int]:
        return [int(line.split()[1]) for line in self.lines(name) if line.startswith("pid ")]

    async def first_pid(self, name: str) -> int:
        await wait_in_loop(lambda: self.pids(name), f"the id of {name}")
        return self.pids(name)[0]


Play = Callable[[Stage], Awaitable[None]]
Perform = Callable[..., Stage]


@pytest.fixture
def perform(tmp_path: Path) -> Perform:
    """Supervise programs, given as Python source, while `play` runs; then stop them all."""

    def perform(play: Play, backoff: Backoff = FAST, **sources: str) -> Stage:
        stage = Stage(tmp_path / "terminal", backoff, sources)

        async def scenario() -> None:
            running = asyncio.create_task(stage.supervisor.run())
            try:
                await play(stage)
                if not running.done():
                    os.kill(os.getpid(), signal.SIGTERM)
                await running
            finally:
                running.cancel()
                await asyncio.wait([running])

        with stage.file:
            asyncio.run(scenario())
        return stage

    return perform


def test_output_is_prefixed_with_the_name_of_its_program(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await wait_in_loop(lambda: stage.lines("web") and stage.lines("beat"), "a line of each")

    printing = "import sys, time; print('out', flush=True); print('err', file=sys.stderr);"
    stage = perform(play, web=printing + "time.sleep(600)", beat="print('tick'); " + SLEEPS)

    assert set(stage.lines("web")) <= {"out", "err"}
    assert stage.lines("beat")[0] == "tick"


def test_the_last_output_of_a_program_is_shown_even_without_a_newline(
    perform: Perform,
) -> None:
    async def play(stage: Stage) -> None:
        await stage.first_pid("web")

    prints_on_sigterm = (
        "import os, signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (sys.stdout.write('fare'), sys.exit(0)));"
        "print('pid', os.getpid()); time.sleep(600)"
    )
    assert perform(play, web=prints_on_sigterm).lines("web")[-1] == "fare"


def test_a_program_that_floods_the_output_does_not_delay_the_others(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.first_pid("beat")
        await wait_in_loop(lambda: stage.file.tell() > 10_000_000, "a flood")
        dead = stage.pids("beat")[0]
        os.kill(dead, signal.SIGKILL)
        await wait_in_loop(lambda: len(stage.pids("beat")) > 1, "beat again")

    perform(play, flood="while True: print('x' * 5000)", beat=SLEEPS)


def test_a_line_that_never_ends_is_shown_in_pieces(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await wait_in_loop(lambda: len(stage.lines("web")) > 2, "three pieces")

    stage = perform(play, web="import sys\nwhile True: sys.stdout.write('x' * 5000)")

    assert max(len(line) for line in stage.lines("web")) < 256 * 1024


def test_a_killed_program_is_restarted_and_the_others_keep_running(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        pid, other = await stage.first_pid("web"), await stage.first_pid("beat")
        os.kill(pid, signal.SIGKILL)
        await wait_in_loop(lambda: len(stage.pids("web")) > 1, "web again")
        assert stage.pids("beat") == [other]
        assert is_running(other)

    stage = perform(play, web=SLEEPS, beat=SLEEPS)

    assert "web was killed by SIGKILL; restarting in 0.01 s" in stage.lines("system")


def test_the_restart_delay_doubles_up_to_its_limit(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await wait_in_loop(lambda: len(stage.lines("system")) >= 5, "five deaths")

    stage = perform(play, web="raise SystemExit(3)")

    delays = [re.sub(r"^web exited with 3; restarting in ", "", line)
            for line in stage.lines("system")]  # fmt: skip
    assert delays[:5] == ["0.01 s", "0.02 s", "0.04 s", "0.04 s", "0.04 s"]


def test_the_restart_delay_is_reset_after_a_steady_run(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await wait_in_loop(lambda: len(stage.lines("system")) >= 4, "four deaths")

    stage = perform(play, Backoff(first_delay=0.01, steady_after=0), web="raise SystemExit(3)")

    assert all(line.endswith(" in 0.01 s") for line in stage.lines("system")[:4])


def test_a_restart_waits_for_its_delay(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await wait_in_loop(lambda: len(stage.lines("web")) > 1, "a second start")

    exits = "import time; print(time.monotonic()); raise SystemExit(1)"
    first, second = perform(play, Backoff(first_delay=0.5), web=exits).lines("web")[:2]

    assert float(second) - float(first) > 0.45


def test_a_program_that_fails_to_start_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "late"
    with io.FileIO(tmp_path / "terminal", "w") as file:
        program = Program("late", [str(path)])
        supervisor = Supervisor([program], Console(file, ["late"]), FAST)

        async def scenario() -> None:
            running = asyncio.create_task(supervisor.run())
            output = tmp_path / "terminal"
            await wait_in_loop(lambda: "could not be started" in output.read_text(), "a failure")
            draft = tmp_path / "draft"
            draft.write_text("#!/bin/sh\necho at last\nexec sleep 600\n")
            draft.chmod(0o700)
            draft.rename(path)
            await wait_in_loop(lambda: "late   | at last" in output.read_text(), "its start")
            supervisor.stop()
            await running

        asyncio.run(scenario())


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_programs_and_then_the_supervisor(
    perform: Perform, stop_signal: signal.Signals
) -> None:
    async def play(stage: Stage) -> None:
        await stage.first_pid("web")
        await stage.first_pid("beat")
        os.kill(os.getpid(), stop_signal)
        await wait_in_loop(lambda: stage.lines("system"), "a reaction to the signal")

    stage = perform(play, web=SLEEPS, beat=SLEEPS)

    assert not any(is_running(pid) for pid in stage.pids("web") + stage.pids("beat"))
    assert "starting" not in " ".join(stage.lines("system"))


def test_a_stop_cancels_pending_restarts(
    perform: Perform,
) -> None:
    async def play(stage: Stage) -> None:
        await wait_in_loop(lambda: stage.lines("system"), "a death")

    assert len(perform(play, Backoff(first_delay=600), web="print('once')").lines("web")) == 1


def test_a_program_that_ignores_sigterm_is_killed_after_the_timeout(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.first_pid("web")

    stage = perform(play, Backoff(stop_timeout=0.2), web=IGNORES_SIGTERM)

    assert not is_running(stage.pids("web")[0])
    assert "still running after 0.2 s: web" in stage.lines("system")


def test_a_second_ctrl_c_kills_at_once(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.first_pid("web")
        os.kill(os.getpid(), signal.SIGINT)
        await wait_in_loop(lambda: stage.lines("system"), "the reaction to the first signal")
        os.kill(os.getpid(), signal.SIGINT)

    started = time.monotonic()
    stage = perform(play, web=IGNORES_SIGTERM)

    assert time.monotonic() - started < FAST.stop_timeout / 2
    assert not is_running(stage.pids("web")[0])


def test_a_second_signal_other_than_ctrl_c_lets_programs_finish(perform: Perform) -> None:
    async def play(stage: Stage) -> None:
        await stage.first_pid("web")
        os.kill(os.getpid(), signal.SIGHUP)
        await wait_in_loop(lambda: stage.lines("system"), "the reaction to the first signal")

    takes_a_moment = (
        "import os, signal, sys, time;"
        "signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), print('done'), sys.exit(0)));"
        "print('pid', os.getpid()); time.sleep(600)"
    )
    stage = perform(play, web=takes_a_moment)  # `perform` sends SIGTERM after SIGHUP

    assert stage.lines("web")[-1] == "done"
    assert stage.lines("system") == ["stopping"]


def test_children_of_a_killed_program_are_gone_before_it_restarts(
    perform: Perform,
) -> None:
    prints_both_pids = f"import os; print('leader', os.getpid(), flush=True); {HAS_A_CHILD}"

    async def play(stage: Stage) -> None:
        grandchild = await stage.first_pid("web")
        leader = next(line for line in stage.lines("web") if line.startswith("leader "))
        os.kill(int(leader.split()[1]), signal.SIGKILL)
        await wait_in_loop(lambda: len(stage.pids("web")) > 1, "web again")
        assert not is_running(grandchild)

    stage = perform(play, web=prints_both_pids)

    assert not any(is_running(pid) for pid in stage.pids("web"))


@pytest.fixture
def supervisor_process(tmp_path: Path) -> list[str]:
    """The command of a process that supervises one program."""
    driver = tmp_path / "driver.py"
    driver.write_text(
        "import asyncio, io, sys\n"
        "from registry_project.local.processes import Program\n"
        "from registry_project.local.supervisor import Supervisor\n"
        "from registry_project.local.console import Console\n"
        "async def main():\n"
        "    console = Console(io.FileIO(1, 'w'), ['web'])\n"
        f"    program = Program('web', [sys.executable, '-c', {SLEEPS!r}])\n"
        "    await Supervisor([program], console).run()\n"
        "asyncio.run(main())\n"
    )
    return [sys.executable, str(driver)]


@pytest.mark.skipif(
    sys.platform != "linux", reason="only Linux can kill orphans (PR_SET_PDEATHSIG)"
)
def test_killing_the_supervisor_leaves_no_program_behind(supervisor_process: list[str]) -> None:
    with start(supervisor_process) as process:
        child = read_pid(process)
        process.kill()

    wait_until(lambda: not is_running(child), "the end of the program")


def test_the_supervisor_stops_when_its_output_is_closed(
    supervisor_process: list[str],
) -> None:
    with start(supervisor_process) as process:
        child = read_pid(process)
        assert process.stdout is not None
        process.stdout.close()
        os.kill(child, signal.SIGKILL)  # makes the supervisor print

        assert process.wait(timeout=30) == 0


def test_sighup_is_ignored_under_nohup(supervisor_process: list[str]) -> None:
    with start(["nohup", *supervisor_process]) as process:
        read_pid(process)
        process.send_signal(signal.SIGHUP)
        process.terminate()
        output, _ = process.communicate(timeout=30)

    # Both signals have been delivered; only SIGTERM counted.
    assert [line for line in output.splitlines() if line.startswith("system")] == [
        "system | stopping"
    ]


@contextmanager
def start(arguments: list[str]) -> Iterator["subprocess.Popen[str]"]:
    with subprocess.Popen(
        arguments,
        env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])},
        stdout=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def read_pid(process: "subprocess.Popen[str]") -> int:
    assert process.stdout is not None
    line = process.stdout.readline()
    while not line.startswith("web    | pid "):
        assert line, "the supervisor has ended"
        line = process.stdout.readline()
    return int(line.split()[-1])
