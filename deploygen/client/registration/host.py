import asyncio
import ipaddress
import socket
from collections.abc import Iterable

import httpx

LOOK_UP_SECONDS = 5.0


async def own_host(towards: httpx.URL) -> str:
    """Return the name or address at which others most likely reach this machine.

    `towards`: the registry, or the proxy before it. The address from which this machine reaches it
    is better than a name without a dot, such as a container's id, which few others can resolve. For
    a registry on this machine, that address is local, so the name is better if it can be resolved.
    """
    name = socket.gethostname()
    try:
        async with asyncio.timeout(LOOK_UP_SECONDS):
            return await _own_host(name, towards)
    except TimeoutError:
        return name


async def _own_host(name: str, towards: httpx.URL) -> str:
    is_qualified = "." in name.rstrip(".")
    known = await _addresses(name) if is_qualified else []
    if any(not _is_loopback(address) for address in known):
        return name
    local = _local_address(await _addresses(towards.host))
    if local is None:
        return name
    if _is_loopback(local) and await _addresses(name):
        return name
    return local


async def _addresses(name: str) -> list[str]:
    """Return none if the name cannot be resolved."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(name, None, type=socket.SOCK_DGRAM)
    except (OSError, UnicodeError):
        return []
    return [str(address[0]) for *_, address in found]


def _local_address(remotes: Iterable[str]) -> str | None:
    """Return the address that the kernel would send from. Connecting a UDP socket sends nothing."""
    for remote in remotes:
        family = socket.AF_INET6 if ":" in remote else socket.AF_INET
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((remote, 1))
                local = str(probe.getsockname()[0])
        except OSError:  # no route
            continue
        if not ipaddress.ip_address(local).is_link_local:  # which needs a zone
            return local
    return None


def _is_loopback(address: str) -> bool:
    return ipaddress.ip_address(address).is_loopback
