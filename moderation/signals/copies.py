"""Near-copies of the comment, and what people said of them."""

from __future__ import annotations

from math import log2

from moderation.past import Kind
from moderation.signals.signal import Found, Seen, Signal
from moderation.signals.standing import standing, told

MOST = 4.0
REVIEWED = 2.0
"""What people said of near-copies weighs more than how many there are."""


def _find(seen: Seen) -> Found | None:
    if seen.past.campaign is None:
        return None
    record = seen.past.campaign.record
    own = max((found.comments for _, found in seen.past.of(Kind.EMAIL, Kind.URL, Kind.IP)), default=0)
    others = record.comments - own
    if record.ham > record.bad:
        return Found(f"near-copies of this comment came before: {told(record)}", round(REVIEWED * standing(record), 4))
    # Who sends a comment twice has only pressed the button twice.
    copies = min(log2(1 + others), MOST) if others > 0 else 0.0
    if record.bad:
        strength = copies + REVIEWED * standing(record)
        return Found(f"near-copies of this comment came before: {told(record)}", round(strength, 4))
    if not copies:
        return None
    count = "a near-copy" if others == 1 else f"{others:,} near-copies"
    return Found(f"{count} of this comment came from others before", round(copies, 4))


SIGNAL = Signal("near-copies", "near-copies that came in the last 30 days, and what people said of them", 0.8, _find)
