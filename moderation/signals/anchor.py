"""A link that shows one address and leads to another."""

from __future__ import annotations

from moderation.links import looks_like_address
from moderation.past import domain_key
from moderation.signals.signal import Found, Seen, Signal


def _find(seen: Seen) -> Found | None:
    for link in seen.links:
        if not looks_like_address(link.anchor):
            continue
        shown, target = domain_key(link.anchor), domain_key(link.url)
        if shown and target and shown != target:
            return Found(f"shows {shown} and leads to {target}", spans=((link.start, link.end),))
    return None


SIGNAL = Signal("anchor-mismatch", "a link that shows one address and leads to another", 1.5, _find)
