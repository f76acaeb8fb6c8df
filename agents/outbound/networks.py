from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

PUBLIC = "public"
# Its last 32 bits are an IPv4 address (RFC 6052).
NAT64 = IPv6Network("64:ff9b::/96")

Address = IPv4Address | IPv6Address


@dataclass(frozen=True)
class Networks:
    """`public`: all addresses of the Internet. `listed`: others."""

    listed: tuple[IPv4Network | IPv6Network, ...] = ()
    public: bool = False

    @classmethod
    def parse(cls, words: Sequence[str]) -> "Networks":
        """Read networks, addresses and "public". Raise ValueError."""
        listed = tuple(ip_network(word) for word in words if word.lower() != PUBLIC)
        return cls(listed, public=len(listed) < len(words))

    @property
    def words(self) -> list[str]:
        """Return what `parse` reads."""
        return [*([PUBLIC] if self.public else []), *map(str, self.listed)]

    def __str__(self) -> str:
        return ", ".join(self.words) or "none"

    def allows(self, text: str) -> bool:
        """Return whether `text` is an address to which connections are allowed.

        Multicast and unspecified addresses never are. Link-local ones, where clouds serve
        credentials, only if one of their networks is listed.
        """
        try:
            address = ip_address(text)
        except ValueError:
            return False
        return self._allows(address)

    def _allows(self, address: Address) -> bool:
        if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
            address = address.ipv4_mapped
        if address.is_multicast or address.is_unspecified:
            return False
        inner = _inner(address)
        if inner is not None and not self._allows(inner):
            return False
        return (self.public and _is_public(address)) or any(
            address in network and network.is_link_local >= address.is_link_local
            for network in self.listed
        )


NETWORKS = 'networks such as 10.0.0.0/8, addresses, or "public", separated by commas'


def parse_networks(text: str) -> Networks:
    """Read NETWORKS. Raise ValueError."""
    return Networks.parse([word.strip() for word in text.split(",") if word.strip()])


def _is_public(address: Address) -> bool:
    return address.is_global and not address.is_reserved


def _inner(address: Address) -> IPv4Address | None:
    """Return the IPv4 address that a gateway would connect to."""
    if isinstance(address, IPv4Address):
        return None
    if address in NAT64:
        return IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.sixtofour or (address.teredo[1] if address.teredo else None)
