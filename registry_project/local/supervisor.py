import asyncio
import signal
from collections.abc import Sequence

from registry_project.local.console import OWN_NAME, Console
from registry_project.local.processes import Program
from registry_project.local.restart import Backoff, RestartedProgram


class Supervisor:
    """Runs programs until SIGINT, SIGTERM or SIGHUP, and restarts those that die.

    It forks, so its process must have no other threads.
    """

    def __init__(
        self, programs: Sequence[Program], console: Console, backoff: Backoff | None = None
    ) -> None:
        self._console = console
        self._backoff = backoff or Backoff()
        self._programs = [
            RestartedProgram(program, self._backoff, self._show) for program in programs
        ]
        self._stopping = False
        self._output_closed = False
        self._all_gone = asyncio.Event()

    async def run(self) -> None:
        loop = asyncio.get_running_loop()
        handlers = {
            signal.SIGINT: self.interrupt,
            signal.SIGTERM: self.stop,
            signal.SIGHUP: self.stop,
            signal.SIGCHLD: self._notice_ends,
        }
        if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:  # nohup
            del handlers[signal.SIGHUP]
        for number, handler in handlers.items():
            loop.add_signal_handler(number, handler)
        try:
            for program in self._programs:
                program.start()
            await self._all_gone.wait()
        finally:
            for program in self._programs:
                program.finish()
            for number in handlers:
                loop.remove_signal_handler(number)

    def interrupt(self) -> None:
        if self._stopping:
            self.say("killing what still runs")
            self._kill_all()
        else:
            self.stop("stopping; press Ctrl-C again to kill what is slow")

    def stop(self, text: str = "stopping") -> None:
        if self._stopping:
            return
        self._stopping = True
        self.say(text)
        asyncio.get_running_loop().call_later(self._backoff.stop_timeout, self._kill_stubborn)
        for program in self._programs:
            program.stop()
        self._notice_ends()

    def say(self, text: str) -> None:
        self._show(OWN_NAME, [text.encode()])

    def _show(self, name: str, lines: Sequence[bytes]) -> None:
        if self._output_closed:
            return
        try:
            self._console.write(name, lines)
        except OSError:
            self._output_closed = True
            self.stop()

    def _notice_ends(self) -> None:
        for program in self._programs:
            program.notice_end()
        if self._stopping and not any(program.is_running for program in self._programs):
            self._all_gone.set()

    def _kill_stubborn(self) -> None:
        names = [program.program.name for program in self._programs if program.is_running]
        if names:
            self.say(f"still running after {self._backoff.stop_timeout:g} s: {', '.join(names)}")
            self._kill_all()

    def _kill_all(self) -> None:
        for program in self._programs:
            program.kill()
