"""Whether a comment speaks of what its post, or the comment it answers, speaks of."""

from __future__ import annotations

import re

from moderation.signals.signal import Found, Seen, Signal
from moderation.text import fold

STEM = 5
"""Words that share so many first letters count as one: "mortgage" and "mortgages"."""
LEAST_WORDS = 12
"""A comment of fewer words may well speak of its post without naming it."""
LOOKED_AT = 4_000
MOST = 3
_WORD = re.compile(r"[^\W\d_]{4,}")
# Words without a subject, by their stems; languages that write no such words lose nothing.
_EMPTY = frozenset(
    """
    about after again also been because being both could does doing down during each ever every from further have here
    hers into just like made make many more most much must need never next only other over really same should some such
    than that thank thanks their them then there these they thing think this those through time very want well were what
    when where which while will with would your yours aber auch dass dies eine haben mein nicht noch oder sein sich sind
    wird avec dans elle mais nous pour vous como para pero esta este todo blog post site comment article great good nice
    """.split()
)


def _stems(text: str) -> set[str]:
    words = (word for word in _WORD.findall(text[:LOOKED_AT]) if word not in _EMPTY)
    return {word[:STEM] for word in words}


def _find(seen: Seen) -> Found | None:
    post, parent = seen.comment.post, seen.comment.parent
    subject = " ".join(
        part[:LOOKED_AT]
        for part in (post.title if post is not None else None, parent.text if parent is not None else None)
        if part
    )
    if not subject:
        return None
    about = _stems(fold(subject).text)
    if not about:
        return None
    shared = about & _stems(seen.text)
    if shared:
        return Found("speaks of what the post or the comment it answers speaks of", -float(min(len(shared), MOST)))
    if len(seen.text.split()) < LEAST_WORDS:
        return None
    return Found("shares no word with the post's title or the comment it answers")


SIGNAL = Signal("topic", "whether the comment speaks of its post or of the comment it answers", 0.3, _find)
