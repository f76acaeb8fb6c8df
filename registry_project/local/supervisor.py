"""Keeps a few programs running side by side, and stops them together."""

import asyncio
import signal
from collections.abc import Sequence

from registry_project.local.console import OWN_NAME, Terminal
from registry_project.local.processes import Program
from registry_project.local.restart import Pace, Upkeep


class Supervisor:
    """Runs `programs` until SIGINT, SIGTERM or SIGHUP; then leaves none of their processes behind.

    It belongs into the main thread of a process without other threads, since it forks.
    """

    def __init__(
        self, programs: Sequence[Program], terminal: Terminal, pace: Pace | None = None
    ) -> None:
        self._terminal = terminal
        self._pace = pace or Pace()
        self._upkeeps = [Upkeep(program, self._pace, self._show) for program in programs]
        self._stopping = False
        self._nobody_reads = False
        self._all_gone = asyncio.Event()

    async def run(self) -> None:
        """Start all programs; return when they were asked to stop and all of them are gone."""
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGINT: self.interrupt,
            signal.SIGTERM: self.stop,
            signal.SIGHUP: self.stop,
            signal.SIGCHLD: self._notice_ends,
        }
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # started with nohup
            del handlers[signal.SIGHUP]
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            for upkeep in self._upkeeps:
                upkeep.start()
            await self._all_gone.wait()
        finally:
            for upkeep in self._upkeeps:
                upkeep.finish()
            for number in handlers:
                loop.remove_signal_handler(number)

    def interrupt(self) -> None:
        """Do what Ctrl-C asks for: stop; the second time, kill what is still there."""
        if self._stopping:
            self.say("killing what is still running")
            self._kill_all()
        else:
            self.stop("stopping; Ctrl-C once more kills what is slow")

    def stop(self, text: str = "stopping") -> None:
        """Ask all programs to stop, let none start again, and say `text`."""
        if self._stopping:
            return
        self._stopping = True
        self.say(text)
        asyncio.get_running_loop().call_later(self._pace.stop_timeout, self._kill_stubborn)
        for upkeep in self._upkeeps:
            upkeep.stop()
        self._notice_ends()

    def say(self, text: str) -> None:
        """Print a line of our own."""
        self._show(OWN_NAME, [text.encode()])

    def _show(self, name: str, lines: Sequence[bytes]) -> None:
        if self._nobody_reads:
            return
        try:
            self._terminal.write(name, lines)
        except OSError:  # the terminal is closed, or the pipe's other end: stop as on a hang-up
            self._nobody_reads = True
            self.stop()

    def _notice_ends(self) -> None:
        for upkeep in self._upkeeps:
            upkeep.notice_end()
        if self._stopping and not any(upkeep.is_running for upkeep in self._upkeeps):
            self._all_gone.set()

    def _kill_stubborn(self) -> None:
        names = [upkeep.program.name for upkeep in self._upkeeps if upkeep.is_running]
        if names:
            self.say(f"still running after {self._pace.stop_timeout:g} s: {', '.join(names)}")
            self._kill_all()

    def _kill_all(self) -> None:
        for upkeep in self._upkeeps:
            upkeep.kill()
