"""The hosts a comment links to, as a browser would read them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from moderation.links import host_of, is_ip_host
from moderation.past import ascii_host
from moderation.signals.signal import Seen

_START = re.compile(r"[\x00-\x20]*(?:(?:https?|ftp):/*|//+)", re.IGNORECASE)
MOST_LABELS = 128
"""A name of the DNS has at most 127 labels."""


def hosts_of(seen: Seen) -> Iterator[tuple[str, tuple[int, int] | None]]:
    """Hosts of the links in the text, each with its place, and of the author's home page."""
    for link in seen.links:
        if host := plain_host(link.url):
            yield host, (link.start, link.end)
    author = seen.comment.author
    if author is not None and author.url and (host := plain_host(author.url)):
        yield host, None


def plain_host(url: str) -> str:
    """The host of a URL as one key: lower-case ASCII, without ``www.``; empty if there is none."""
    # Browsers take a backslash for a slash: http://bad.example\@good.example leads to the bad one.
    # And they count no slashes: https:///bad.example and http:bad.example lead there, too.
    host = host_of(_started(url.replace("\\", "/")))
    if "%" in host:
        host = unquote(host)
    host = ascii_host(host).lower().strip(".")
    while host.startswith("www."):
        host = host[4:]
    return host


def _started(url: str) -> str:
    start = _START.match(url)
    return f"//{url[start.end() :]}" if start is not None else url


def within(host: str) -> Iterator[str]:
    """A host and all domains it lies in: ``a.b.example``, ``b.example``, ``example``."""
    if not host:
        return
    yield host
    if is_ip_host(host):
        return
    for _ in range(MOST_LABELS):
        host = host.partition(".")[2]
        if not host:
            return
        yield host
