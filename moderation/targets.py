"""Where a request may go: URLs taken apart once, and addresses told apart, those of the public internet from others."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from moderation.errors import BadAddress
from moderation.past import Address, ascii_host

MOST_URL = 2_000
PORTS = {"http": 80, "https": 443}

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
# Where old or odd ways to write an IPv4 address end up, and tunnels.
_NEVER_4 = tuple(map(ipaddress.IPv4Network, ("0.0.0.0/8", "192.88.99.0/24")))
_NEVER_6 = tuple(map(ipaddress.IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48", "2001::/32", "fec0::/10")))
_NUMBER = re.compile(r"\d+|0[xX][0-9a-fA-F]*")
_NAME, _IPV6 = re.compile(r"[a-z0-9._-]+"), re.compile(r"[0-9a-f:.]*:[0-9a-f:.]*")
_ODD = re.compile(r"[\s\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Target:
    """A URL, taken apart once: what is checked is what is used."""

    scheme: str
    host: str
    """In ASCII and lower case; an IPv6 address without brackets."""
    port: int
    path: str
    """With the query."""

    @property
    def name(self) -> str:
        """Host and port as the Host header has them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def take_apart(url: str) -> Target:
    """The parts of an http or https URL; raises :class:`BadAddress`."""
    if len(url) > MOST_URL:
        raise BadAddress(f"it has {len(url):,} characters; at most {MOST_URL:,} are taken")
    if _ODD.search(url) or not url.isprintable():
        raise BadAddress("it has a space, a backslash or a control character")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadAddress(f"it is no URL ({error})") from error
    if parts.scheme not in PORTS:
        raise BadAddress("it must begin with http:// or https://")
    if "@" in parts.netloc:
        raise BadAddress("it must hold no user and password; the signature says who sends")
    if port == 0:
        raise BadAddress("port 0 is none")
    return Target(parts.scheme, _host(parts), port or PORTS[parts.scheme], _path(parts))


def _host(parts: SplitResult) -> str:
    host = ascii_host(parts.hostname or "").lower().rstrip(".")
    if not host:
        raise BadAddress("it names no host")
    bracketed = "[" in parts.netloc
    if not (_IPV6 if bracketed else _NAME).fullmatch(host):
        raise BadAddress(f"{host!r} is no host")
    return host


def _path(parts: SplitResult) -> str:
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if not path.isascii():
        raise BadAddress("path and query must be percent-encoded")
    return path


def refuse_odd_number(host: str) -> None:
    """Refuse 2130706433, 0x7f.1 and 0177.0.0.1: an IPv4 address to some programs, a name to others."""
    if ":" in host or not _NUMBER.fullmatch(host.rpartition(".")[2]):
        return
    try:
        ipaddress.IPv4Address(host)
    except ValueError as error:
        raise BadAddress(f"{host} is no host; write an IPv4 address as four numbers from 0 to 255") from error


def is_public(text: str) -> bool:
    """Whether an address is one of the public internet, whatever it is wrapped in."""
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return False
    return _is_public(address) and "%" not in text


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        never = any(address in network for network in _NEVER_4)
    elif (inner := _wrapped(address)) is not None:
        return _is_public(inner)
    else:
        never = any(address in network for network in _NEVER_6)
    odd = address.is_multicast or address.is_reserved or address.is_unspecified or address.is_loopback
    return address.is_global and not odd and not never


def _wrapped(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, 6to4 or NAT64."""
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour
