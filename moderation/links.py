"""Links and addresses, taken apart by the public suffix list."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import unquote, urlsplit

from publicsuffixlist import PublicSuffixList

_suffixes = PublicSuffixList()
_SPLIT = re.compile(r"[^\w]+|_")
_SCHEME = re.compile(r"(?:[a-z][a-z0-9+.-]*:)?//", re.IGNORECASE)
_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}")
_MAX_URL = 2_000


@lru_cache(maxsize=8_192)
def registered_domain(host: str) -> str:
    """The domain somebody registered: ``blog.example.co.uk`` -> ``example.co.uk``; the host itself if none."""
    return _suffixes.privatesuffix(host) or host


def host_of(url: str) -> str:
    """Host of a URL as people type it, lower-case, without port and ``www.``; empty if there is none."""
    return _host_of(url.strip()[:_MAX_URL])  # What is remembered is short, however long the URLs that were sent.


@lru_cache(maxsize=4_096)
def _host_of(url: str) -> str:
    try:
        host = (urlsplit(with_scheme(url)).hostname or "").strip(".")
    except ValueError:  # A bracket or a port that is none.
        return ""
    return host.lower().removeprefix("www.")


def with_scheme(url: str) -> str:
    """A URL as people type it, so that its host is read as one: ``example.com/a`` is ``//example.com/a``."""
    url = url.strip()[:_MAX_URL]
    return url if _SCHEME.match(url) else f"//{url}"


def domain_of(url: str) -> str:
    """Registered domain of a URL; empty if it has no host."""
    host = host_of(url)
    return host if is_ip_host(host) else registered_domain(host) if host else ""


def looks_like_address(text: str) -> bool:
    """Whether a text is an address such as ``shop.example.com``: one word that ends in a public suffix."""
    text = text.strip().lower()
    return " " not in text and "." in text.strip(".") and _is_listed(host_of(text))


def _is_listed(host: str) -> bool:
    """Whether a host is a domain under a suffix that the list knows, or under such a domain."""
    return _suffixes.privatesuffix(host, accept_unknown=False) is not None


def is_ip_host(host: str) -> bool:
    """Whether a host is a bare IPv4 or IPv6 address."""
    return bool(_IPV4.fullmatch(host)) or ":" in host


def path_words(url: str, limit: int = 12) -> list[str]:
    """Words of host, path and query, lower-case."""
    url = unquote(url.strip()[:_MAX_URL]).lower()
    url = url.split("//", 1)[-1].removeprefix("www.")
    return [word for word in _SPLIT.split(url) if len(word) > 1][:limit]


def email_domain(email: str) -> str:
    """Part behind the last ``@``, lower-case; empty if there is none."""
    return email.rpartition("@")[2].strip().lower() if "@" in email else ""
