"""An e-mail address that is thrown away after use."""

from __future__ import annotations

from disposable_email_domains import blocklist

from moderation.links import email_domain
from moderation.signals.signal import Found, Seen, Signal

LABELS = 6
"""Of a longer domain only so many labels at its end are looked at."""


def _find(seen: Seen) -> Found | None:
    author = seen.comment.author
    if author is None or not author.email:
        return None
    domain = email_domain(author.email)
    parts = domain.split(".")[-LABELS:]
    # Subdomains of a disposable domain are as disposable.
    for some in (".".join(parts[i:]) for i in range(len(parts) - 1)):
        if some in blocklist:
            return Found(f"{some} gives out addresses to be thrown away")
    return None


SIGNAL = Signal("disposable-email", "an e-mail address to be thrown away", 1.2, _find)
