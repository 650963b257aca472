"""A link to a domain that nobody has linked to before."""

from __future__ import annotations

from moderation.past import MAX_LINKS, Kind, domain_key, domains_of
from moderation.signals.signal import Found, Seen, Signal

OLD_ENOUGH = 50
"""Comments a site must have before a domain can be new to it."""


def _find(seen: Seen) -> Found | None:
    site = seen.past.one(Kind.SITE)
    if site is None or site.comments < OLD_ENOUGH:
        return None
    # Of domains that were not looked up nothing is known.
    new = {one for one in domains_of(seen.comment, seen.links) if (Kind.DOMAIN, one) not in seen.past.records}
    for link in seen.links[:MAX_LINKS]:
        if (domain := domain_key(link.url)) in new:
            return Found(f"links to {domain}, which nobody here has linked to before", spans=((link.start, link.end),))
    return None


SIGNAL = Signal("new-domain", "a link to a domain never seen on this site", 0.3, _find)
