from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

from django.conf import settings

from agents.addresses import parse_address
from agents.allowed_hosts import is_allowed_host
from agents.fast_path.outcomes import Response
from agents.fast_path.request_head import Client
from agents.fast_path.responses import DjangoHeaders, Responses

# (peer, X-Forwarded-For, X-Forwarded-Proto) -> (client's address, scheme or None)
ClientOf = Callable[[str, str, str], tuple[str, str | None]]
CLIENTS_CACHE_SIZE = 131_072
LONGEST_CACHED = 128
HOSTS_CACHE_SIZE = 1_024


class Caller(NamedTuple):
    caller: Any
    address: str | None
    keeps_open: bool
    headers: bytes


class Front:
    def __init__(self, client_of: ClientOf) -> None:
        self.responses = Responses()
        self._headers = DjangoHeaders()
        self._client = _cached_client_of(client_of)
        self._is_allowed_host = lru_cache(maxsize=HOSTS_CACHE_SIZE)(is_allowed_host)

    def accept(
        self,
        client: Client,
        peer: str,
        caller: Any,
        may_keep_open: bool,
        has_token: bool,
    ) -> Caller | None:
        """None: Django must answer."""
        if not self._is_allowed_host(client.host):
            return None
        if client.has_origin and settings.CORS_ALLOWED_ORIGINS:
            return None
        address, scheme = self._client(peer, client.forwarded_for, client.forwarded_proto)
        if scheme != "https" and settings.SECURE_SSL_REDIRECT:
            return None
        headers = self._headers.get(scheme, client.host, has_token=has_token)
        return Caller(caller, address, client.keeps_open and may_keep_open, headers)

    def problem(self, caller: Caller, error: Exception) -> Response:
        content = self.responses.problem(error, caller.headers, keeps_open=caller.keeps_open)
        return Response(caller.caller, content, caller.keeps_open)


def _cached_client_of(client_of: ClientOf) -> Callable[[str, str, str], tuple[str | None, str]]:
    def client(peer: str, forwarded_for: str, forwarded_proto: str) -> tuple[str | None, str]:
        address, scheme = client_of(peer, forwarded_for, forwarded_proto)
        return parse_address(address), scheme or "http"

    cached = lru_cache(maxsize=CLIENTS_CACHE_SIZE)(client)

    def look_up(peer: str, forwarded_for: str, forwarded_proto: str) -> tuple[str | None, str]:
        is_short = len(forwarded_for) + len(forwarded_proto) <= LONGEST_CACHED
        return (cached if is_short else client)(peer, forwarded_for, forwarded_proto)

    return look_up
