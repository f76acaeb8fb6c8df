import asyncio
import errno
import socket
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from deploygen.local.agent import AgentError, LocalAgent, OptionError, Options, read_agent
from deploygen.local.changes import Changes
from deploygen.local.environment import InstallError, Say, environment
from deploygen.local.process import AgentProcess
from deploygen.local.readiness import unreadiness

POLL_SECONDS = 0.02
PATIENCE_SECONDS = 1.0
SLOW_POLL_SECONDS = 0.5
WAITING = "waiting for a change"


class Version:
    def __init__(
        self, path: Path, options: Options, environments: Path, changes: Changes, say: Say
    ) -> None:
        self._path = path
        self._options = options
        self._environments = environments
        self._changes = changes
        self._say = say
        self._process: AgentProcess | None = None
        self._stopping = False

    async def run(self, began: float | None) -> None:
        """`began`: monotonic time of the change. Raises OptionError."""
        async with AsyncExitStack() as stack:
            try:
                agent = await asyncio.to_thread(read_agent, self._path, self._options)
                self._changes.follow(agent.spec)
                first = agent.first_notes if began is None else []
                for note in [*first, *agent.notes]:
                    self._say(note)
                python = self._options.python
                if python is None:
                    python = await stack.enter_async_context(
                        environment(self._environments, agent.requirements, self._say)
                    )
                folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="agent-")))
                agent.write_files(folder)
                await self._serve(agent, python, folder, began)
            except (AgentError, InstallError, OSError) as error:
                self._say(f"{error}\n{WAITING}")
            await asyncio.Event().wait()

    def hurry(self) -> None:
        if self._process is not None:
            self._process.terminate()

    async def stop(self, *, at_once: bool) -> None:
        self._stopping = True
        if self._process is not None:
            await self._process.stop(at_once=at_once)

    async def _serve(
        self, agent: LocalAgent, python: Path, folder: Path, began: float | None
    ) -> None:
        port = agent.spec.port
        if began is None:
            _check_address(agent.listen, port)
        self._process = await AgentProcess.start(python, folder, self._path.parent, agent.variables)
        announcing = asyncio.create_task(self._announce(agent, began))
        try:
            code = await self._process.wait()
        finally:
            announcing.cancel()
        if not self._stopping:
            how = f"exit code {code}" if code >= 0 else f"signal {-code}"
            self._say(f"it ended by itself, with {how}; {WAITING}")

    async def _announce(self, agent: LocalAgent, began: float | None) -> None:
        port, shown = agent.spec.port, None
        url = f"http://localhost:{port}"
        begins = time.monotonic()
        while (problem := await asyncio.to_thread(unreadiness, agent.listen, port)) != "":
            is_late = time.monotonic() - begins > PATIENCE_SECONDS
            if problem is not None and is_late and problem != shown:
                self._say(f"listens at {url}, and is not ready: {problem}")
                shown = problem
            await asyncio.sleep(SLOW_POLL_SECONDS if shown else POLL_SECONDS)
        after = "" if began is None else f" after {time.monotonic() - began:.1f} s"
        self._say(f"ready{after}: {url}")


def _check_address(address: str, port: int) -> None:
    """Raises OptionError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        socket.create_server((address, port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            problem = f"port {port} is in use by another program: choose one by --port"
        else:
            problem = f"--listen: {address} cannot be used: {error.strerror or error}"
        raise OptionError(problem) from error
