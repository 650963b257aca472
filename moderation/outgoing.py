"""Requests to addresses that others chose: sent to the public internet alone, and to where they were checked for.

A site names the address of its webhook. Without care that would be a way to reach what stands behind our firewall.
So the name is resolved once, every address it has must be a public one, and the connection is made to that very
address: a name that resolves to something else a moment later (DNS rebinding) gains nothing. Nothing is followed.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPException
from threading import Event, Timer

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from moderation.errors import BadAddress, NotTaken
from moderation.printable import printable
from moderation.targets import Target, is_public, refuse_odd_number, take_apart

CONNECT_SECONDS, READ_SECONDS, WHOLE_SECONDS = 5.0, 10.0, 20.0
"""For connecting; for each wait for data; for all of a request, however slowly data trickles in."""
MOST_READ = 64 << 10
MOST_TRIED = 3
"""Addresses of a host that are tried, in the order of the resolver."""
SAID = 200
"""Characters of an answer that are kept, to show what is wrong."""

Resolve = Callable[[str, int], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    said: str
    """The beginning of the body, as plain text."""

    @property
    def taken(self) -> bool:
        """Whether the other side has it."""
        return 200 <= self.status < 300


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, best first."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


class Outside:
    """Sends to the world outside; ``allowed`` are hosts (``host`` or ``host:port``) that may be private."""

    def __init__(self, allowed: str | None = None, resolver: Resolve = resolve) -> None:
        self._allowed = frozenset(part.strip().lower() for part in (allowed or "").split(",") if part.strip())
        self._resolve = resolver

    def check(self, url: str) -> tuple[Target, list[str]]:
        """A URL taken apart, with the addresses that may be connected to; raises :class:`BadAddress`."""
        target = take_apart(url)
        allowed = self._is_allowed(target)
        if not allowed:
            refuse_odd_number(target.host)
        try:
            addresses = list(self._resolve(target.host, target.port))
        except (OSError, UnicodeError) as error:
            raise BadAddress(f"the host {target.host} is not found ({_reason(error)})") from error
        if not addresses:
            raise BadAddress(f"the host {target.host} has no address")
        for address in addresses:
            if not allowed and not is_public(address):
                raise BadAddress(f"{target.host} has the address {address}, which is not on the public internet")
        return target, addresses

    def _is_allowed(self, target: Target) -> bool:
        host = f"[{target.host}]" if ":" in target.host else target.host
        return not self._allowed.isdisjoint((target.host, host, f"{host}:{target.port}"))

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> Answered:
        """Post a body; raises :class:`BadAddress`, or :class:`NotTaken` if nothing came back."""
        target, addresses = self.check(url)
        try:
            with closing(_connected(target, addresses[:MOST_TRIED])) as connection:
                return _exchanged(connection, target, body, headers)
        except (HTTPError, OSError, HTTPException) as error:
            raise NotTaken(_reason(error)) from error


def _exchanged(connection: HTTPConnection, target: Target, body: bytes, headers: Mapping[str, str]) -> Answered:
    connection.timeout = READ_SECONDS
    with _broken_off(connection, WHOLE_SECONDS) as broken:
        try:
            # Not decoded: a few bytes of a compressed answer can be a great many.
            options = {"preload_content": False, "decode_content": False}
            connection.request("POST", target.path, body, {"Host": target.name, **headers}, **options)
            response = connection.getresponse()
        finally:
            if broken.is_set():  # Where the connection ended, headers seem to.
                raise NotTaken(f"it took longer than {WHOLE_SECONDS:.0f} seconds")
        return Answered(response.status, _beginning(response))


def _connected(target: Target, addresses: Sequence[str]) -> HTTPConnection:
    """A connection to the first of these addresses that takes one."""
    failure: Exception = OSError("it has no address")
    for address in addresses:
        connection = _connection(target, address)
        try:
            connection.connect()
        except (HTTPError, OSError) as error:
            connection.close()
            failure = error
        else:
            return connection
    raise failure


def _connection(target: Target, address: str) -> HTTPConnection:
    """The address is connected to; the name is what the certificate must be for."""
    if target.scheme == "http":
        return HTTPConnection(address, target.port, timeout=CONNECT_SECONDS)
    return HTTPSConnection(
        address,
        target.port,
        timeout=CONNECT_SECONDS,
        ssl_context=ssl.create_default_context(),
        server_hostname=target.host,
    )


@contextmanager
def _broken_off(connection: HTTPConnection, seconds: float) -> Iterator[Event]:
    """Break a connection off after some time: a time-out for each wait alone lets a request take for ever."""
    broken = Event()

    def break_off() -> None:
        broken.set()
        with suppress(OSError, AttributeError):
            # Of the plain socket: that of TLS would take the ground from under whoever reads.
            socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    timer = Timer(seconds, break_off)
    timer.daemon = True
    timer.start()
    try:
        yield broken
    finally:
        timer.cancel()


def _beginning(response: BaseHTTPResponse) -> str:
    """The beginning of an answer. Of a long one no more is read than a bound; it counts all the same."""
    read = b""
    with suppress(
        HTTPError, OSError, HTTPException
    ):  # The status is there: the other side has it, whatever becomes of the rest.
        while len(read) < MOST_READ and (some := response.read1(MOST_READ - len(read))):
            read += some
    text = read[: 4 * SAID].decode("utf-8", "replace")
    return printable(" ".join(text.split()))[:SAID]


def _reason(error: Exception) -> str:
    """A failure in a few words."""
    cause = error.__cause__ if isinstance(error.__cause__, OSError) else error
    if isinstance(cause, TimeoutError):
        return "it did not answer in time"
    return (getattr(cause, "strerror", None) or str(cause) or type(cause).__name__)[:SAID]
