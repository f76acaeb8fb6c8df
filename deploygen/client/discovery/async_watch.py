import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any, Self

import httpx

from ..registration.errors import RegistryError, RegistryUnavailable
from ..registration.pacing import Pacing
from .agent import Agent
from .calls import WATCH, Pages, Target, as_registry_error
from .events import Decoder, NotAMessage
from .filters import query_of
from .following import ENDED, SILENCE_SECONDS, Following
from .reading import read_text_async
from .view import Change


class AsyncWatch:
    """An endless iterator over changes. `agents` is a view that they keep up to date.

    It reconnects and goes on where it was. Raises RegistryRefused. To end it, cancel the task that
    iterates.
    """

    def __init__(
        self,
        http: httpx.AsyncClient,
        target: Target,
        list_pages: Callable[[Mapping[str, Any]], Awaitable[Pages]],
        filters: Mapping[str, Any],
        pacing: Pacing | None = None,
    ) -> None:
        self._http = http
        self._target = target
        self._list_pages = list_pages
        self._filters = filters
        self._following = Following(pacing)
        self._pending: deque[Change] = deque()
        self._response: httpx.Response | None = None
        self._chunks: AsyncIterator[bytes] | None = None
        self._decoder = Decoder()

    @property
    def agents(self) -> Mapping[str, Agent]:
        """By id."""
        return self._following.view.agents

    @property
    def problem(self) -> str | None:
        """Why `agents` may be out of date; None while the registry sends its changes."""
        return self._following.problem

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            await response.aclose()

    def __aiter__(self) -> AsyncIterator[Change]:
        return self

    async def __anext__(self) -> Change:
        while not self._pending:
            await self._advance()
        return self._pending.popleft()

    async def follow(self) -> None:
        """Keep the view up to date, for a task that does not need the changes."""
        async for _ in self:
            pass

    async def _advance(self) -> None:
        following = self._following
        try:
            if following.cursor is None:
                await self.aclose()
                self._pending.extend(following.listed(await self._list_pages(self._filters)))
            elif self._response is None:
                await self._connect(following.cursor)
            else:
                await self._read()
        except (RegistryError, httpx.HTTPError, NotAMessage, TimeoutError) as error:
            await self.aclose()
            pause = following.failed(as_registry_error(error, SILENCE_SECONDS, self._target))
            await asyncio.sleep(pause)

    async def _connect(self, cursor: str) -> None:
        request = self._http.build_request(
            "GET",
            self._target.url + WATCH,
            params=query_of(self._filters),
            headers=self._target.stream_headers(cursor),
            timeout=httpx.Timeout(self._http.timeout.connect, read=SILENCE_SECONDS),
        )
        self._response = response = await self._http.send(request, stream=True)
        text = b"" if response.is_success else await read_text_async(response, SILENCE_SECONDS)
        self._target.check_stream(response, text)
        self._chunks, self._decoder = response.aiter_bytes(), Decoder()

    async def _read(self) -> None:
        chunk = await anext(self._chunks, None) if self._chunks else None
        if chunk is None:
            raise RegistryUnavailable(ENDED)
        for message in self._decoder.feed(chunk):
            self._pending.extend(self._following.received(message))
