import asyncio
import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from .errors import RegistryRefused, RegistryUnavailable
from .http import RegistryHttp

logger = logging.getLogger("agent.registry")

LONGEST_REQUEST_SECONDS = 10.0
LAST_CALL_SECONDS = 0.5
DEREGISTER_SECONDS = 1.5
DEREGISTER_PAUSE_SECONDS = 0.2
STOPPING_SECONDS = LAST_CALL_SECONDS + DEREGISTER_SECONDS
ABOUT_THE_LEASE = (
    HTTPStatus.NOT_FOUND,
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.CONFLICT,
)
ABOUT_THE_BODY = (
    HTTPStatus.BAD_REQUEST,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    HTTPStatus.UNPROCESSABLE_ENTITY,
)
CARD = "agent_card"


class Lease:
    def __init__(self, http: RegistryHttp, agent_id: str, ttl_seconds: int) -> None:
        self.http = http
        self.held = False
        self.was_held = False
        self.superseded = False
        self.in_doubt = False  # a registration without a response may have taken effect
        self._agent_id = agent_id
        self._path = f"/agents/{quote(agent_id, safe=':')}"
        self._ttl_seconds = ttl_seconds
        self._token: str | None = None
        self._report_refused = False

    async def take(self, body: Mapping[str, Any], access_token: str | None) -> dict[str, Any]:
        """Return the registry's record. Raises RegistryRefused, RegistryUnavailable."""
        try:
            return await self._take(body, access_token)
        except RegistryRefused as error:
            if CARD not in body or error.status not in ABOUT_THE_BODY:
                raise
            logger.warning("registering without the agent's card: %s", error)
            bare = {name: value for name, value in body.items() if name != CARD}
            return await self._take(bare, access_token)

    async def _take(self, body: Mapping[str, Any], access_token: str | None) -> dict[str, Any]:
        try:
            record = await self.http.call(
                "POST",
                "/agents/register",
                body=body,
                access_token=access_token,
                expected={"agent_id": self._agent_id},
                seconds=min(LONGEST_REQUEST_SECONDS, self._ttl_seconds),
            )
            self._token = _lease_token(record)
        except RegistryUnavailable as error:
            self.in_doubt = self.in_doubt or error.perhaps_done
            raise
        self.held = self.was_held = True
        return record

    async def renew(self, report: dict[str, Any], interval: float) -> dict[str, Any]:
        """Send a heartbeat within `interval` seconds, without the report if that is refused.

        Raises RegistryUnavailable, RegistryRefused.
        """
        try:
            response = await self._heartbeat(report, interval)
            self._report_refused = self._report_refused and not report
        except RegistryRefused as error:
            if error.status in ABOUT_THE_LEASE or not report:
                self._refused(error)
                raise
            if not self._report_refused:
                logger.error("the registry refused the agent's report: %s", error)  # noqa: TRY400
            self._report_refused = True
            return await self.renew({}, interval)
        self.in_doubt = False
        return response

    async def end(self) -> bool:
        """Deregister. Return whether the lease is gone; otherwise it expires."""
        try:
            async with asyncio.timeout(DEREGISTER_SECONDS):
                return await self._deregister()
        except TimeoutError:
            logger.warning("not deregistered in time; the lease ends in %s s", self._ttl_seconds)
            return False
        finally:
            self.held = False
            await self.http.aclose()

    async def _deregister(self) -> bool:
        while self.held:
            try:
                await self.http.call(
                    "DELETE",
                    self._path,
                    lease_token=self._token,
                    expected={"status": "deleted"},
                    seconds=DEREGISTER_SECONDS,
                )
            except RegistryUnavailable:
                await asyncio.sleep(DEREGISTER_PAUSE_SECONDS)
                continue
            except RegistryRefused as error:
                if error.status not in (HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT):
                    logger.warning("not deregistered: %s", error)
                    return False
            logger.info("deregistered %s", self._agent_id)
            return True
        return not self.in_doubt

    async def _heartbeat(self, report: Mapping[str, Any], interval: float) -> dict[str, Any]:
        return await self.http.call(
            "POST",
            f"{self._path}/heartbeat",
            body=report,
            lease_token=self._token,
            expected={"status": "ok"},
            seconds=min(LONGEST_REQUEST_SECONDS, interval),
        )

    def _refused(self, error: RegistryRefused) -> None:
        conflict = error.status == HTTPStatus.CONFLICT
        if conflict and not self.in_doubt:
            self.held, self.superseded = False, True
        elif error.status in ABOUT_THE_LEASE:
            self.held = self.in_doubt = False


def is_sendable(token: str) -> bool:
    return token.isascii() and token.isprintable()


def _lease_token(record: Mapping[str, Any]) -> str | None:
    token = record.get("lease_token")
    if token is None or (isinstance(token, str) and is_sendable(token)):
        return token
    raise RegistryUnavailable("a lease token that cannot be sent")
