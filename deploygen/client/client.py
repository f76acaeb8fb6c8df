"""Keeps an agent in the registry: registers it, renews its lease, takes it off the list.

It needs httpx, registry_http.py and pacing.py, and knows nothing of the server beside it.
"""

import asyncio
import contextlib
import logging
import math
import os
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from .http import RegistryError, RegistryHttp, RegistryRefused, RegistryUnavailable
from .pacing import Pacing, next_beat

logger = logging.getLogger("agent.registry")

DEFAULT_PORT = 8000
LONGEST_REQUEST_SECONDS = 10.0
SHORTEST_INTERVAL_SECONDS = 0.05
# At the end: for the call that is under way, then for deregistering.
LAST_CALL_SECONDS = 0.5
DEREGISTER_SECONDS = 1.5
DEREGISTER_PAUSE_SECONDS = 0.2
# Refusals of a heartbeat that speak of the lease, not of what the agent says of itself.
ABOUT_THE_LEASE = {
    *(HTTPStatus.NOT_FOUND, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.CONFLICT)
}


class AgentRegistryClient:
    """One agent's lease. All of it is for one event loop; `problem` can be asked from anywhere."""

    def __init__(
        self,
        registry_url: str,
        agent_id: str,
        ttl_seconds: int = 60,
        heartbeat_interval: float = 20,
        *,
        keep_interval: bool = False,
        report: Callable[[], Mapping[str, Any]] | None = None,
        pacing: Pacing | None = None,
        enrolment_token: str | Callable[[], str | None] | None = None,
    ) -> None:
        """The lease ends `ttl_seconds` after its last renewal, one every `heartbeat_interval`.

        The interval that the registry asks for takes its place, unless `keep_interval`; one of
        more than half the TTL is made a third of it. `report` is called before each heartbeat,
        and gives what the agent says of itself: status, load, note. `enrolment_token` is shown
        when registering; a function that gives it is asked each time, and raises ValueError when
        it cannot. Raises ValueError when `registry_url` is not an http or https URL.
        """
        self.agent_id = agent_id
        self.ttl_seconds = ttl_seconds
        self.interval = _bounded(heartbeat_interval, ttl_seconds)
        self.registered = False
        # Why the agent should not be given work; None when nothing speaks against it.
        self.problem: str | None = None
        self._registry = RegistryHttp(registry_url)
        self._keep_interval = keep_interval
        self._report = report or dict
        self._pacing = pacing or Pacing()
        self._enrolment_token = enrolment_token
        self._path = f"/agents/{quote(agent_id, safe=':')}"
        self._said: dict[str, Any] | None = None
        self._lease_token: str | None = None
        self._superseded = False
        # A registration of ours that was not answered, and so may be the newest of all.
        self._in_doubt = False
        # Whether what the agent says of itself was refused when it was last said.
        self._misunderstood = False
        self._failures = 0
        self._due = 0.0  # of the next call, on the monotonic clock
        self._awake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._heartbeats: asyncio.Task[None] | None = None

    async def register(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        agent_name: str = "",
        version: str = "",
        tags: Sequence[str] = (),
        skills: Sequence[str] = (),
    ) -> dict[str, Any]:
        """Register the agent under its host and port; return the registry's record of it.

        These are AGENT_HOST and AGENT_PORT, else `host` and `port` of the metadata, else the
        name of this machine and 8000. Raises RegistryRefused or RegistryUnavailable; even so, a
        heartbeat loop that runs, or is started then, registers the agent as soon as it can.
        Raises ValueError when the port is no number.
        """
        found = {"version": version, "tags": list(tags), "skills": list(skills)}
        self._said = self._describe(metadata or {}, agent_name)
        self._said |= {key: value for key, value in found.items() if value}
        async with self._turn:
            self._superseded = self._in_doubt = False
            return await self._register()

    async def start_heartbeat_loop(self) -> None:
        """Start to renew the lease in the background. Returns at once.

        Where there is no lease (any more), the loop registers the agent. It ends when another
        agent has registered under this id, and with `deregister`.
        """
        if self._said is None:
            self._said = self._describe({}, "")
        if self._heartbeats is None or self._heartbeats.done():
            self._heartbeats = asyncio.create_task(self._keep_lease())

    def heartbeat_now(self) -> None:
        """Let the next heartbeat not wait for its time: there is news to report."""
        if self.registered:
            self._awake.set()

    async def deregister(self) -> bool:
        """Stop the heartbeats and give the lease back. Returns whether it is gone.

        Takes two seconds at most; a lease that could not be given back ends by itself.
        """
        await self._stop_heartbeats()
        try:
            async with asyncio.timeout(DEREGISTER_SECONDS):
                return await self._give_back()
        except TimeoutError:
            logger.warning("not deregistered in time; the lease ends in %s s", self.ttl_seconds)
            return False
        finally:
            self.registered = False
            await self._registry.aclose()

    def _describe(self, metadata: Mapping[str, Any], agent_name: str) -> dict[str, Any]:
        environ = os.environ
        return {
            "agent_id": self.agent_id,
            "agent_name": agent_name or self.agent_id,
            "host": environ.get("AGENT_HOST") or metadata.get("host") or socket.gethostname(),
            "port": int(environ.get("AGENT_PORT") or metadata.get("port") or DEFAULT_PORT),
            "ttl_seconds": self.ttl_seconds,
            "metadata": dict(metadata),
        }

    async def _keep_lease(self) -> None:
        while not self._superseded:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, self._due - time.monotonic())):
                    await self._awake.wait()
            async with self._turn:
                self._awake.clear()
                try:
                    await (self._renew() if self.registered else self._register())
                except RegistryError:
                    continue  # noted already
                except Exception:
                    logger.exception("a heartbeat failed; the next one may not")
                    self._failed("a fault of the agent's own")

    async def _register(self) -> dict[str, Any]:
        started = time.monotonic()
        status = self._report().get("status")
        body = (self._said or {}) | ({"status": status} if status else {})
        try:
            shown = self._shown()
        except ValueError as error:
            self._not_registered(f"not registered: {error}")
            raise RegistryRefused(str(error), HTTPStatus.UNAUTHORIZED) from error
        try:
            answer = await self._registry.call(
                *("POST", "/agents/register"),
                body=body,
                access_token=shown,
                seconds=min(LONGEST_REQUEST_SECONDS, self.ttl_seconds),
            )
            token = _token(answer)
        except RegistryRefused as error:
            hint = _hint(error.status, shown)
            self._not_registered(f"the registry refused the registration: {error}{hint}")
            raise
        except RegistryUnavailable as error:
            self._in_doubt = self._in_doubt or error.perhaps_done
            self._failed(str(error), error.retry_after)
            raise
        self._lease_token = token
        self.registered = True
        self._succeeded(answer)
        self._due = started + self.interval
        logger.info("registered as %s, for %s s at a time", self.agent_id, self.ttl_seconds)
        return answer

    def _shown(self) -> str | None:
        """Return the enrolment token. Raises ValueError, whose message has nothing of it."""
        token = self._enrolment_token
        token = token() if callable(token) else token
        if token and not _can_be_sent(token):
            raise ValueError("the enrolment token is not one line of ASCII characters")
        return token or None

    async def _renew(self) -> None:
        try:
            answer = await self._beat(dict(self._report()))
        except RegistryUnavailable as error:
            self._failed(str(error), error.retry_after)
        except RegistryRefused as error:
            await self._renewal_refused(error)
        else:
            self._in_doubt = False
            self._succeeded(answer)
            now = time.monotonic()
            self._due = next_beat(min(self._due, now), self.interval, now)

    async def _beat(self, said: dict[str, Any]) -> dict[str, Any]:
        try:
            answer = await self._registry.call(
                *("POST", f"{self._path}/heartbeat"),
                body=said,
                lease_token=self._lease_token,
                seconds=min(LONGEST_REQUEST_SECONDS, self.interval),
            )
        except RegistryRefused as error:
            if not said or error.status in ABOUT_THE_LEASE:
                raise
            if not self._misunderstood:
                logger.error("the registry refused what the agent says of itself: %s", error)  # noqa: TRY400
            self._misunderstood = True
            # The lease shall not end for a word too many.
            return await self._beat({})
        if said:
            self._misunderstood = False
        return answer

    async def _renewal_refused(self, error: RegistryRefused) -> None:
        conflict = error.status == HTTPStatus.CONFLICT
        if error.status in ABOUT_THE_LEASE and (self._in_doubt or not conflict):
            logger.warning("the lease is lost (%s); registering again", error)
            self.registered = self._in_doubt = False
            await self._register()
        elif conflict:
            self.registered, self._superseded = False, True
            self._say_problem(f"another agent has registered as {self.agent_id}")
        else:
            self._say_problem(f"the registry refused the heartbeat: {error}")
            self._failed(str(error))

    async def _give_back(self) -> bool:
        while self.registered:
            try:
                await self._registry.call(
                    "DELETE", self._path, lease_token=self._lease_token, seconds=DEREGISTER_SECONDS
                )
            except RegistryUnavailable:
                await asyncio.sleep(DEREGISTER_PAUSE_SECONDS)
                continue
            except RegistryRefused as error:
                if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                    logger.warning("not deregistered: %s", error)
                    return False
            logger.info("deregistered %s", self.agent_id)
            return True
        return not self._in_doubt

    async def _stop_heartbeats(self) -> None:
        # A registration that was cut off might be carried out later, and nobody would renew it.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CALL_SECONDS), self._turn:
                pass
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.wait([self._heartbeats])

    def _succeeded(self, answer: Mapping[str, Any]) -> None:
        self._failures = 0
        self.problem = None
        asked = answer.get("heartbeat_interval")
        if not self._keep_interval and isinstance(asked, int | float) and 0 < asked < math.inf:
            self.interval = _bounded(asked, self.ttl_seconds)

    def _failed(self, why: str, retry_after: float | None = None) -> None:
        self._failures += 1
        pause = self._pacing.after_failure(self._failures, self.interval, retry_after)
        self._due = time.monotonic() + pause
        level = logging.WARNING if self._failures == 1 else logging.DEBUG
        logger.log(level, "the registry is not available (%s); next try in %.1f s", why, pause)

    def _not_registered(self, problem: str) -> None:
        self._say_problem(problem)
        self._due = time.monotonic() + self._pacing.after_refusal()

    def _say_problem(self, problem: str) -> None:
        if problem != self.problem:
            logger.error("%s", problem)
        self.problem = problem


def _token(answer: Mapping[str, Any]) -> str | None:
    token = answer.get("lease_token")
    if token is None or (isinstance(token, str) and _can_be_sent(token)):
        return token
    raise RegistryUnavailable("a lease token that cannot be sent")


def _can_be_sent(token: str) -> bool:
    return token.isascii() and token.isprintable()


def _hint(status: int, shown: str | None) -> str:
    """Say what to do about a registration that was refused; nothing where that is not known."""
    if status not in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ""
    if shown is None:
        return " - set AGENT_ENROLMENT_TOKEN, or AGENT_ENROLMENT_TOKEN_FILE"
    return " - the token in AGENT_ENROLMENT_TOKEN, or its file, is not good for this agent"


def _bounded(interval: float, ttl_seconds: int) -> float:
    if interval > ttl_seconds / 2:
        interval = ttl_seconds / 3
    return max(interval, SHORTEST_INTERVAL_SECONDS)
