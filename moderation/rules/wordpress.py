"""WordPress's lists "Comment Moderation" and "Disallowed Comment Keys": one entry a line.

There an entry is looked for anywhere in text, name, URL, e-mail address, IP address and user agent, inside words too:
"press" is found in "WordPress". Here it becomes the narrowest kind of rule that it fits.
"""

from __future__ import annotations

import re
from ipaddress import ip_network

from moderation.links import looks_like_address
from moderation.rules.imported import Imported, as_text, escaped, is_plain_words
from moderation.rules.rule import Action, RuleKind

MOST_BYTES = 8 << 20
_OCTETS = re.compile(r"((?:\d{1,3}\.){2}\d{1,3}|(?:\d{1,3}\.){1,3}(?=$))\.?")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_HOST = re.compile(r"[\w-]+(?:\.[\w-]+)+\.?")
_LOCAL = re.compile(r"[^\s@:/]+")
_OCTETS_OF_IPV4, _BITS_OF_OCTET = 4, 8


def read_wordpress(raw: bytes, action: Action) -> Imported:
    """Read a list; :class:`~moderation.errors.BadRule` if the file is no text."""
    found = Imported()
    for number, line in enumerate(as_text(raw, MOST_BYTES).splitlines(), 1):
        entry = line.strip()
        if entry:
            found.take(number, entry, action, *mapped(entry), "")
    return found


def mapped(entry: str) -> tuple[RuleKind, str]:
    """The narrowest kind an entry fits, and its value."""
    if _is_network(entry):
        return RuleKind.IP, entry
    if _OCTETS.fullmatch(entry):  # "192.0.2." stands for all addresses that begin so.
        return RuleKind.IP, _network(entry)
    named = _mapped_name(entry)
    if named is not None:
        return named
    return (RuleKind.WORD, entry) if is_plain_words(entry) else (RuleKind.REGEX, escaped(entry))


def _mapped_name(entry: str) -> tuple[RuleKind, str] | None:
    """As of :func:`mapped`, for e-mail addresses and domains."""
    bare = _SCHEME.sub("", entry).rstrip("/")
    local, at, host = entry.rpartition("@")
    if at and _HOST.fullmatch(host):
        if not local:
            return RuleKind.EMAIL_DOMAIN, host
        if _LOCAL.fullmatch(local):
            return RuleKind.EMAIL, entry
    if _HOST.fullmatch(bare) and looks_like_address(bare):
        return RuleKind.DOMAIN, bare
    return None


def _is_network(entry: str) -> bool:
    try:
        ip_network(entry, strict=False)
    except ValueError:
        return False
    return True


def _network(entry: str) -> str:
    octets = entry.rstrip(".").split(".")
    whole = octets + ["0"] * (_OCTETS_OF_IPV4 - len(octets))
    return f"{'.'.join(whole)}/{len(octets) * _BITS_OF_OCTET}"
