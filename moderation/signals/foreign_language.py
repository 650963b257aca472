"""A language that this site is not written in."""

from __future__ import annotations

from moderation.past import Kind
from moderation.signals.signal import Found, Seen, Signal

OLD_ENOUGH = 50
"""Comments a site must have before its languages are known."""
SHARE = 0.02


def _find(seen: Seen) -> Found | None:
    site = seen.past.one(Kind.SITE)
    if not seen.language or site is None or site.comments < OLD_ENOUGH:
        return None
    record = seen.past.records.get((Kind.LANGUAGE, seen.language))
    # What was rejected does not make a language the site's own.
    count = record.accepted + record.held if record is not None else 0
    if count >= SHARE * site.comments:
        return None
    return Found(f"{count:,} of {site.comments:,} comments here are in this language or script ({seen.language})")


SIGNAL = Signal("foreign-language", "a language or script that hardly anybody uses on this site", 1.2, _find)
