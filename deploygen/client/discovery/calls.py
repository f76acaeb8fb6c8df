"""Requests and responses, for both the sync and the async client."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar
from urllib.parse import quote

import httpx

from ..environment import read_secret
from ..registration.connections import (
    authorization,
    connection_error,
    named,
    open_route,
    socks_unusable,
)
from ..registration.errors import RegistryError, RegistryRefused, RegistryUnavailable
from ..registration.lease import is_sendable
from ..registration.responses import error_of, foreign, json_of
from ..registration.url import check_url
from .agent import Agent
from .events import NotAMessage
from .filters import query_of

URL_VARIABLE = "AGENT_REGISTRY_URL"
TOKEN_VARIABLE = "AGENT_REGISTRY_TOKEN"  # noqa: S105 - the variable's name
CURSOR_HEADER = "Registry-Cursor"
PAGE_SIZE = 1_000
LONGEST_RESPONSE_BYTES = 64 * 1024 * 1024
# A watch holds a connection.
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=20)
ClientT = TypeVar("ClientT")
LIST, PICK, WATCH = "/agents", "/agents/pick", "/agents/watch"


@dataclass(frozen=True)
class Page:
    """`next_page`: a cursor. `cursor`: where a watch goes on from this list."""

    agents: list[Agent]
    next_page: str | None
    cursor: str | None


Pages = Sequence[Page]


class Target:
    """The registry, and how it is reached. `through`: names the proxy."""

    def __init__(self, url: str | None, token: str | None) -> None:
        """Raises ValueError, EnvironmentUnusable."""
        url = url or os.environ.get(URL_VARIABLE)
        if not url:
            raise ValueError(f"give the registry's URL, or set {URL_VARIABLE}")
        check_url(url)
        self.url = url.rstrip("/")
        self.token = token or read_secret(TOKEN_VARIABLE)
        if self.token and not is_sendable(self.token):
            raise ValueError("the token is not one line of ASCII characters")
        self._route, self._options = open_route(httpx.URL(self.url))
        self.through = named(self._route)

    def open(self, client: Callable[..., ClientT], seconds: float) -> ClientT:
        """Return a client of httpx. Raises EnvironmentUnusable."""
        try:
            return client(timeout=seconds, limits=NO_LIMITS, **self._options)
        except ImportError as error:
            raise socks_unusable(self._route, error) from error

    def headers(self) -> dict[str, str]:
        return {"Accept": "application/json", **authorization(self.token)}

    def stream_headers(self, cursor: str) -> dict[str, str]:
        return {
            **authorization(self.token),
            "Accept": "text/event-stream",
            "Accept-Encoding": "identity",
            "Last-Event-ID": cursor,
        }

    # --- Requests --------------------------------------------------------------------------------

    def list_query(self, filters: Mapping[str, Any], page: str | None = None) -> httpx.QueryParams:
        query = query_of(filters).set("limit", PAGE_SIZE)
        return query if page is None else query.set("cursor", page)

    def pick_query(self, filters: Mapping[str, Any], exclude: Sequence[str]) -> httpx.QueryParams:
        query = query_of(filters)
        return query.set("exclude", ",".join(exclude)) if exclude else query

    @staticmethod
    def agent_path(agent_id: str) -> str:
        return f"/agents/{quote(agent_id, safe=':')}"

    # --- Responses. All raise RegistryRefused, RegistryUnavailable. ------------------------------

    def page(self, response: httpx.Response, text: bytes) -> Page:
        content = self._content(response, text)
        if not isinstance(content, list):
            raise foreign(response, self.through)
        agents = [self._agent(response, record) for record in content]
        link = response.links.get("next", {}).get("url")
        next_page = httpx.URL(link).params.get("cursor") if link else None
        return Page(agents, next_page, response.headers.get(CURSOR_HEADER))

    def agent(self, response: httpx.Response, text: bytes) -> Agent | None:
        """Return None if there is no agent."""
        try:
            return self._agent(response, self._content(response, text))
        except RegistryRefused as error:
            if error.status == HTTPStatus.NOT_FOUND:
                return None
            raise

    def check_stream(self, response: httpx.Response, text: bytes) -> None:
        if not response.is_success:
            raise error_of(response, text, self.through)
        if not response.headers.get("content-type", "").startswith("text/event-stream"):
            raise foreign(response, self.through)

    def _content(self, response: httpx.Response, text: bytes) -> Any:
        if not response.is_success:
            raise error_of(response, text, self.through)
        return json_of(text)

    def _agent(self, response: httpx.Response, record: Any) -> Agent:
        if not isinstance(record, dict):
            raise foreign(response, self.through)
        try:
            return Agent.read(record)
        except ValueError as error:
            raise foreign(response, self.through) from error


def too_long(length: int) -> RegistryUnavailable | None:
    return RegistryUnavailable("an endless response") if length > LONGEST_RESPONSE_BYTES else None


def as_registry_error(error: Exception, seconds: float, target: Target) -> RegistryError:
    """`seconds`: the limit of the call."""
    if isinstance(error, RegistryError):
        return error
    if isinstance(error, NotAMessage):
        return RegistryUnavailable(str(error))
    return connection_error(error, seconds, target.through)
