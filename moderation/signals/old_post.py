"""An old post revived."""

from __future__ import annotations

from math import log2

from moderation.past import DAY, milliseconds
from moderation.signals.signal import Found, Seen, Signal

DAYS = 180
MOST = 4.0


def _find(seen: Seen) -> Found | None:
    post = seen.comment.post
    if post is None or post.published_at is None:
        return None
    days = (seen.now - milliseconds(post.published_at)) / DAY
    if days < DAYS:
        return None
    return Found(f"the post is {_told(days)} old", round(min(1 + log2(days / DAYS), MOST), 4))


def _told(days: float) -> str:
    return f"{days / 365:.0f} years" if days >= 730 else f"{days / 30:.0f} months"


SIGNAL = Signal("old-post", "a post of more than half a year; twice the age counts once more", 0.25, _find)
