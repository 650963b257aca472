"""An author's name that is no name: an address, or the words that the home page is to be found by."""

from __future__ import annotations

import re

from moderation.links import host_of, looks_like_address
from moderation.signals.signal import Found, Seen, Signal

LEAST_SHARED = 8
"""Letters of a name that make up a host: "ann" in ann.example is her name, "cheaploans" is not."""
MANY_WORDS = 5


def _find(seen: Seen) -> Found | None:
    author = seen.comment.author
    if author is None or not author.name:
        return None
    name = author.name.strip()
    if looks_like_address(name):
        return Found(f"the author's name is an address: {name[:100]}", 1.2)
    words = re.findall(r"\w+", name.casefold())
    if author.url and len(words) > 1 and not _capitalized(name):
        host = re.sub(r"[^\w]", "", host_of(author.url))
        joined = "".join(words)
        if len(joined) >= LEAST_SHARED and (joined in host or all(len(word) > 2 and word in host for word in words)):
            return Found(f"the author's name “{name[:100]}” is what the home page is to be found by")
    if len(words) >= MANY_WORDS and author.url:
        return Found(f"the author's name has {len(words)} words", 0.6)
    return None


def _capitalized(name: str) -> bool:
    """Whether every word begins as names do; scripts without capitals count as such."""
    return all(not word[0].islower() for word in name.split())


SIGNAL = Signal("keyword-name", "an author's name that is an address or a search term", 1.5, _find)
