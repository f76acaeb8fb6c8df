"""The CPU time measured for processes equals the time they report themselves."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.cpu_time import TICK_NANOSECONDS, cpu_nanoseconds, family

BURN = """
import subprocess, sys, time
def burn(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end: pass
"""
# In a thread that ends, which a sum over living threads would miss.
IN_A_THREAD = (
    BURN
    + """
import threading
thread = threading.Thread(target=burn, args=(0.3,))
thread.start(); thread.join()
print(time.process_time_ns(), flush=True); sys.stdin.read()
"""
)
IN_A_CHILD = (
    BURN
    + """
if sys.argv[-1] == "child":
    burn(0.3); print(time.process_time_ns(), flush=True)
else:
    subprocess.run([sys.executable, "-c", sys.argv[1], "", "child"])
    print(flush=True); sys.stdin.read()
"""
)
# A child that has used CPU time and is still running.
WITH_A_CHILD = f"import subprocess, sys\nsubprocess.run([sys.executable, '-c', {IN_A_THREAD!r}])"


@contextmanager
def started(program: str) -> Iterator["subprocess.Popen[str]"]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, program],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return str(process.stdout.readline())


def test_the_time_includes_threads_that_have_ended() -> None:
    with started(IN_A_THREAD) as process:
        reported = int(line(process))
        measured = cpu_nanoseconds([process.pid])
    assert reported > 300_000_000
    # The process has printed a line in between.
    assert reported <= measured < reported + 50_000_000


def test_the_time_includes_children_that_have_ended() -> None:
    with started(IN_A_CHILD) as process:
        reported = int(line(process))
        line(process)
        assert family([process.pid]) == {process.pid}
        measured = cpu_nanoseconds([process.pid])
    # User and system time are each in whole ticks.
    assert measured >= reported - 2 * TICK_NANOSECONDS


def test_the_time_includes_running_children() -> None:
    with started(WITH_A_CHILD) as process:
        reported = int(line(process))
        assert len(family([process.pid])) == 2
        assert cpu_nanoseconds([process.pid]) >= reported > 300_000_000


def test_a_process_that_has_ended_has_no_time() -> None:
    with started("") as process:
        process.wait()
    assert cpu_nanoseconds([process.pid]) == 0
