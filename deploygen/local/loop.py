import asyncio
import signal
import time
from functools import partial
from pathlib import Path
from typing import Any

from deploygen.local.agent import Options
from deploygen.local.changes import Changes
from deploygen.local.environment import Say
from deploygen.local.version import Version

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class DevelopmentLoop:
    def __init__(self, path: Path, options: Options, environments: Path, say: Say) -> None:
        self._changes = Changes(path)
        self._new_version = partial(Version, path, options, environments, self._changes, say)
        self._version = self._new_version()
        self._say = say
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run the agent, again after each change, until a signal. Raises OptionError."""
        loop = asyncio.get_running_loop()
        for number in SIGNALS:
            loop.add_signal_handler(number, self._stop)
        watching = loop.create_task(self._changes.watch())
        stopping = loop.create_task(self._stopping.wait())
        began: float | None = None
        try:
            while not stopping.done():
                changed = loop.create_task(self._changes.next())
                await self._run_version(began, [changed, watching, stopping])
                began = time.monotonic()
                if watching.done():
                    watching.result()
                if changed.done() and not stopping.done():
                    self._say(f"{changed.result()} changed: starting again")
                changed.cancel()
        finally:
            watching.cancel()
            stopping.cancel()
        self._say("stopped")

    async def _run_version(self, began: float | None, until: list[asyncio.Task[Any]]) -> None:
        self._version = self._new_version()
        running = asyncio.create_task(self._version.run(began))
        try:
            await asyncio.wait([running, *until], return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._version.stop(at_once=not self._stopping.is_set())
            running.cancel()
            await asyncio.wait([running])
        if not running.cancelled():
            running.result()

    def _stop(self) -> None:
        if self._stopping.is_set():
            self._version.hurry()
        self._stopping.set()
