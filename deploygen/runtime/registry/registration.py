"""In its own thread: a handler that blocks the server's event loop must not cost the lease."""

import asyncio
import contextlib
import functools
import logging
import re
import threading
from concurrent.futures import Future
from typing import Any

from ..config import AgentConfig, ConfigError
from ..environment import read_secret
from ..extensions import StatusReader
from ..metrics import Metric
from ..problems import Problem
from .card import registered_card
from .changes import StatusChanges
from .client import STOPPING_SECONDS, AgentRegistryClient
from .lease_metrics import lease_metrics
from .loop_lag import LoopLag
from .settings import read_settings, url_source

ENROLMENT_TOKEN = "AGENT_ENROLMENT_TOKEN"  # noqa: S105 - the variable's name
# Patterns of URLs without traces.
UNTRACED = "OTEL_PYTHON_HTTPX_EXCLUDED_URLS"
LONGEST_NOTE = 256
DEGRADED_LAG_SECONDS = 1.0
STOP_SECONDS = STOPPING_SECONDS + 0.5


def extension(config: AgentConfig, status: StatusReader) -> "Registration":
    """Raises ConfigError."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    registration = Registration(config, status)
    # No trace either.
    config.environ.setdefault(UNTRACED, f"{re.escape(read_settings(config).url)}/agents/")
    return registration


class Registration:
    def __init__(self, config: AgentConfig, status: StatusReader) -> None:
        settings = read_settings(config)
        self._config = config
        self._status = status
        try:
            self._client = AgentRegistryClient(
                settings.url,
                config.agent_id,
                settings.ttl_seconds,
                settings.heartbeat_interval or settings.ttl_seconds / 3,
                keep_interval=settings.heartbeat_interval is not None,
                report=self._report,
                enrolment_token=lambda: read_secret(ENROLMENT_TOKEN, config.environ),
            )
        except ValueError as error:
            raise ConfigError(f"{url_source(config)}: {error}") from error
        self._changes = StatusChanges(lambda: self._state()["status"], self._send_change)
        self._lag: LoopLag | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._stopping = False
        self._ended: Future[None] = Future()

    async def start(self) -> None:
        self._lag = LoopLag(asyncio.get_running_loop())
        threading.Thread(target=self._run, name="registration", daemon=True).start()

    def drain(self) -> None:
        self._call(self._client.heartbeat_now)

    async def stop(self) -> None:
        self._stopping = True
        self._call(self._stop.set)
        if self._lag is not None:
            await asyncio.wait([asyncio.wrap_future(self._ended)], timeout=STOP_SECONDS)

    def metrics(self) -> list[Metric]:
        return lease_metrics(self._client)

    def problem(self) -> Problem | None:
        problem = self._client.problem
        return Problem("the agent is not registered", problem) if problem else None

    def _run(self) -> None:
        try:
            asyncio.run(self._keep_registered(self._lag))
        finally:
            self._ended.set_result(None)

    async def _keep_registered(self, lag: LoopLag | None) -> None:
        self._loop = asyncio.get_running_loop()
        if self._stopping:
            return
        watching = [asyncio.create_task(self._changes.watch())]
        if lag:
            watching.append(asyncio.create_task(lag.measure()))
        config = self._config
        metadata = {"description": config.description, "image_digest": config.image_digest}
        metadata = {name: value for name, value in metadata.items() if value}
        with contextlib.suppress(Exception):  # logged; the loop retries
            await self._client.register(
                metadata | {"port": self._config.port},
                agent_name=self._config.name,
                version=self._config.version,
                tags=self._config.tags,
                skills=[skill.id for skill in self._config.skills],
                agent_card=functools.cache(functools.partial(registered_card, config)),
            )
        await self._client.start_heartbeat_loop()
        await self._stop.wait()
        for task in watching:
            task.cancel()
        await self._client.deregister()

    def _call(self, function: Any) -> None:
        with contextlib.suppress(RuntimeError):
            if self._loop is not None:
                self._loop.call_soon_threadsafe(function)

    def _send_change(self) -> None:
        if not self._client.schedule.failures:
            self._client.heartbeat_now()

    def _report(self) -> dict[str, str]:
        state = self._state()
        self._changes.reported(state["status"])
        return state

    def _state(self) -> dict[str, str]:
        agent = self._status()
        status, note = agent.status, agent.note
        lag = self._lag.seconds() if self._lag else 0.0
        if lag > DEGRADED_LAG_SECONDS and status == "ready":
            status, note = "degraded", f"the handler has blocked the event loop for {lag:.0f} s"
        # The registry refuses control characters and surrogates.
        printable = "".join(each if each.isprintable() else " " for each in note[:LONGEST_NOTE])
        return {"status": status, "note": printable}
