import asyncio
import logging
import signal
import socket
import threading
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from ..config import AgentConfig, ConfigError
from ..dependencies import DependencyChecks
from ..environment import load_secrets, set_defaults
from ..extensions import AgentStatus, load_extensions
from ..handler.contract import make_contract
from ..handler.runner import HandlerRunner
from ..http.connections import Connection, Server, listen
from ..jobs import Jobs
from ..metrics import Metric
from ..problems import Problem
from .children import free_forks
from .exit import exit_now
from .shutdown import CANCELLING_SECONDS, Shutdown, Step

logger = logging.getLogger("agent")

POLL_SECONDS = 0.01
SENDING_SECONDS = 1


class Lifecycle:
    """Any thread may read its state."""

    def __init__(self, config: AgentConfig, give_up: Callable[[], None] = exit_now) -> None:
        """`give_up` ends the process. Raises ConfigError."""
        self.config = config
        try:
            self.inputs = make_contract(config.inputs)
            self.outputs = make_contract(config.outputs)
            self._dependencies = DependencyChecks(config.dependencies)
        except ValueError as error:
            raise ConfigError(f"agent.json: {error}") from error
        self.runner = HandlerRunner(
            config.handler,
            outputs=self.outputs,
            threads=config.max_jobs,
            max_result_bytes=config.max_result_bytes,
        )
        self.jobs = Jobs(self.runner, config.max_jobs)
        self.draining = False
        self._give_up = give_up
        self._shutdown = Shutdown(config.drain_seconds)
        self._extensions = load_extensions(config, self.status)
        self._stop = asyncio.Event()
        self._server: Server | None = None

    def status(self) -> AgentStatus:
        if self.draining:
            return AgentStatus("draining")
        if self.runner.is_loading():
            return AgentStatus("starting")
        problem = self.runner.problem() or self._dependencies.problem()
        return AgentStatus("degraded", problem.detail) if problem else AgentStatus("ready")

    def problem(self) -> Problem | None:
        if self.draining:
            return Problem("the agent is stopping")
        problems = [self.runner.problem(), self._dependencies.problem()]
        problems += [each.problem() for each in self._extensions]
        return next((problem for problem in problems if problem), None)

    def extension_metrics(self) -> list[Metric]:
        return [metric for each in self._extensions for metric in each.metrics()]

    def request_stop(self) -> None:
        """A second call does not wait for running requests."""
        self._shutdown.report(Step.REQUESTED)

    def run(self, app: FastAPI) -> int:
        """Serve until SIGTERM or SIGINT; return the exit code. Raises ConfigError."""
        listening = listen(self.config.port, self.config.listen)
        free_forks(lambda: [listening, *self._connections()])
        for number in (signal.SIGTERM, signal.SIGINT):
            # Called even while a handler blocks the loop, unlike asyncio's.
            signal.signal(number, lambda *_: self.request_stop())
        with asyncio.Runner() as runner:
            loop = runner.get_loop()
            serving = loop.create_task(self._serve_and_exit(app, listening))
            while not serving.done():
                try:
                    loop.run_until_complete(serving)
                except BaseException:
                    if serving.done():
                        raise
                    # SystemExit in a task stops the loop.
                    logger.exception("a task of the handler failed")
        return 0

    async def _serve_and_exit(self, app: FastAPI, listening: socket.socket) -> None:
        await self.serve(app, listening)
        # Closing the loop would wait for the handler's threads.
        self._give_up()

    async def serve(self, app: FastAPI, listening: socket.socket) -> None:
        loop = asyncio.get_running_loop()
        threading.Thread(target=self._follow, args=[loop], name="shutdown", daemon=True).start()
        self._start_parts()
        server = self._server = Server(
            uvicorn.Config(
                app,
                http=Connection,
                ws="none",
                lifespan="off",
                log_config=None,
                log_level="warning",
                access_log=False,
                proxy_headers=False,  # access/addresses.py reads them
                timeout_keep_alive=self.config.keep_alive_seconds,  # type: ignore[arg-type]  # a float will do
                timeout_graceful_shutdown=SENDING_SECONDS,
            )
        )
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        await server.listens.wait()
        logger.info("%s listens on port %s", self.config.agent_id, self.config.port)
        for extension in self._extensions:
            await extension.start()
        await self._stop.wait()
        await self._finish_running()
        # Before the socket closes: a listed agent must be reachable.
        await self._stop_extensions()
        server.should_exit = True
        await serving
        self._dependencies.stop()
        self.runner.close()
        await _cancel_tasks()
        self._shutdown.report(Step.ENDED)

    def _start_parts(self) -> None:
        set_defaults(self.config.environment, self.config.environ)
        missing = load_secrets(self.config.secrets, self.config.environ)
        if missing:
            logger.error("%s", missing)
            self.runner.refuse(Problem("a secret is missing", missing))
        else:
            self.runner.start_loading()
        self._dependencies.start()

    async def _finish_running(self) -> None:
        deadline = asyncio.get_running_loop().time() + self.config.drain_seconds
        while self.jobs.running and not self._shutdown.hurried:
            if asyncio.get_running_loop().time() >= deadline:
                break
            await asyncio.sleep(POLL_SECONDS)
        if self.jobs.running:
            logger.warning("stopping without %s running request(s)", self.jobs.running)
        await self.jobs.cancel_all(CANCELLING_SECONDS)
        self._shutdown.report(Step.DRAINED)

    def _connections(self) -> list[socket.socket]:
        return self._server.connected() if self._server else []

    async def _stop_extensions(self) -> None:
        for extension in self._extensions:
            await extension.stop()

    def _follow(self, loop: asyncio.AbstractEventLoop) -> None:
        self._shutdown.wait_for_request()
        self.draining = True
        logger.info("stopping; running requests: %s", self.jobs.running)
        for extension in self._extensions:
            extension.drain()
        loop.call_soon_threadsafe(self._stop.set)
        if not self._shutdown.ends_in_time(loop):
            logger.warning("stopping although the handler blocks the event loop")
            asyncio.run(self._stop_extensions())
            self._give_up()


async def _cancel_tasks() -> None:
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    if left:
        await asyncio.wait(left, timeout=CANCELLING_SECONDS)
