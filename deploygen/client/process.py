"""Keeps this process registered as an agent, from a thread of its own."""

import asyncio
import atexit
import logging
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any, Self

from .environment import read_secret
from .registration import STOPPING_SECONDS, AgentRegistryClient, Pacing, RegistryError
from .registration.description import describe

logger = logging.getLogger("agent.registry")

URL_VARIABLE = "AGENT_REGISTRY_URL"
TOKEN_VARIABLE = "AGENT_ENROLMENT_TOKEN"  # noqa: S105 - the variable's name
STOP_SECONDS = STOPPING_SECONDS + 0.5


class Loop(asyncio.SelectorEventLoop):
    """Resolves names without threads, which cannot start when the interpreter ends."""

    async def getaddrinfo(
        self,
        host: str | bytes | None,
        port: str | int | bytes | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 - as its callers name it
        proto: int = 0,
        flags: int = 0,
    ) -> Any:
        return socket.getaddrinfo(host, port, family, type, proto, flags)


class Registration:
    """Registers this process, sends heartbeats, and deregisters.

        app = FastAPI(lifespan=Registration("search-1", port=8000).lifespan)
        Registration("search-1", port=8000).start()  # until the process exits
        with Registration("worker-1"): ...

    A registry that is away costs nothing but log lines: it is tried again.
    """

    def __init__(
        self,
        agent_id: str,
        *,
        registry_url: str | None = None,
        enrolment_token: str | None = None,
        host: str = "",
        port: int = 0,
        ttl_seconds: int = 60,
        agent_name: str = "",
        version: str = "",
        tags: Sequence[str] = (),
        skills: Sequence[str] = (),
        metadata: Mapping[str, Any] | None = None,
        agent_card: Mapping[str, Any] | None = None,
        report: Callable[[], Mapping[str, Any]] | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        """By default, the URL is AGENT_REGISTRY_URL, and the host that of own_host().

        The token is AGENT_ENROLMENT_TOKEN or the content of the file AGENT_ENROLMENT_TOKEN_FILE.
        The port is 8000. AGENT_HOST and AGENT_PORT override host and port. `report` returns status,
        load and note for each heartbeat. Raises ValueError for a wrong URL or port.
        """
        url = registry_url or os.environ.get(URL_VARIABLE)
        if not url:
            raise ValueError(f"give the registry's URL, or set {URL_VARIABLE}")
        self._new_client = partial(
            AgentRegistryClient,
            url,
            agent_id,
            ttl_seconds,
            ttl_seconds / 3,
            report=report,
            pacing=pacing,
            enrolment_token=enrolment_token or (lambda: read_secret(TOKEN_VARIABLE)),
        )
        address: dict[str, Any] = {"host": host, "port": port}
        address = {name: value for name, value in address.items() if value}
        self._registration = partial(
            AgentRegistryClient.register,
            metadata={**(metadata or {}), **address},
            agent_name=agent_name,
            version=version,
            tags=tags,
            skills=skills,
            agent_card=agent_card,
        )
        describe(agent_id, ttl_seconds, address)
        self._client = self._new_client()
        self._process: int | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stop = asyncio.Event()
        self._is_stopping = False
        self._ended: Future[None] = Future()

    @property
    def is_registered(self) -> bool:
        return self._client.registered

    @property
    def problem(self) -> str | None:
        """Why it should get no work, such as that another process has its id; or None."""
        return self._client.problem

    def start(self) -> Self:
        """Register in the background, until `stop` or the end of the process.

        A process killed by a signal stays listed until its lease ends.
        """
        if self._process == os.getpid():
            return self
        self._process = os.getpid()
        self._client, self._loop = self._new_client(), None
        self._stop, self._is_stopping, self._ended = asyncio.Event(), False, Future()
        threading.Thread(target=self._run, name="registration", daemon=True).start()
        atexit.register(self.stop)
        return self

    def stop(self) -> None:
        """Deregister, within STOP_SECONDS."""
        if self._process != os.getpid():  # a fork: its parent stays registered
            return
        self._is_stopping = True
        with suppress(RuntimeError):  # its loop has just ended
            if self._loop is not None:
                self._loop.call_soon_threadsafe(self._stop.set)
        with suppress(TimeoutError):
            self._ended.result(STOP_SECONDS)
        self._process = None
        atexit.unregister(self.stop)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncIterator[None]:
        """For FastAPI and Starlette. An app with its own lifespan enters this one in there."""
        self.start()
        try:
            yield
        finally:
            await asyncio.to_thread(self.stop)

    def _run(self) -> None:
        try:
            with asyncio.Runner(loop_factory=Loop) as runner:
                runner.run(self._keep_registered())
        except Exception:
            logger.exception("the registration has failed; the lease ends by itself")
        finally:
            self._ended.set_result(None)

    async def _keep_registered(self) -> None:
        self._loop = asyncio.get_running_loop()
        if self._is_stopping:  # before there was a loop
            return
        client = self._client
        with suppress(RegistryError):  # logged; the loop tries again
            await self._registration(client)
        await client.start_heartbeat_loop()
        await self._stop.wait()
        await client.deregister()
