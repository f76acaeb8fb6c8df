"""IP addresses of callers, in the form in which they are stored and counted."""

import ipaddress
from functools import lru_cache

# One customer usually has a whole network of this size.
IPV6_NETWORK_BITS = 64
CACHE_SIZE = 4_096


@lru_cache(CACHE_SIZE)
def parse_address(text: str) -> str | None:
    """Return an address in its shortest form; None if `text` is not an address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


@lru_cache(CACHE_SIZE)
def rate_key(address: str | None) -> str:
    """Return the key by which calls from an address are counted: in IPv6, its network."""
    try:
        return str(ipaddress.IPv6Interface(f"{address}/{IPV6_NETWORK_BITS}").network)
    except ValueError:  # IPv4, or a Unix socket, which has no address
        return address or "local"
