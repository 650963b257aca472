"""More comments in an hour than a person writes."""

from __future__ import annotations

from math import log2

from moderation.past import Kind
from moderation.signals.signal import Found, Seen, Signal
from moderation.signals.standing import NAMED

BOUNDS = {Kind.EMAIL: 6.0, Kind.URL: 6.0, Kind.IP: 12.0, Kind.PREFIX: 40.0}
"""Comments an hour from which on it counts; networks are shared."""
MOST = 4.0


def _find(seen: Seen) -> Found | None:
    most, told = 0.0, ""
    for (kind, _), record in seen.past.records.items():
        bound = BOUNDS.get(kind)
        if bound is None:
            continue
        rate = record.per_hour(seen.now)
        if rate > bound and log2(rate / bound) > most:
            most, told = log2(rate / bound), f"{rate:,.0f} comments from {NAMED[kind]} in the last hour"
    return Found(told, round(min(most, MOST), 4)) if told else None


SIGNAL = Signal("velocity", "more comments an hour than one person or network writes", 1.0, _find)
