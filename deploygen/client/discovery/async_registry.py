import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Self, Unpack

import httpx

from ..registration.connections import connection_error
from .agent import Agent
from .async_watch import AsyncWatch
from .calls import LIST, PICK, Page, Pages, Target
from .filters import ListFilters, PickFilters, WatchFilters
from .reading import read_text_async
from .registry import CALL_SECONDS, Agents


class AsyncRegistry:
    """Finds agents, in one event loop. `token` is one that may read.

    All calls raise RegistryUnavailable and RegistryRefused.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, seconds: float = CALL_SECONDS
    ) -> None:
        """Takes and raises what Registry does."""
        self._target = Target(url, token)
        self._seconds = seconds
        self._http = self._target.open(httpx.AsyncClient, seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        await self._http.aclose()

    async def list(self, **filters: Unpack[ListFilters]) -> Agents:
        """Return all agents that match, by default those alive."""
        return [agent for page in await self._pages(filters) for agent in page.agents]

    async def get(self, agent_id: str) -> Agent | None:
        """Return an agent, alive or not; None if there is none."""
        return self._target.agent(*await self._call(self._target.agent_path(agent_id)))

    async def pick(
        self, *, exclude: Sequence[str] = (), **filters: Unpack[PickFilters]
    ) -> Agent | None:
        """Return an agent that takes work, preferably one with little load, or None.

        `exclude`: unwanted ids.
        """
        query = self._target.pick_query(filters, exclude)
        return self._target.agent(*await self._call(PICK, query))

    def watch(self, **filters: Unpack[WatchFilters]) -> AsyncWatch:
        """Follow the agents that match: first those that are there, then every change."""
        return AsyncWatch(self._http, self._target, self._pages, filters)

    async def _pages(self, filters: Mapping[str, Any]) -> Pages:
        pages: list[Page] = []
        while not pages or pages[-1].next_page:
            query = self._target.list_query(filters, pages[-1].next_page if pages else None)
            pages.append(self._target.page(*await self._call(LIST, query)))
        return pages

    async def _call(
        self, path: str, query: httpx.QueryParams | None = None
    ) -> tuple[httpx.Response, bytes]:
        target = self._target
        try:
            async with asyncio.timeout(self._seconds):
                request = self._http.stream(
                    "GET", target.url + path, params=query, headers=target.headers()
                )
                async with request as response:
                    return response, await read_text_async(response, self._seconds)
        except (TimeoutError, httpx.HTTPError) as error:
            raise connection_error(error, self._seconds, target.through) from error
