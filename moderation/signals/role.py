"""Who is signed in, and as what: the site vouches for them."""

from __future__ import annotations

from moderation.signals.signal import Found, Seen, Signal

STAFF = frozenset({"administrator", "admin", "editor", "author", "moderator", "owner", "staff"})
MEMBERS = frozenset({"contributor", "member", "subscriber", "user", "customer"})


def _find(seen: Seen) -> Found | None:
    author = seen.comment.author
    role = author.role.strip().lower() if author is not None and author.role else ""
    if role in STAFF:
        return Found(f"signed in as {role}")
    if role in MEMBERS:
        return Found(f"signed in as {role}", 0.15)
    return None


SIGNAL = Signal("role", "signed in with a role on the site", -7.0, _find)
