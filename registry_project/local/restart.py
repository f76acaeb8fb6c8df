import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from registry_project.local.console import OWN_NAME, Lines
from registry_project.local.processes import ChildGroup, Program, describe_end

LAST_CHUNKS = 32  # more than a pipe holds

Show = Callable[[str, Sequence[bytes]], None]


@dataclass(frozen=True)
class Backoff:
    """In seconds. Delays double, and start over after a steady run."""

    first_delay: float = 1.0
    longest_delay: float = 30.0
    steady_after: float = 30.0
    stop_timeout: float = 20.0


class RestartedProgram:
    """`show` gets output under the program's name, news as `OWN_NAME`."""

    def __init__(self, program: Program, backoff: Backoff, show: Show) -> None:
        self.program = program
        self._backoff = backoff
        self._show = show
        self._group: ChildGroup | None = None
        self._outputs: dict[ChildGroup, Lines] = {}
        self._started_at = 0.0
        self._next_delay = backoff.first_delay
        self._restart: asyncio.TimerHandle | None = None
        self._stopping = False

    @property
    def is_running(self) -> bool:
        return self._group is not None

    def start(self) -> None:
        loop = asyncio.get_running_loop()
        self._started_at = loop.time()
        try:
            group = ChildGroup(self.program)
        except OSError as error:
            self._restart_later(f"could not be started: {error}")
            return
        self._group = group
        self._outputs[group] = Lines()
        loop.add_reader(group.output, self._relay, group)

    def notice_end(self) -> None:
        if self._group is None or (code := self._group.poll()) is None:
            return
        self._group.kill()
        self._group = None
        if not self._stopping:
            self._restart_later(describe_end(code))

    def stop(self) -> None:
        self._stopping = True
        if self._restart is not None:
            self._restart.cancel()
        if self._group is not None:
            self._group.terminate()

    def kill(self) -> None:
        if self._group is not None:
            self._group.kill()

    def finish(self) -> None:
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

    def _restart_later(self, what_happened: str) -> None:
        loop = asyncio.get_running_loop()
        if loop.time() - self._started_at >= self._backoff.steady_after:
            self._next_delay = self._backoff.first_delay
        delay = self._next_delay
        self._next_delay = min(2 * delay, self._backoff.longest_delay)
        line = f"{self.program.name} {what_happened}; restarting in {delay:g} s"
        self._show(OWN_NAME, [line.encode()])
        if not self._stopping:
            self._restart = loop.call_later(delay, self.start)

    def _relay(self, group: ChildGroup) -> bool:
        """Show one chunk, to be fair to others. Return False if there was none."""
        chunk = group.read()
        if chunk:
            self._show(self.program.name, self._outputs[group].feed(chunk))
        elif chunk is not None:
            self._close_output(group)
        return bool(chunk)

    def _close_output(self, group: ChildGroup) -> None:
        if (lines := self._outputs.pop(group, None)) is not None:
            self._show(self.program.name, lines.finish())
            asyncio.get_running_loop().remove_reader(group.output)
            group.output.close()
