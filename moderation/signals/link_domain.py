"""Links to a domain that this site has met before, and what became of those comments."""

from __future__ import annotations

from moderation.past import MAX_LINKS, domain_key
from moderation.signals.signal import Found, Seen, Signal
from moderation.signals.standing import home_domain, worst_domain


def _find(seen: Seen) -> Found | None:
    own = home_domain(seen)
    # Of domains that were not looked up nothing is known: all links of a long comment would cost time for nothing.
    linked = [domain for link in seen.links[:MAX_LINKS] if (domain := domain_key(link.url)) != own]
    return worst_domain(seen, linked, "links to")


SIGNAL = Signal("link-domain", "what became of comments here that linked to the same domain", 1.0, _find)
