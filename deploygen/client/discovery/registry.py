from collections.abc import Mapping, Sequence
from typing import Any, Self, Unpack

import httpx

from ..registration.connections import connection_error
from .agent import Agent
from .calls import LIST, PICK, Page, Pages, Target
from .filters import ListFilters, PickFilters, WatchFilters
from .reading import read_text
from .watch import Watch

Agents = list[Agent]

CALL_SECONDS = 10.0


class Registry:
    """Finds agents. Threads may share it. `token` is one that may read.

    All calls raise RegistryUnavailable and RegistryRefused.
    """

    def __init__(
        self, url: str | None = None, token: str | None = None, *, seconds: float = CALL_SECONDS
    ) -> None:
        """By default, the URL is AGENT_REGISTRY_URL. `seconds`: the longest call.

        The token is AGENT_REGISTRY_TOKEN or the content of the file AGENT_REGISTRY_TOKEN_FILE.
        Raises ValueError for an unusable URL or token, and RegistryUnavailable for unusable
        variables of a proxy or of certificates.
        """
        self._target = Target(url, token)
        self._seconds = seconds
        self._http = self._target.open(httpx.Client, seconds)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._http.close()

    def list(self, **filters: Unpack[ListFilters]) -> Agents:
        """Return all agents that match, by default those alive."""
        return [agent for page in self._pages(filters) for agent in page.agents]

    def get(self, agent_id: str) -> Agent | None:
        """Return an agent, alive or not; None if there is none."""
        return self._target.agent(*self._call(self._target.agent_path(agent_id)))

    def pick(self, *, exclude: Sequence[str] = (), **filters: Unpack[PickFilters]) -> Agent | None:
        """Return an agent that takes work, preferably one with little load, or None.

        `exclude`: unwanted ids.
        """
        query = self._target.pick_query(filters, exclude)
        return self._target.agent(*self._call(PICK, query))

    def watch(self, **filters: Unpack[WatchFilters]) -> Watch:
        """Follow the agents that match: first those that are there, then every change."""
        return Watch(self._http, self._target, self._pages, filters)

    def _pages(self, filters: Mapping[str, Any]) -> Pages:
        pages: list[Page] = []
        while not pages or pages[-1].next_page:
            query = self._target.list_query(filters, pages[-1].next_page if pages else None)
            pages.append(self._target.page(*self._call(LIST, query)))
        return pages

    def _call(
        self, path: str, query: httpx.QueryParams | None = None
    ) -> tuple[httpx.Response, bytes]:
        target = self._target
        try:
            request = self._http.stream(
                "GET", target.url + path, params=query, headers=target.headers()
            )
            with request as response:
                return response, read_text(response, self._seconds)
        except httpx.HTTPError as error:
            raise connection_error(error, self._seconds, target.through) from error
