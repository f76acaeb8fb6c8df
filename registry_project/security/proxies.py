import ipaddress
from collections.abc import Callable, Sequence
from functools import lru_cache

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase

MOST_ADDRESSES = 4_096

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

UNIX = "unix"  # peers at a Unix socket have no address
FORWARDED_FOR = "HTTP_X_FORWARDED_FOR"
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
    """Believes only TRUSTED_PROXIES.

    X-Forwarded-For is read from the right, up to the first part that is none of them.
    """

    def __init__(self) -> None:
        self._networks, self._trusts_unix = parse_proxies(settings.TRUSTED_PROXIES)

    def client_of(
        self, peer: str, forwarded_for: str, forwarded_proto: str
    ) -> tuple[str, str | None]:
        address = parse_address(peer)
        if not self._is_trusted(address):
            return peer, None
        client, proxies = self._walk(address, forwarded_for)
        scheme = _forwarded_scheme(proxies, forwarded_proto)
        known = scheme if scheme in {"http", "https"} else None
        return (peer if client is None else str(client)), known

    def _walk(self, peer: Address | None, forwarded_for: str) -> tuple[Address | None, int]:
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
    """Must come first: others might believe the headers that it drops."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self._get_response = get_response
        self._trust = Trust()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        forwarded = {name: str(request.META.pop(name, "")) for name in FORWARDED}
        peer = request.META.get("REMOTE_ADDR", "")
        client, scheme = self._trust.client_of(
            peer, forwarded[FORWARDED_FOR], forwarded[FORWARDED_PROTO]
        )
        request.META["REMOTE_ADDR"] = client
        if scheme is not None:
            request.META[FORWARDED_PROTO] = scheme
        return self._get_response(request)


def parse_proxy_list(text: str) -> list[str]:
    """Raise ValueError."""
    proxies = [part.strip() for part in text.split(",") if part.strip()]
    parse_proxies(proxies)
    return proxies


def parse_proxies(texts: Sequence[str]) -> tuple[list[Network], bool]:
    networks = [ipaddress.ip_network(text.strip()) for text in texts if text.strip() != UNIX]
    return networks, any(text.strip() == UNIX for text in texts)


@lru_cache(MOST_ADDRESSES)
def parse_address(text: str) -> Address | None:
    """May have a port or brackets."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    # Dual-stack sockets map IPv4 clients.
    return getattr(address, "ipv4_mapped", None) or address


def _split(header: str) -> list[str]:
    return [part.strip() for part in header.split(",")] if header else []


def _forwarded_scheme(proxies: int, forwarded_proto: str) -> str:
    """Return the scheme that the proxy nearest to the client appended."""
    words = _split(forwarded_proto)
    return words[max(len(words) - max(proxies, 1), 0)].lower() if words else ""
