"""Where a call comes from, behind proxies: told by those that are trusted, and by nobody else."""

import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

# How many addresses are remembered as they were read.
MOST_ADDRESSES = 4_096

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# In TRUSTED_PROXIES: the peer at the other end of a Unix socket, which has no address.
UNIX = "unix"
FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
# By it, Django tells whether the client's call was secure (SECURE_PROXY_SSL_HEADER).
FORWARDED_PROTO = "HTTP_X_FORWARDED_PROTO"
FORWARDED = (
    FORWARDED_FOR,
    FORWARDED_PROTO,
    "HTTP_FORWARDED",
    "HTTP_X_FORWARDED_HOST",
    "HTTP_X_FORWARDED_PORT",
    "HTTP_X_FORWARDED_PREFIX",
    "HTTP_X_FORWARDED_PROTOCOL",
    "HTTP_X_FORWARDED_SERVER",
    "HTTP_X_FORWARDED_SSL",
    "HTTP_X_REAL_IP",
)


class Trust:
    """Whom to believe about a call, by the settings.

    A trusted peer is one in TRUSTED_PROXIES. From X-Forwarded-For counts what trusted proxies have
    appended: read from the right, up to the first address that is none of theirs, and no further
    than there is sense in it. X-Forwarded-Proto counts from a trusted peer.
    """

    def __init__(self) -> None:
        self._networks, self._trusts_unix = parse_proxies(settings.TRUSTED_PROXIES)

    def client_of(
        self, peer: str, forwarded_for: str, forwarded_proto: str
    ) -> tuple[str, str | None]:
        """Return the client's address, and its scheme where a trusted peer has told it."""
        address = parse_address(peer)
        if not self._is_trusted(address):
            return peer, None
        client, proxies = self._walk(address, forwarded_for)
        scheme = _told_by(proxies, forwarded_proto)
        told = scheme if scheme in {"http", "https"} else None
        return (peer if client is None else str(client)), told

    def _walk(self, peer: Address | None, forwarded_for: str) -> tuple[Address | None, int]:
        """Return the client, and how many proxies lie between it and us."""
        client, proxies = peer, 0
        for hop in reversed(_split(forwarded_for)):
            if not self._is_trusted(client):
                break
            address = parse_address(hop)
            if address is None:
                break
            client, proxies = address, proxies + 1
        return client, proxies

    def _is_trusted(self, address: Address | None) -> bool:
        if address is None:
            return self._trusts_unix
        return any(address in network for network in self._networks)


class TrustedProxies:
    """Middleware, before all others: REMOTE_ADDR becomes the client's address.

    Whatever was forwarded beyond what is trusted, or by anybody else, is dropped: nothing behind
    this can fall for it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._trust = Trust()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        said = {name: str(request.META.pop(name, "")) for name in FORWARDED}
        peer = request.META.get("REMOTE_ADDR", "")
        client, scheme = self._trust.client_of(peer, said[FORWARDED_FOR], said[FORWARDED_PROTO])
        request.META["REMOTE_ADDR"] = client
        if scheme is not None:
            request.META[FORWARDED_PROTO] = scheme
        return self._get_response(request)


def parse_proxies(texts: Sequence[str]) -> tuple[list[Network], bool]:
    """Return the networks, and whether Unix sockets are trusted too. Raise ValueError."""
    networks = [ipaddress.ip_network(text.strip()) for text in texts if text.strip() != UNIX]
    return networks, any(text.strip() == UNIX for text in texts)


@lru_cache(MOST_ADDRESSES)
def parse_address(text: str) -> Address | None:
    """Return the address that `text` begins with: bare, with a port, or in brackets."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # The same client, whichever kind of socket a proxy listens on.
    return getattr(address, "ipv4_mapped", None) or address


def _split(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")] if header else []


def _told_by(proxies: int, forwarded_proto: str) -> str:
    """Return what the proxy that the client spoke to said, where each has appended its word."""
    words = _split(forwarded_proto)
    return words[max(len(words) - max(proxies, 1), 0)].lower() if words else ""
