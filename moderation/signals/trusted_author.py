"""An author whom people have called ham often enough to be sure of."""

from __future__ import annotations

from functools import lru_cache

from moderation.guarantee import binomial_cdf
from moderation.past import Kind, Record
from moderation.signals.signal import Found, Seen, Signal

SHARE, SURE = 0.7, 0.95
BAD_COUNTS = 4
"""Trust is lost more quickly than earned: one bad comment takes back four good ones."""
ELSEWHERE = 0.3
"""What is left of trust in a comment from a network where the site has met nobody good: an address can be borrowed."""


@lru_cache(maxsize=4_096)
def sure_of(ham: int, bad: int) -> float:
    """Chance that more than ``SHARE`` of an author's comments are ham.

    The posterior after a flat prior is Beta(1 + ham, 1 + bad); its tail is a binomial one: P(Beta(a, b) > x) =
    P(Binomial(a + b - 1, x) < a).
    """
    ham, bad = min(ham, 400), min(BAD_COUNTS * bad, 400)
    return binomial_cdf(ham, ham + bad + 1, SHARE)


def _find(seen: Seen) -> Found | None:
    records = [record for _, record in seen.past.of(Kind.EMAIL, Kind.URL)]
    if not records or any(sure_of(record.ham, record.bad) < SURE for record in records if record.reviewed):
        return None
    best: Record = max(records, key=lambda record: record.ham)
    if sure_of(best.ham, best.bad) < SURE:
        return None
    author, network = seen.comment.author, seen.past.one(Kind.PREFIX)
    stranger = author is not None and bool(author.ip) and (network is None or network.ham == 0)
    where = ", though never from this network" if stranger else ""
    return Found(f"a trusted author: {best.ham:,} comments called ham{where}", ELSEWHERE if stranger else 1.0)


SIGNAL = Signal("trusted-author", "an author with a long record of comments that people called ham", -3.0, _find)
