import socket
import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from typing import Any, Self

import httpx

from ..registration.errors import RegistryError, RegistryUnavailable
from ..registration.pacing import Pacing
from .agent import Agent
from .calls import WATCH, Pages, Target, as_registry_error
from .events import Decoder, NotAMessage
from .filters import query_of
from .following import ENDED, SILENCE_SECONDS, Following
from .reading import read_text
from .view import Change


class Watch:
    """An endless iterator over changes. `agents` is a view that they keep up to date.

    It reconnects and goes on where it was. Raises RegistryRefused.
    """

    def __init__(
        self,
        http: httpx.Client,
        target: Target,
        list_pages: Callable[[Mapping[str, Any]], Pages],
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
        self._chunks: Iterator[bytes] = iter(())
        self._decoder = Decoder()
        self._closed = threading.Event()
        self._turn = threading.Lock()  # of the thread that iterates

    @property
    def agents(self) -> Mapping[str, Agent]:
        """By id."""
        return self._following.view.agents

    @property
    def problem(self) -> str | None:
        """Why `agents` may be out of date; None while the registry sends its changes."""
        return self._following.problem

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __iter__(self) -> Iterator[Change]:
        return self

    def __next__(self) -> Change:
        with self._turn:
            while not self._pending:
                if self._closed.is_set():
                    raise StopIteration
                self._advance()
            return self._pending.popleft()

    def follow(self) -> None:
        """Keep the view up to date until `close`, for a thread that does not need the changes."""
        for _ in self:
            pass

    def close(self) -> None:
        """End the iteration; any thread may call it."""
        self._closed.set()
        response = self._response
        if response is not None:
            # Wakes a thread that reads.
            sock = response.extensions["network_stream"].get_extra_info("socket")
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        with self._turn:
            self._disconnect()

    def _advance(self) -> None:
        following = self._following
        try:
            if following.cursor is None:
                self._disconnect()
                self._pending.extend(following.listed(self._list_pages(self._filters)))
            elif self._response is None:
                self._connect(following.cursor)
            else:
                self._read()
        except (RegistryError, httpx.HTTPError, NotAMessage) as error:
            self._disconnect()
            pause = following.failed(as_registry_error(error, SILENCE_SECONDS, self._target))
            self._closed.wait(pause)

    def _connect(self, cursor: str) -> None:
        request = self._http.build_request(
            "GET",
            self._target.url + WATCH,
            params=query_of(self._filters),
            headers=self._target.stream_headers(cursor),
            timeout=httpx.Timeout(self._http.timeout.connect, read=SILENCE_SECONDS),
        )
        self._response = response = self._http.send(request, stream=True)
        text = b"" if response.is_success else read_text(response, SILENCE_SECONDS)
        self._target.check_stream(response, text)
        self._chunks, self._decoder = response.iter_bytes(), Decoder()

    def _read(self) -> None:
        chunk = next(self._chunks, None)
        if chunk is None:
            raise RegistryUnavailable(ENDED)
        for message in self._decoder.feed(chunk):
            self._pending.extend(self._following.received(message))

    def _disconnect(self) -> None:
        response, self._response = self._response, None
        if response is not None:
            response.close()
