"""Comments as signals and rules see them: links as they were written, folded text, language."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from moderation.comment import Comment
from moderation.features import Features, extract
from moderation.language import language_of
from moderation.past import NOTHING, as_written
from moderation.signals.signal import Seen
from moderation.text import Link, as_text

PORTION = 100_000
"""Characters looked at together: memory is bounded by the longest comment, not by the list."""
MOST_TOGETHER = 256
FEWEST_BITS = 8
"""Of a table of n-grams, for who does not look at them."""
T = TypeVar("T")


def look(comments: Sequence[Comment], features: Features, moments: Sequence[int], hops: Sequence[int]) -> list[Seen]:
    """Comments, their features, when each was written and how many proxies its site trusts; nothing of their past."""
    return [
        Seen(
            comment, as_written(links, comment.text), as_text(text), language_of(comment, text), when, NOTHING, trusted
        )
        for comment, links, text, when, trusted in zip(
            comments, features.links[: features.size], features.texts(), moments, hops, strict=True
        )
    ]


def links_in(comment: Comment) -> tuple[Link, ...]:
    """The links of a comment, in markup and in running text, as they were written."""
    return as_written(extract([comment], FEWEST_BITS).links[0], comment.text)


def portions(items: Iterable[T], comment_of: Callable[[T], Comment]) -> Iterator[list[T]]:
    """Cut a list where a portion's text is long enough."""
    portion: list[T] = []
    length = 0
    for item in items:
        portion.append(item)
        length += len(comment_of(item).text)
        if length >= PORTION or len(portion) > MOST_TOGETHER:
            yield portion
            portion, length = [], 0
    if portion:
        yield portion
