"""Places that the registry must not be made to call: itself, and the services that it uses."""

import socket
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address


@dataclass(frozen=True)
class Endpoints:
    places: frozenset[tuple[str, int]] = frozenset()

    @classmethod
    def resolve(cls, places: Iterable[tuple[str, int]]) -> "Endpoints":
        """Look up the names. Leave out what has no address now."""
        found = set()
        for host, port in places:
            try:
                addresses = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError):
                continue
            found |= {(_canonical(str(address[0])), port) for *_, address in addresses}
        return cls(frozenset(found))

    def has(self, address: str, port: int) -> bool:
        """All loopback addresses count as one: servers mostly listen on all of them."""
        return (_canonical(address), port) in self.places


def _canonical(text: str) -> str:
    address: IPv4Address | IPv6Address = ip_address(text.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    return "loopback" if address.is_loopback else str(address)
