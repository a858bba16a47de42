"""Which web addresses Footnote contacts: public web servers, and nothing that leads back into this machine or network.

A page's address comes from a person, its redirects from strangers. Both pass `parse`, the only reader of addresses, and
every IP address that is going to be contacted passes `refusal`. `ipaddress.is_global` is not enough: it lets NAT64,
6to4, IPv4-compatible and cloud metadata addresses pass. Tables: IANA special-purpose registries (RFC 6890 and its
updates) plus the metadata services of cloud providers.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import quote, urlsplit

import idna

from rag.errors import ForbiddenAddress

IPAddress = IPv4Address | IPv6Address

WEB_PORTS = frozenset({80, 443})
_DEFAULT_PORTS = {"http": 80, "https": 443}
_LONGEST_ADDRESS = 4096

_DENIED_V4 = {
    IPv4Network(network): reason
    for network, reason in {
        "0.0.0.0/8": "this machine",
        "10.0.0.0/8": "a private network",
        "100.64.0.0/10": "a provider's internal network",
        "127.0.0.0/8": "this machine",
        "168.63.129.16/32": "a cloud provider's internal service",
        "169.254.0.0/16": "the local link, where cloud metadata is served",
        "172.16.0.0/12": "a private network",
        "192.0.0.0/24": "addresses reserved for protocols",
        "192.0.2.0/24": "addresses for documentation",
        "192.31.196.0/24": "addresses reserved for protocols",
        "192.52.193.0/24": "addresses reserved for protocols",
        "192.88.99.0/24": "a 6to4 relay",
        "192.168.0.0/16": "a private network",
        "192.175.48.0/24": "addresses reserved for protocols",
        "198.18.0.0/15": "a test network",
        "198.51.100.0/24": "addresses for documentation",
        "203.0.113.0/24": "addresses for documentation",
        "224.0.0.0/4": "a multicast group",
        "240.0.0.0/4": "reserved addresses",
    }.items()
}
_GLOBAL_V6 = IPv6Network("2000::/3")
"""All that has been given out for the public internet; everything else is refused unseen, translators aside."""
_DENIED_V6 = {
    IPv6Network(network): reason
    for network, reason in {
        "2001::/23": "addresses reserved for protocols",
        "2001:db8::/32": "addresses for documentation",
        "2002::/16": "a 6to4 tunnel",
        "2620:4f:8000::/48": "addresses reserved for protocols",
        "3fff::/20": "addresses for documentation",
    }.items()
}
_MAPPED = IPv6Network("::ffff:0:0/96")
_NAT64 = IPv6Network("64:ff9b::/96")
_NAT64_LOCAL = IPv6Network("64:ff9b:1::/48")
_COMPATIBLE = IPv6Network("::/96")
_SIX_TO_FOUR = IPv6Network("2002::/16")
_TEREDO = IPv6Network("2001::/32")
_TRANSLATORS = (_MAPPED, _NAT64)
"""Ranges in which a public IPv4 address is still a public server (the second on networks that speak IPv6 only)."""
_ISATAP = frozenset({0x0000_5EFE, 0x0200_5EFE})

_HINT = "Footnote reads public web pages only. Save the page and add the file instead."
_NUMBER_LIKE = re.compile(r"\d+|0x[0-9a-f]*", re.IGNORECASE)
_NAME = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")
_NEVER = re.compile(r'[\x00-\x20\x7f\\"<>\ud800-\udfff]')
_PORT = re.compile(r"[0-9]{1,5}")
_INTERNAL_NAMES = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "onion")


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A parsed address. `host` is the name as it goes over the wire (ASCII, lower case), or an IP without brackets."""

    scheme: str
    host: str
    port: int
    target: str
    """Path and query as they are sent, percent-encoded."""

    @property
    def authority(self) -> str:
        """Host, and port where it is not the scheme's own: the value of the Host header."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole address, normalised, without fragment."""
        return f"{self.scheme}://{self.authority}{self.target}"


