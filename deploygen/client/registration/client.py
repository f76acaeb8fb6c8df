import asyncio
import contextlib
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any

from .description import AgentCard, EnrolmentToken, complete, describe, hint, token_to_show
from .errors import EnvironmentUnusable, RegistryError, RegistryRefused, RegistryUnavailable
from .http import RegistryHttp
from .lease import LAST_CALL_SECONDS, Lease
from .pacing import Pacing, Schedule

logger = logging.getLogger("agent.registry")


class AgentRegistryClient:
    """Keeps an agent registered, in one event loop. Any thread may read `problem`."""

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
        enrolment_token: EnrolmentToken = None,
    ) -> None:
        """`heartbeat_interval`: seconds; the registry's replaces it unless `keep_interval`.

        `report` returns status, load and note. `enrolment_token` may be a function, called for each
        registration. Raises ValueError as check_url does.
        """
        self.agent_id = agent_id
        self.ttl_seconds = ttl_seconds
        self.problem: str | None = None  # why the agent should get no work
        self._lease = Lease(RegistryHttp(registry_url), agent_id, ttl_seconds)
        pacing = pacing or Pacing()
        self.schedule = Schedule(heartbeat_interval, ttl_seconds, pacing, keep=keep_interval)
        self._report = report or dict
        self._enrolment_token = enrolment_token
        self._description: dict[str, Any] = {}
        self._card: AgentCard = None
        self._awake = asyncio.Event()
        self._turn = asyncio.Lock()
        self._heartbeats: asyncio.Task[None] | None = None

    @property
    def registered(self) -> bool:
        return self._lease.held

    @property
    def interval(self) -> float:
        return self.schedule.interval

    async def register(
        self,
        metadata: Mapping[str, Any] | None = None,
        *,
        agent_name: str = "",
        version: str = "",
        tags: Sequence[str] = (),
        skills: Sequence[str] = (),
        agent_card: AgentCard = None,
    ) -> dict[str, Any]:
        """Return the registry's record. Raises ValueError, RegistryRefused, RegistryUnavailable.

        describe() and own_host() choose host and port. After a failure the heartbeat loop tries
        again.
        """
        self._description = describe(
            self.agent_id,
            self.ttl_seconds,
            metadata or {},
            agent_name=agent_name,
            version=version,
            tags=list(tags),
            skills=list(skills),
        )
        self._card = agent_card
        async with self._turn:
            self._lease.superseded = self._lease.in_doubt = False
            return await self._register()

    async def start_heartbeat_loop(self) -> None:
        if not self._description:
            self._description = describe(self.agent_id, self.ttl_seconds, {})
        if self._heartbeats is None or self._heartbeats.done():
            self._heartbeats = asyncio.create_task(self._keep_lease())

    def heartbeat_now(self) -> None:
        if self.registered:
            self._awake.set()

    async def deregister(self) -> bool:
        """Stop within STOPPING_SECONDS. Return whether the lease is gone; otherwise it expires."""
        await self._stop_heartbeats()
        return await self._lease.end()

    async def _keep_lease(self) -> None:
        while not self._lease.superseded:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self.schedule.seconds_left()):
                    await self._awake.wait()
            async with self._turn:
                self._awake.clear()
                try:
                    await (self._renew() if self.registered else self._register())
                except RegistryError:
                    continue
                except Exception:
                    logger.exception("a heartbeat failed; the next one may not")
                    self._failed("the agent failed")

    async def _register(self) -> dict[str, Any]:
        started = time.monotonic()
        try:
            token = token_to_show(self._enrolment_token)
        except ValueError as error:
            self._not_registered(f"not registered: {error}")
            raise RegistryRefused(str(error), HTTPStatus.UNAUTHORIZED) from error
        try:
            body = await complete(self._description, self._card, self._lease.http.next_hop())
            status = self._report().get("status")
            record = await self._lease.take(body | ({"status": status} if status else {}), token)
        except RegistryRefused as error:
            more = hint(error.status, token)
            self._not_registered(f"the registry refused the registration: {error}{more}")
            raise
        except RegistryUnavailable as error:
            self._unavailable(error)
            raise
        self._succeeded(record)
        self.schedule.registered(started)
        where, ttl = f"{body['host']}, port {body['port']}", self.ttl_seconds
        logger.info("registered as %s at %s, for %s s at a time", self.agent_id, where, ttl)
        return record

    async def _renew(self) -> None:
        try:
            response = await self._lease.renew(dict(self._report()), self.interval)
        except RegistryUnavailable as error:
            self._unavailable(error)
        except RegistryRefused as error:
            if self._lease.superseded:
                self._set_problem(f"another agent has registered as {self.agent_id}")
            elif self._lease.held:
                self._set_problem(f"the registry refused the heartbeat: {error}")
                self._failed(str(error))
            else:
                logger.warning("the lease is lost (%s); registering again", error)
                await self._register()
        else:
            self._succeeded(response)
            self.schedule.renewed()

    async def _stop_heartbeats(self) -> None:
        # A registration that is cut off may still take effect.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_CALL_SECONDS), self._turn:
                pass
        if self._heartbeats is not None:
            self._heartbeats.cancel()
            await asyncio.wait([self._heartbeats])

    def _succeeded(self, response: Mapping[str, Any]) -> None:
        self.problem = None
        self.schedule.follow(response.get("heartbeat_interval"))

    def _unavailable(self, error: RegistryUnavailable) -> None:
        if isinstance(error, EnvironmentUnusable):
            self._set_problem(f"the registry cannot be called: {error}")
        self._failed(str(error), error.retry_after)

    def _failed(self, why: str, retry_after: float | None = None) -> None:
        pause = self.schedule.failed(retry_after)
        level = logging.WARNING if self.schedule.failures == 1 else logging.DEBUG
        logger.log(level, "the registry is not available (%s); next try in %.1f s", why, pause)

    def _not_registered(self, problem: str) -> None:
        self._set_problem(problem)
        self.schedule.refused(soon=self._lease.was_held)

    def _set_problem(self, problem: str) -> None:
        if problem != self.problem:
            logger.error("%s", problem)
        self.problem = problem
