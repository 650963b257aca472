"""Links to a domain that this site has met before, and what became of those comments."""

from __future__ import annotations

from moderation.past import domain_key
from moderation.signals.signal import Found, Seen, Signal
from moderation.signals.standing import home_domain, worst_domain


def _find(seen: Seen) -> Found | None:
    own = home_domain(seen)
    return worst_domain(seen, [domain for link in seen.links if (domain := domain_key(link.url)) != own], "links to")


SIGNAL = Signal("link-domain", "what became of comments here that linked to the same domain", 1.0, _find)
