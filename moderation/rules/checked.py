"""What may become a rule: each kind's value in the one spelling that is kept, or a sentence on what is wrong."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar
from urllib.parse import urlsplit

import re2

from moderation.errors import BadRule
from moderation.links import is_ip_host, looks_like_address
from moderation.past import plain_email, plain_name
from moderation.rules.hosts import plain_host
from moderation.rules.patterns import compiled
from moderation.rules.rule import Action, NewRule, RuleKind
from moderation.rules.words import PREFIX, is_unspaced, words_of
from moderation.text import fold, plain_links

MOST_REGEX, MOST_VALUE, MOST_NOTE, MOST_NAME = 1_000, 300, 2_000, 64
"""Characters of a regular expression, of any other value, of a note and of who made the rule."""
MOST_LINKS, MOST_DAYS = 1_000, 36_500
LATEST = 253_402_300_799_999
"""The end of the year 9999, behind which no time can be shown."""
LEAST_BEGUN = 2
"""Letters before an asterisk."""
SCRIPTS = ("latin", "cyrillic", "greek", "cjk", "other-script")
"""What stands for a language where the site names none."""

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9_][a-z0-9_-]{0,62}(?:\.[a-z0-9_][a-z0-9_-]{0,62})*")
_LOCAL = re.compile(r"[^\s@<>,;]{1,64}")
_LANGUAGE = re.compile(r"[a-z]{2,3}")
_UNKEPT = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_BETWEEN_WORDS = frozenset(" \t\n'’.,:;&/-_")
_MAPPED = 96
"""Bits before an IPv4 address written as an IPv6 one."""


def checked(
    action: str,
    kind: str,
    value: str | int,
    *,
    note: str = "",
    created_by: str = "",
    expires_at: int | None = None,
    now: int = 0,
) -> NewRule:
    """A rule that makes sense, or :class:`BadRule`; ``now`` and ``expires_at`` are milliseconds since 1970, UTC."""
    known = _one_of(RuleKind, kind, "$.kind")
    text = checked_text(str(value), "$.value", MOST_REGEX if known is RuleKind.REGEX else MOST_VALUE)
    if not text.strip():
        raise BadRule("it is empty; say what the rule looks for")
    check_expiry(expires_at, now)
    return NewRule(
        action=_one_of(Action, action, "$.action"),
        kind=known,
        value=_VALUES[known](text if known is RuleKind.REGEX else text.strip()),
        note=checked_text(note, "$.note", MOST_NOTE).strip(),
        created_by=checked_text(created_by, "$.created_by", MOST_NAME).strip(),
        expires_at=expires_at,
    )


def checked_text(text: str, at: str, most: int) -> str:
    """Text that every database can keep, or :class:`BadRule`."""
    if len(text) > most:
        raise BadRule(f"it has {len(text):,} characters; at most {most:,} are taken", at)
    if _UNKEPT.search(text):
        raise BadRule("it holds control characters or half a surrogate pair; leave them out", at)
    return text


def check_expiry(expires_at: int | None, now: int) -> None:
    """Refuse a rule that would be over at once, or at a time that cannot be shown."""
    if expires_at is not None and expires_at <= now:
        raise BadRule("it would have expired already; give a time to come, or none for never", "$.expires_at")
    if expires_at is not None and expires_at > LATEST:
        raise BadRule("it is later than the year 9999; give none for never", "$.expires_at")


T = TypeVar("T", Action, RuleKind)


def _one_of(kinds: type[T], name: str, at: str) -> T:
    try:
        return kinds(name)
    except ValueError as error:
        raise BadRule(f"no {at[2:]} {name[:50]!r}; there are {', '.join(kinds)}", at) from error


def _domain(text: str) -> str:
    name = text.lower().removeprefix("*").lstrip(".")
    if "@" in name:
        raise BadRule(f"{text!r} is no domain but an e-mail address; use kind email or email-domain")
    _without_path(name)
    host = plain_host(name)
    if is_ip_host(host):
        return _ip(host)
    if not _is_host(host):
        raise BadRule(
            f"{text!r} is no domain; give one such as casino.example (its subdomains are met, too), or use kind word"
        )
    if "www." in name and _is_suffix(host):
        raise BadRule(f"{text!r} would meet all of .{host}; give the domain alone, or {host} if you mean just that")
    return host


def _without_path(name: str) -> None:
    try:
        parts = urlsplit(name if "//" in name else f"//{name}")
    except ValueError as error:
        raise BadRule(f"{name!r} is no domain ({error}); give one such as casino.example") from error
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise BadRule(
            f"{name!r} has a path, and a domain has none: give {parts.netloc or 'the domain'} alone, kind ip for a"
            " network, or kind regex for the address"
        )


def _is_host(host: str) -> bool:
    """Whether it is a domain or a public suffix."""
    return _HOST.fullmatch(host) is not None and ("." in host or _is_suffix(host))


def _is_suffix(host: str) -> bool:
    """Whether it is a public suffix such as ``ru`` or ``co.uk``."""
    return looks_like_address(f"x.{host}") and not looks_like_address(host)


def _email(text: str) -> str:
    email = plain_email(text)
    local, _, host = email.rpartition("@")
    if not _LOCAL.fullmatch(local) or not _is_host(host):
        raise BadRule(f"{text!r} is no e-mail address; give one such as ann@example.org, or use kind email-domain")
    return email


def _email_domain(text: str) -> str:
    host = plain_email("x@" + text.removeprefix("*").removeprefix("@").removeprefix("*").lstrip(".")).rpartition("@")[2]
    if not _is_host(host):
        raise BadRule(f"{text!r} is no domain of e-mail addresses; give one such as mail.example")
    return host


def _ip(text: str) -> str:
    try:
        network: IPv4Network | IPv6Network = ip_network(
            text.replace("%", " "), strict=False
        )  # No zones: they are ours.
    except ValueError as error:
        raise BadRule(
            f"{text!r} is no address and no network; give one such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/48"
        ) from error
    if isinstance(network, IPv6Network) and network.prefixlen >= _MAPPED:
        mapped = network.network_address.ipv4_mapped
        if mapped is not None:  # Comments' addresses are read so, too.
            network = IPv4Network((mapped, network.prefixlen - _MAPPED))
    if network.prefixlen == 0:
        raise BadRule(f"{text!r} would meet everybody; give a smaller network, or close the site (mode closed)")
    return str(network if network.prefixlen < network.max_prefixlen else network.network_address)


def _name(text: str) -> str:
    name = plain_name(text)
    if not name:
        raise BadRule(f"{text!r} is no name; give the whole name as its author writes it")
    return name


def _word(text: str) -> str:
    body = text.removesuffix(PREFIX)
    begun = body != text
    strange = next((sign for sign in body if not _is_of_words(sign)), None)
    if strange is not None:
        raise BadRule(
            f"{text!r} holds {strange!r}, which no word has; give words (an asterisk at the end means: begins so),"
            " or use kind regex"
        )
    folded = fold(body).text
    if plain_links(folded):
        raise BadRule(f"{text!r} is an address, and words are looked for beside addresses; use kind domain or regex")
    if is_unspaced(folded):
        return " ".join(folded.split())
    words = words_of(folded)
    if not words or (begun and body != body.rstrip()):
        raise BadRule(f"{text!r} holds no word; give letters or digits, and an asterisk only at the end of a word")
    if begun and len(words[-1]) < LEAST_BEGUN:
        raise BadRule(f"{text!r} would meet too much; give at least {LEAST_BEGUN} letters before the asterisk")
    return " ".join(words) + PREFIX * begun


def _is_of_words(sign: str) -> bool:
    return sign.isalnum() or sign in _BETWEEN_WORDS or sign.isspace() or unicodedata.category(sign)[0] == "M"


def _regex(text: str) -> str:
    try:
        found = compiled(text)
    except re2.error as error:
        raise BadRule(
            f"the expression does not compile: {_said(error)}; write it for RE2"
            " (https://github.com/google/re2/wiki/Syntax), without look-around and back-references"
        ) from error
    if found.search("") is not None:
        raise BadRule("the expression is found in every text, even an empty one; say what must be there (x+, not x*)")
    return text


def _said(error: Exception) -> str:
    said = error.args[0] if error.args else "no reason given"
    return said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)


def _language(text: str) -> str:
    name = text.lower().replace("_", "-")
    if name in SCRIPTS:
        return name
    code = name.partition("-")[0]
    if not _LANGUAGE.fullmatch(code):
        raise BadRule(f"{text!r} is no language; give its code, such as en or ru, or a script: {', '.join(SCRIPTS)}")
    return code


def _number(least: int, most: int, of: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not (text.isascii() and text.isdecimal()) or not least <= int(text) <= most:
            raise BadRule(f"{text[:50]!r} is no number of {of}; give a whole number from {least} to {most:,}")
        return str(int(text))

    return check


_VALUES: dict[RuleKind, Callable[[str], str]] = {
    RuleKind.DOMAIN: _domain,
    RuleKind.EMAIL: _email,
    RuleKind.EMAIL_DOMAIN: _email_domain,
    RuleKind.IP: _ip,
    RuleKind.NAME: _name,
    RuleKind.WORD: _word,
    RuleKind.REGEX: _regex,
    RuleKind.LANGUAGE: _language,
    RuleKind.LINKS: _number(1, MOST_LINKS, "links"),
    RuleKind.POST_AGE: _number(0, MOST_DAYS, "days"),
}
