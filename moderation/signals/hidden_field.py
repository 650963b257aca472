"""A field that people cannot see was filled in."""

from __future__ import annotations

from moderation.signals.signal import Found, Seen, Signal


def _find(seen: Seen) -> Found | None:
    form = seen.comment.form
    if form is None or not form.honeypot or not form.honeypot.strip():
        return None
    return Found("the form's hidden field was filled in, which people do not see")


SIGNAL = Signal("hidden-field", "the form's hidden field was filled in", 6.0, _find)
