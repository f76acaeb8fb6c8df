import ipaddress
from functools import lru_cache

# One customer usually has a network of this size.
IPV6_NETWORK_BITS = 64
CACHE_SIZE = 4_096


@lru_cache(CACHE_SIZE)
def parse_address(text: str) -> str | None:
    """Return an address in its shortest form; None if it is not one."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def before_port(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@lru_cache(CACHE_SIZE)
def rate_key(address: str | None) -> str:
    """Return the key for counting calls from an address: in IPv6, its network."""
    try:
        return str(ipaddress.IPv6Interface(f"{address}/{IPV6_NETWORK_BITS}").network)
    except ValueError:  # IPv4, or a Unix socket without an address
        return address or "local"
