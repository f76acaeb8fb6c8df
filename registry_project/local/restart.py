"""Keeps one program running: starts it again when it died, later and later if it keeps dying."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry_project.local.console import OWN_NAME, Lines
from registry_project.local.processes import ChildGroup, Program, describe_end

# How many chunks of output are still read when a program has gone: more than a pipe holds.
LAST_CHUNKS = 32

Show = Callable[[str, Sequence[bytes]], None]


@dataclass(frozen=True)
class Pace:
    """How patient we are with programs, in seconds.

    One that died starts again after `first_delay`, twice that the next time, and so on up to
    `longest_delay`; from the beginning when it ran for `steady_after`. Asked to stop, programs get
    `stop_timeout` before they are killed.
    """

    first_delay: float = 1.0
    longest_delay: float = 30.0
    steady_after: float = 30.0
    stop_timeout: float = 20.0


class Upkeep:
    """One program and its current process. Its methods belong into a running event loop.

    `show` gets a name and complete lines: the program's output under its own name, what happens to
    it under `OWN_NAME`.
    """

    def __init__(self, program: Program, pace: Pace, show: Show) -> None:
        self.program = program
        self._pace = pace
        self._show = show
        self._group: ChildGroup | None = None
        self._outputs: dict[ChildGroup, Lines] = {}
        self._started_at = 0.0
        self._next_delay = pace.first_delay
        self._restart: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def is_running(self) -> bool:
        return self._group is not None

    def start(self) -> None:
        """Start the program; when even that fails, try again later."""
        loop = asyncio.get_running_loop()
        self._started_at = loop.time()
        try:
            group = ChildGroup(self.program)
        except OSError as error:
            self._start_again_later(f"could not be started: {error}")
            return
        self._group = group
        self._outputs[group] = Lines()
        loop.add_reader(group.output_fd, self._relay, group)

    def notice_end(self) -> None:
        """If the process has ended, clear up behind it and, unless stopping, plan the next one."""
        if self._group is None or (code := self._group.poll()) is None:
            return
        # A killed server's own children would keep its port.
        self._group.kill()
        self._group = None
        if not self._stopping:
            self._start_again_later(describe_end(code))

    def stop(self) -> None:
        """Ask the process to end, and start no other."""
        self._stopping = True
        if self._restart is not None:
            self._restart.cancel()
        if self._group is not None:
            self._group.terminate()

    def kill(self) -> None:
        """Kill the process and all that it started."""
        if self._group is not None:
            self._group.kill()

    def finish(self) -> None:
        """Show what the program wrote last, and let go of everything."""
        self.stop()
        if self._group is not None:
            self._group.kill()
            self._group.wait()
            self._group = None
        for group in list(self._outputs):
            for _ in range(LAST_CHUNKS):
                if not self._relay(group):
                    break
            self._close_output(group)

    def _start_again_later(self, what_happened: str) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._started_at >= self._pace.steady_after:
            self._next_delay = self._pace.first_delay
        delay = self._next_delay
        self._next_delay = min(2 * delay, self._pace.longest_delay)
        line = f"{self.program.name} {what_happened}; starting it again in {delay:g} s"
        self._show(OWN_NAME, [line.encode()])
        # To show it can be to learn that nobody reads any more, and so to stop.
        if not self._stopping:
            self._restart = loop.call_later(delay, self.start)

    def _relay(self, group: ChildGroup) -> bool:
        """Show one chunk of output, since the others want their turn; return if there was one."""
        chunk = group.read()
        if chunk:
            self._show(self.program.name, self._outputs[group].feed(chunk))
        elif chunk is not None:
            self._close_output(group)
        return bool(chunk)

    def _close_output(self, group: ChildGroup) -> None:
        if (lines := self._outputs.pop(group, None)) is not None:
            self._show(self.program.name, lines.finish())
            asyncio.get_running_loop().remove_reader(group.output_fd)
            group.close_output()
