from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
# The usual network of one customer.
IPV6_NETWORK_BITS = 64


def client_address(peer: str, forwarded_for: str, proxies: Sequence[Network]) -> str:
    """Return the first caller's address, of those that trusted proxies appended."""
    address = _parse(peer)
    if address is None:
        return peer
    for hop in reversed(forwarded_for.split(",")):
        if not any(address in network for network in proxies):
            break
        before = _parse(hop.strip())
        if before is None:
            break
        address = before
    return str(address)


def rate_key(caller: str) -> str:
    address = _parse(caller)
    if isinstance(address, IPv6Address):
        return str(IPv6Network((address, IPV6_NETWORK_BITS), strict=False))
    return caller


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text)
    except ValueError:
        return None
    # A dual-stack socket maps IPv4 addresses.
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