def parse(url: str, *, ports: Collection[int] = WEB_PORTS) -> WebAddress:
    """Read a web address strictly; what two programs could read in two ways is refused, not guessed.

    Raises ForbiddenAddress: not http(s), a port not in `ports`, a user name, a host that is a number in disguise or a
    name of the local network.
    """
    url = url.strip()
    if len(url) > _LONGEST_ADDRESS or _NEVER.search(url):
        raise _refused("The address is too long or holds characters that no web address has.")
    try:
        parts = urlsplit(url)
        authority = parts.netloc
    except ValueError as error:  # "[" without "]" and its like
        raise _refused("This is not a web address.") from error
    scheme = parts.scheme.lower()
    if scheme not in _DEFAULT_PORTS:
        raise _refused("Only addresses that begin with http:// or https:// can be fetched.")
    if "@" in authority:
        raise _refused("The address carries a user name or password.")
    host, port = _split_port(authority)
    number = _DEFAULT_PORTS[scheme] if port is None else port
    if number not in ports:
        raise _refused(f"The address leads to port {number}; web pages are fetched from ports 80 and 443 only.")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]{}|^`")
    return WebAddress(scheme, _host(host), number, target)


def refusal(address: IPAddress) -> str | None:
    """Why an IP address must not be contacted, in plain words; None when it is a public server's."""
    if isinstance(address, IPv4Address):
        return next((reason for network, reason in _DENIED_V4.items() if address in network), None)
    if address.scope_id is not None:
        return "one link of this machine"
    for embedded in embedded_v4(address):
        if reason := refusal(embedded):
            return reason
    if any(address in network for network in _TRANSLATORS):
        return None
    if address not in _GLOBAL_V6:
        return "a private or reserved network"
    return next((reason for network, reason in _DENIED_V6.items() if address in network), None)


def embedded_v4(address: IPv6Address) -> list[IPv4Address]:
    """IPv4 addresses that an IPv6 address stands for when a tunnel or translator unwraps it (RFC 4291, 6052, 8215,
    3056, 4380, 5214)."""
    value = int(address)
    low, interface = IPv4Address(value & 0xFFFF_FFFF), (value >> 32) & 0xFFFF_FFFF
    found: list[IPv4Address] = []
    if any(address in network for network in (_MAPPED, _COMPATIBLE, _NAT64, _NAT64_LOCAL)):
        found.append(low)
    if address in _SIX_TO_FOUR:
        found.append(IPv4Address((value >> 80) & 0xFFFF_FFFF))
    if address in _TEREDO:
        found += [IPv4Address((value >> 64) & 0xFFFF_FFFF), IPv4Address(~value & 0xFFFF_FFFF)]
    if interface in _ISATAP:
        found.append(low)
    return found


def _split_port(authority: str) -> tuple[str, int | None]:
    host, separator, port = authority.rpartition(":")
    if not separator or authority.endswith("]"):
        return authority, None
    if port and not _PORT.fullmatch(port):
        raise _refused("The port in the address is not a number.")
    return host, int(port) if port else None


def _host(host: str) -> str:
    if host.startswith("[") and host.endswith("]"):
        try:
            return str(_without_zone(host[1:-1]))
        except ValueError as error:
            raise _refused("The host in the address is not a valid IPv6 address.") from error
    name = _ascii(host).removesuffix(".")
    if _NUMBER_LIKE.fullmatch(name.rpartition(".")[2]):
        try:
            return str(IPv4Address(name))
        except ValueError as error:
            raise _refused("The host in the address is a number in an unusual form.") from error
    if len(name) > 253 or not all(_NAME.fullmatch(label) for label in name.split(".")):
        raise _refused("The host in the address is not a valid name.")
    if "." not in name or name.endswith(tuple(f".{internal}" for internal in _INTERNAL_NAMES)):
        raise _refused(f"{name} is a name of the local network, not of a public web server.")
    return name


def _without_zone(text: str) -> IPv6Address:
    address = IPv6Address(text)
    if address.scope_id is not None:
        raise _refused("The address names a link of this machine.")
    return address


def _ascii(host: str) -> str:
    """The name as DNS knows it. Digits and dots of other scripts become plain ones here, before anything is checked."""
    if host.isascii():
        return host.lower()
    try:
        return idna.encode(host, uts46=True).decode("ascii").lower()
    except idna.IDNAError as error:
        raise _refused("The host in the address is not a valid name.") from error


def _refused(message: str) -> ForbiddenAddress:
    return ForbiddenAddress(message, hint=_HINT)


def read_ip(text: str) -> IPAddress | None:
    """An IP address in its plain written form, else None."""
    try:
        return ip_address(text)
    except ValueError:
        return None
