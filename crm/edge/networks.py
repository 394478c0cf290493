"""Networks that requests of others' making may go to: public ones, and those that the settings name."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

REFUSED = "it is not in a public network, and its network is not in api.webhook_networks"
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


@dataclass(frozen=True)
class Allowed:
    """Networks that are not public but may be sent to."""

    networks: tuple[Network, ...] = ()

    @classmethod
    def of(cls, written: Iterable[str]) -> Self:
        return cls(tuple(ipaddress.ip_network(one) for one in written))

    def problem(self, url: str) -> str:
        """Returns why nothing may be sent to this URL, as the end of a sentence; "" if the URL itself is allowed."""
        parts = urlsplit(url)
        if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
            return "it is not a web address like https://example.com/hooks"
        if parts.scheme == "http" and not self.networks:
            return "it has to begin with https://, except for networks in api.webhook_networks"
        try:
            address = ipaddress.ip_address(parts.hostname)
        except ValueError:
            return ""
        return "" if self.lets(address, parts.scheme) else REFUSED

    def lets(self, address: Address, scheme: str) -> bool:
        """Whether this address may be sent to."""
        real = _embedded(address) or address
        if any(real.version == network.version and real in network for network in self.networks):
            return True
        return scheme == "https" and real.is_global and not real.is_multicast


def _embedded(address: Address) -> Address | None:
    """Returns the IPv4 address embedded in an IPv6 one (RFC 4291, 6052, 3056, 4380), or None."""
    if isinstance(address, ipaddress.IPv4Address):
        return None
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None)
