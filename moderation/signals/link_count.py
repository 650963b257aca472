"""Many links."""

from __future__ import annotations

from math import log2

from moderation.signals.signal import Found, Seen, Signal

USUAL = 2
"""Links that nobody wonders about."""
MOST = 4.0


def _find(seen: Seen) -> Found | None:
    count = len(seen.links)
    if count <= USUAL:
        return None
    return Found(f"{count} links", min(log2(count / USUAL), MOST))


SIGNAL = Signal("link-count", "more than two links; doubling them counts once more", 0.5, _find)
