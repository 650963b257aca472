"""A domain written in letters that look like others: xn--pple-43d.com for apple.com."""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from moderation.links import host_of
from moderation.past import MAX_HOST
from moderation.signals.signal import Found, Seen, Signal
from moderation.text import fold

LOOKED_AT = 100
"""Links: folding and decoding names takes time, and thousands of links are no better for one more reason."""


def _find(seen: Seen) -> Found | None:
    urls: list[tuple[str, tuple[tuple[int, int], ...]]] = [
        (link.url, ((link.start, link.end),)) for link in seen.links[:LOOKED_AT]
    ]
    author = seen.comment.author
    if author is not None and author.url:
        urls.append((author.url, ()))
    for url, spans in urls:
        host = host_of(url)
        if plain := looks_like(host):
            return Found(f"{host} looks like {plain}", spans=spans)
    return None


@lru_cache(maxsize=4_096)
def looks_like(host: str) -> str:
    """The ASCII name that an international host could be taken for; empty if none, or if its letters are its own."""
    if len(host) > MAX_HOST or (host.isascii() and "xn--" not in host):
        return ""
    try:
        shown = host.encode().decode("idna") if host.isascii() else host
    except UnicodeError:
        return ""
    for label in shown.split("."):
        # "münchen" folds to "munchen" by its accent alone, and is nobody's look-alike.
        other = [letter for letter in label if not letter.isascii() and not _accented(letter)]
        if other and fold(label).text.isascii():
            return fold(shown).text
    return ""


def _accented(letter: str) -> bool:
    return unicodedata.normalize("NFD", letter)[0].isascii()


SIGNAL = Signal("look-alike-domain", "a domain in letters that look like those of another", 2.5, _find)
