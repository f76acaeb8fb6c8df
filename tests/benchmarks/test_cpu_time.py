"""What processes have used is what they say themselves."""

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
# In a thread that ends, and that a sum over the living ones would miss.
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
# Which has burnt, and lives on.
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


def test_it_is_what_the_process_has_used_threads_that_ended_included() -> None:
    with started(IN_A_THREAD) as process:
        told = int(line(process))
        seen = cpu_nanoseconds([process.pid])
    assert told > 300_000_000
    # Between the two it has printed a line.
    assert told <= seen < told + 50_000_000


def test_a_child_that_has_ended_counts() -> None:
    with started(IN_A_CHILD) as process:
        told = int(line(process))
        line(process)
        assert family([process.pid]) == {process.pid}
        seen = cpu_nanoseconds([process.pid])
    # Its user's and the system's time, each in whole ticks.
    assert seen >= told - 2 * TICK_NANOSECONDS


def test_a_process_that_lives_brings_those_that_it_has_started() -> None:
    with started(WITH_A_CHILD) as process:
        told = int(line(process))
        assert len(family([process.pid])) == 2
        assert cpu_nanoseconds([process.pid]) >= told > 300_000_000


def test_one_that_is_gone_has_none() -> None:
    with started("") as process:
        process.wait()
    assert cpu_nanoseconds([process.pid]) == 0
