"""What became of the same author's earlier comments here."""

from __future__ import annotations

from moderation.past import Kind, Record
from moderation.signals.signal import Found, Seen, Signal
from moderation.signals.standing import LEAST, NAMED, standing, told

_OF_AUTHOR = Kind.EMAIL, Kind.URL, Kind.IP
ELSEWHERE = 0.3
"""What is left of a good record in a comment from a network never met: anybody can type another's address."""
SHARED = 0.5
"""An IP address may be shared: it counts half."""


def _find(seen: Seen) -> Found | None:
    known: list[tuple[float, Kind, Record]] = [
        (standing(record) * (SHARED if kind is Kind.IP else 1.0), kind, record)
        for (kind, _), record in seen.past.records.items()
        if kind in _OF_AUTHOR
    ]
    if not known:
        return None
    # The worst record counts: a spammer who borrows a good name keeps his own address.
    worst, kind, record = max(known, key=lambda one: one[0])
    if worst < LEAST:
        worst, kind, record = min(known, key=lambda one: one[0])
    if abs(worst) < LEAST:
        return None
    told_where = ""
    if worst < 0 and _from_elsewhere(seen):
        worst, told_where = worst * ELSEWHERE, ", though never from this network"
    return Found(f"from {NAMED[kind]} came before: {told(record)}{told_where}", round(worst, 4))


def _from_elsewhere(seen: Seen) -> bool:
    """Whether a comment comes from a network that the site has never heard of."""
    author = seen.comment.author
    return author is not None and bool(author.ip) and seen.past.one(Kind.PREFIX) is None


SIGNAL = Signal(
    "author-record", "what became of earlier comments of the same e-mail, home page or IP address", 1.0, _find
)
