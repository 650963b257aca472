"""The form was sent sooner than a person can write."""

from __future__ import annotations

from moderation.signals.signal import Found, Seen, Signal

SECONDS = 3.0
"""Nobody reads, writes and sends in less."""
STROKES = 25.0
"""Characters a second: five times the fastest typist. Short texts may be pasted."""
LONG = 150


def _find(seen: Seen) -> Found | None:
    form = seen.comment.form
    if form is None or form.seconds_to_submit is None or form.seconds_to_submit < 0:  # A clock that was set back.
        return None
    seconds, length = form.seconds_to_submit, len(seen.comment.text)
    if seconds < SECONDS:
        return Found(f"sent {seconds:.1f} seconds after the form was shown")
    if length > LONG and length / seconds > STROKES:
        return Found(f"{length:,} characters were written in {seconds:.0f} seconds", 0.4)
    return None


SIGNAL = Signal("too-fast", "the form was sent sooner than a person can write", 2.5, _find)
