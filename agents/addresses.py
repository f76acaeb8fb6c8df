import ipaddress
from functools import lru_cache

IPV6_NETWORK_BITS = 64
CACHE_SIZE = 4_096


@lru_cache(CACHE_SIZE)
def parse_address(text: str) -> str | None:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return None


def before_port(host: str) -> str:
    return f"[{host}]" if ":" in host else host


@lru_cache(CACHE_SIZE)
def rate_key(address: str | None) -> str:
    """IPv6 calls count by network."""
    try:
        return str(ipaddress.IPv6Interface(f"{address}/{IPV6_NETWORK_BITS}").network)
    except ValueError:
        return address or "local"
