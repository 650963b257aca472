"""A home page on a domain that this site has met before, and what became of those comments."""

from __future__ import annotations

from moderation.signals.signal import Found, Seen, Signal
from moderation.signals.standing import home_domain, worst_domain


def _find(seen: Seen) -> Found | None:
    own = home_domain(seen)
    return worst_domain(seen, [own], "the author's home page is on") if own else None


SIGNAL = Signal("author-domain", "what became of comments here whose author named the same domain", 1.0, _find)
