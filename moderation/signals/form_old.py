"""The form was shown long before it was sent: a bot that keeps a form for later."""

from __future__ import annotations

from moderation.signals.signal import Found, Seen, Signal

HOURS = 24
MOST_DAYS = 3_650
"""More is nobody's patience but a wrong clock."""


def _find(seen: Seen) -> Found | None:
    form = seen.comment.form
    if form is None or form.seconds_to_submit is None or form.seconds_to_submit < HOURS * 3600:
        return None
    days = form.seconds_to_submit / (HOURS * 3600)
    return Found(f"sent {days:,.0f} days after the form was shown" if days < MOST_DAYS else "sent years after the form")


SIGNAL = Signal("form-old", "the form was shown more than a day before it was sent", 0.7, _find)
