"""What a record says: how good or bad a key's standing is, as a number and in words."""

from __future__ import annotations

from math import log

from moderation.past import Kind, Record, domain_key
from moderation.signals.signal import Found, Seen

MOST = 4.0
MACHINE = 0.2
"""What a comment that only the machine judged counts, beside one a person did."""
LEAST = 0.2
NAMED = {
    Kind.EMAIL: "this e-mail address",
    Kind.URL: "this home page",
    Kind.IP: "this IP address",
    Kind.PREFIX: "this network",
}
"""What an author comes from, in words."""


def standing(record: Record) -> float:
    """Log-odds that a key is bad, from what people said and, for less, what was decided; 0 for a stranger.

    Laplace's rule of succession on both sides. What was held is nobody's judgement yet.
    """
    good = record.ham + MACHINE * max(0, record.accepted - record.reviewed)
    bad = record.bad + MACHINE * max(0, record.rejected - record.reviewed)
    return max(-MOST, min(MOST, log((1 + bad) / (1 + good))))


def told(record: Record) -> str:
    """A record in words: "7 accepted, 1 rejected, reviewed 3 times as spam"."""
    parts = [
        f"{count:,} {name}"
        for count, name in (
            (record.accepted, "accepted"),
            (record.held, "held"),
            (record.rejected, "rejected"),
        )
        if count
    ]
    said = [
        f"{count:,} of them {name}"
        for count, name in ((record.ham, "called ham"), (record.spam, "called spam"), (record.abuse, "called abuse"))
        if count
    ]
    return ", ".join(parts + said) or "nothing yet"


def worst_domain(seen: Seen, domains: list[str], what: str) -> Found | None:
    """The domain with the worst record of some: a good one lends its name to no other."""
    known = [
        (standing(record), domain, record)
        for domain in domains
        if (record := seen.past.records.get((Kind.DOMAIN, domain))) is not None
    ]
    if not known:
        return None
    worst, domain, record = max(known)
    if abs(worst) < LEAST:
        return None
    return Found(f"{what} {domain}, which this site has met before: {told(record)}", round(worst, 4))


def home_domain(seen: Seen) -> str:
    """Registered domain of the author's home page; empty if there is none."""
    author = seen.comment.author
    return domain_key(author.url) if author is not None and author.url else ""
