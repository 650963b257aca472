"""What tests of evidence share: a site's comments, judged with little ado, with their traces and sketches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from moderation.campaigns import sketches
from moderation.comment import Author, Comment, content_digest
from moderation.features import extract
from moderation.language import language_of
from moderation.past import DAY, HOUR, NOTHING, Kind, Past, Record, Trace, as_written, traces_of
from moderation.store import Checked, Judged, Store, Trail
from moderation.verdict import Decision
from tests.builders import BITS, make_comment, make_verdict

SECRET = b"a secret of the tests"
NOW = 20_000 * DAY + 12 * HOUR
ANN, BEN = 1, 2
COPY = "We fix roofs in every town for half the price, call the number on our page today and save"
OTHER = "The third step failed for me until I had installed the missing package, thank you for writing it up"


def trails_of(comments: Sequence[Comment], when: int = NOW, *, live: bool = True) -> list[Trail]:
    """How comments are traced, as a check does it."""
    found = extract(list(comments), BITS)
    trails = []
    for i, (comment, sketch) in enumerate(zip(comments, sketches(found), strict=True)):
        traces = traces_of(
            comment, as_written(found.links[i], comment.text), language_of(comment, found.texts()[i]), SECRET
        )
        trails.append(Trail(tuple(traces), sketch, when, live))
    return trails


def keep_all(
    store: Store,
    comments: Sequence[Comment],
    decision: Decision = Decision.ACCEPT,
    *,
    site: int = ANN,
    when: int = NOW,
    live: bool = True,
) -> list[Checked]:
    """Record comments in one batch, with what the store knew of them."""
    trails = trails_of(comments, when, live=live)
    pasts = store.recall([(site, trail) for trail in trails])
    return store.record(
        [
            Judged(site, comment, content_digest(comment), make_verdict(decision), trail, past)
            for comment, trail, past in zip(comments, trails, pasts, strict=True)
        ]
    )


def keep_one(store: Store, text: str = "Hi", decision: Decision = Decision.ACCEPT, **options: Any) -> Checked:
    """Record one comment: the options of :func:`keep_all`, others are fields of the comment."""
    chosen = {name: options.pop(name) for name in ("site", "when", "live") if name in options}
    (checked,) = keep_all(store, [make_comment(text, **options)], decision, **chosen)
    return checked


def past_of(store: Store, comment: Comment, site: int = ANN, when: int = NOW) -> Past:
    """What a site has seen before a comment."""
    (past,) = store.recall([(site, trail) for trail in trails_of([comment], when)])
    return past


def record_of(store: Store, kind: Kind, site: int = ANN, **author: Any) -> Record | None:
    """The record of one kind of key of an author."""
    return past_of(store, make_comment(author=Author(**author)), site).one(kind)


def campaign_of(store: Store, text: str = COPY, site: int = ANN, when: int = NOW) -> Record | None:
    """The record of the near-copies of a text."""
    found = past_of(store, make_comment(text), site, when).campaign
    return found.record if found is not None else None


def made_past(*records: tuple[Trace, Record]) -> Past:
    """A past of these records alone."""
    return Past(dict(records)) if records else NOTHING
