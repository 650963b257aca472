"""A trackback that does not link back."""

from __future__ import annotations

from moderation.links import host_of
from moderation.signals.signal import Found, Seen, Signal

KINDS = frozenset({"trackback", "pingback"})


def _find(seen: Seen) -> Found | None:
    comment = seen.comment
    if comment.type not in KINDS or comment.post is None or not comment.post.url:
        return None
    here = host_of(comment.post.url)
    if not here or any(host_of(link.url) == here for link in seen.links):
        return None
    return Found(f"the {comment.type} does not link back to {here}")


SIGNAL = Signal("no-link-back", "a trackback or pingback without a link to the post", 1.5, _find)
