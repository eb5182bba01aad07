"""Parse web addresses that others give us, and tell public networks from others. Pure functions."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

import idna

from sunusav.core.errors import Invalid

HTTPS_PORT = 443
MAX_URL_LENGTH = 2_000
MAX_HOST_LENGTH = 253  # RFC 1035 2.3.4

_URL = re.compile(r"(?P<scheme>https?)://(?P<authority>[^/?#]*)(?P<target>[^#]*)(?:#.*)?", re.IGNORECASE)
# RFC 3986 without blanks, quotes, backslashes, brackets and other characters that parsers read differently.
_TARGET = re.compile(r"[A-Za-z0-9\-._~!$&'()*+,;=:@/?%]*")
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# RFC 6761, 6762, 8375 and ICANN's `internal`: names that never mean a public host.
_SPECIAL_NAMES = (
    "localhost",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "arpa",
    "test",
    "invalid",
)
_ONION = "onion"


class AddressForbidden(Invalid):
    """We never send a request to this address."""

    code = "outside-address-forbidden"
    host: str
    reason: str


class OnionAddressUnsupported(Invalid):
    """The address is on the Tor network, which we cannot reach."""

    host: str


@dataclass(frozen=True)
class WebAddress:
    """An address that may be requested if its name resolves to public IP addresses.

    `is_loopback`: a setting names this host for tests and the sandbox, and it must resolve to this machine.
    """

    scheme: str
    host: str
    port: int
    target: str
    is_loopback: bool = False

    @property
    def authority(self) -> str:
        """Return the value of the Host header."""
        usual = {"https": HTTPS_PORT, "http": 80}[self.scheme]
        return self.host if self.port == usual else f"{self.host}:{self.port}"


def read_web_address(
    url: str, *, loopback_hosts: Collection[str] = (), https_port: int = HTTPS_PORT
) -> WebAddress:
    """Parse an address that others gave us: https, the usual port, a public host name.

    Raises: AddressForbidden, OnionAddressUnsupported. Source: RFC 3986.
    """
    if len(url) > MAX_URL_LENGTH:
        raise AddressForbidden(host="", reason="too-long")
    match = _URL.fullmatch(url)
    if match is None or not _TARGET.fullmatch(match["target"]):
        raise AddressForbidden(host="", reason="unreadable")
    target = match["target"] if match["target"].startswith("/") else f"/{match['target']}"
    scheme, authority = match["scheme"].lower(), match["authority"].lower()
    if authority in loopback_hosts:
        return _loopback(scheme, authority, target)
    host, port = _host_and_port(authority)
    if scheme != "https":
        raise AddressForbidden(host=host, reason="not-https")
    if port not in ("", str(https_port)):
        raise AddressForbidden(host=host, reason="port-not-allowed")
    return WebAddress(scheme, host, https_port, target)


def _loopback(scheme: str, authority: str, target: str) -> WebAddress:
    host, _, port = authority.partition(":")
    number = int(port or {"https": HTTPS_PORT, "http": 80}[scheme])
    return WebAddress(scheme, host, number, target, is_loopback=True)


def _host_and_port(authority: str) -> tuple[str, str]:
    """Return the ASCII name and the port as text. Raises: AddressForbidden, OnionAddressUnsupported."""
    if "@" in authority:
        raise AddressForbidden(host="", reason="user-information")
    name, colon, port = authority.partition(":")
    host = public_name(name)
    if colon and not port:
        raise AddressForbidden(host=host, reason="port-not-allowed")
    return host, port


def public_name(name: str) -> str:
    """Return a host's name in ASCII (IDNA); refuse IP addresses and names that are not public.

    Raises: AddressForbidden, OnionAddressUnsupported.
    """
    host = _in_ascii(name)
    labels = host.split(".")
    if labels[-1] == _ONION:
        raise OnionAddressUnsupported(host=host)
    if len(host) > MAX_HOST_LENGTH or not all(map(_LABEL.fullmatch, labels)):
        raise AddressForbidden(host="", reason="not-a-name")
    # An IP address ends in a number (127.1, 0x7f.1); no public name does.
    if len(labels) == 1 or not labels[-1][0].isalpha():
        raise AddressForbidden(host=host, reason="not-a-name")
    if labels[-1] in _SPECIAL_NAMES:
        raise AddressForbidden(host=host, reason="not-public")
    return host


def _in_ascii(name: str) -> str:
    if name.isascii():
        return name.lower()
    try:
        return idna.encode(name, uts46=True, std3_rules=True).decode()
    except idna.IDNAError as error:
        raise AddressForbidden(host="", reason="not-a-name") from error


# IANA's special-purpose registries (RFC 6890 and later), and Azure's metadata service, which has a public address.
_CLOSED_V4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
        "192.0.0.0/24", "192.0.2.0/24", "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16",
        "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        "168.63.129.16/32",
    )
)  # fmt: skip
_OPEN_V6 = IPv6Network("2000::/3")
# Teredo and other protocol assignments, documentation, 6to4.
_CLOSED_V6 = tuple(map(IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = IPv6Network("64:ff9b::/96")


def is_public(text: str) -> bool:
    """Return whether an IP address is public; an IPv6 address that embeds an IPv4 one is judged by the latter."""
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_V4)
    if address.scope_id is not None:
        return False
    embedded = _embedded(address)
    if embedded is not None:
        return is_public(str(embedded))
    return address in _OPEN_V6 and not any(address in network for network in _CLOSED_V6)


def is_loopback(text: str) -> bool:
    """Return whether an IP address is this machine's own."""
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def _embedded(address: IPv6Address) -> IPv4Address | None:
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(address.packed[-4:]) if address in _NAT64 else None
