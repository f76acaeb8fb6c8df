import asyncio
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

LAUNCHER = Path(__file__).with_name("launcher.py")
# For running requests, before an agent is killed.
HURRY_SECONDS = 0.3
STOP_SECONDS = 5.0
NOT_PASSED_ON = (
    "DJANGO_SETTINGS_MODULE",
    "PYTHONPATH",
    "PYTHONHOME",
    "AGENT_REGISTRY_URL",
    "AGENT_LISTEN",
    "PORT",
)


class AgentProcess:
    """In the terminal's foreground, so that `breakpoint()` works."""

    def __init__(self, process: asyncio.subprocess.Process, pipe: int) -> None:
        self._process = process
        self._pipe = pipe

    @classmethod
    async def start(
        cls, python: Path, run_folder: Path, code: Path, variables: Mapping[str, str]
    ) -> "AgentProcess":
        """`run_folder`: agent.json and the runtime. The terminal's variables win."""
        own = {k: v for k, v in os.environ.items() if k not in NOT_PASSED_ON}
        environment = {
            **variables,
            **own,
            "PYTHONPATH": str(run_folder),
            "PYTHONUNBUFFERED": "1",
            "VIRTUAL_ENV": str(python.parents[1]),
            "PATH": os.pathsep.join([str(python.parent), os.environ.get("PATH", os.defpath)]),
        }
        reader, writer = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                python, LAUNCHER, str(reader), cwd=code, env=environment, pass_fds=[reader]
            )
        except BaseException:
            os.close(writer)
            raise
        finally:
            os.close(reader)
        return cls(process, writer)

    @property
    def has_ended(self) -> bool:
        return self._process.returncode is not None

    async def wait(self) -> int:
        return await self._process.wait()

    def terminate(self) -> None:
        """A second call stops without waiting for running requests."""
        with suppress(ProcessLookupError):
            self._process.terminate()

    async def stop(self, *, at_once: bool) -> None:
        self.terminate()
        try:
            if at_once and not await self._ends_within(HURRY_SECONDS):
                self.terminate()
                if not await self._ends_within(STOP_SECONDS):
                    self.kill()
            await self.wait()
        finally:
            os.close(self._pipe)

    def kill(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()

    async def _ends_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            await asyncio.wait_for(self.wait(), seconds)
        return self.has_ended
