"""Taking in what people judged elsewhere: comments with their outcome, kept as if they had come and been settled here.

Each is judged, kept and reviewed, so that it teaches like any other; the site is told nothing of it. Importing the
same file again changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from moderation.check import Judging, Submission, check_comments
from moderation.comment import LabelledComment, content_digest
from moderation.errors import BadComment, HamletError
from moderation.past import HOUR, Outcome, milliseconds
from moderation.policy import Policy
from moderation.review import Actor
from moderation.store import Review, Store, now_ms
from moderation.store.reviews import IMPORTED, SqlReviews

CLEAR = 0.5
_PREFIX = "import:"
_NOT_NOW = 2 * HOUR
"""What has no time did not come all in this hour: whoever wrote much would be held for it from now on."""


class Judged(LabelledComment, frozen=True, kw_only=True, omit_defaults=True):
    """A comment with what a person said of it: its outcome, or labels of spam and toxicity."""

    outcome: Annotated[Outcome, Meta(description="ham, spam, abuse or other")] | None = None
    reviewer: Annotated[str, Meta(max_length=64, description="Who said so")] | None = None
    reviewed_at: Annotated[datetime, Meta(description="When; else when it was written, else now")] | None = None

    def said(self) -> Outcome:
        """Its outcome; raises :class:`~moderation.errors.BadComment` if nobody said anything."""
        if self.outcome is not None:
            return self.outcome
        if self.labels.get("spam", 0) >= CLEAR:
            return Outcome.SPAM
        if self.labels.get("toxicity", 0) >= CLEAR:
            return Outcome.ABUSE
        if self.labels.keys() & {"spam", "toxicity"}:
            return Outcome.HAM
        raise BadComment(
            "no judgement: it needs `outcome` (ham, spam, abuse, other), or `labels` with spam or toxicity"
        )


@dataclass(frozen=True, slots=True)
class Imported:
    """How many were taken in, and how many had been there with the same outcome."""

    taken: int
    known: int


def import_labels(
    rows: Sequence[Judged],
    *,
    site_id: int,
    judging: Judging,
    store: Store,
    reviews: SqlReviews,
    secret: bytes,
    actor: Actor,
    every: bool = False,
) -> Imported:
    """Take in judged comments. ``every``: they are all that came, or a random part of it, and not a selection.

    Of such comments errors can be estimated and promises made; see :mod:`moderation.guarantee`.
    """
    comments = [_plain(row) for row in rows]
    drawn = Judging(judging.classifier, _drawing(judging.policy, every), judging.base)
    asked = [Submission(site_id, comment, drawn) for comment in comments]
    checked = check_comments(asked, store=store, secret=secret, now=now_ms() - _NOT_NOW)
    said = {one.id: _review(row, actor) for row, one in zip(rows, checked, strict=True)}
    newest = reviews.newest(list(said))
    fresh = {one: review for one, review in said.items() if newest.get(one) is not review.outcome}
    for result in reviews.settle(site_id, fresh, None, actor, quiet=True).values():
        if isinstance(result, HamletError):
            raise result
    return Imported(len(fresh), len(said) - len(fresh))


def _plain(row: Judged) -> LabelledComment:
    """The comment alone, under an id that the same comment always has."""
    fields = {name: getattr(row, name) for name in LabelledComment.__struct_fields__}
    comment = LabelledComment(**{**fields, "labels": {}, "kind": None, "group": None})
    if comment.id is not None:
        return comment
    return msgspec.structs.replace(comment, id=_PREFIX + content_digest(comment)[:32])


def _drawing(policy: Policy, every: bool) -> Policy:
    """The same policy, but for how fast comments come; of a whole history each comment counts as drawn."""
    off = (*policy.choices.signals_off, "velocity")
    choices = msgspec.structs.replace(
        policy.choices, spot_checks=1.0 if every else 0.0, signals_off=off, flood_per_hour=0
    )
    return replace(policy, choices=choices)


def _review(row: Judged, actor: Actor) -> Review:
    at = row.reviewed_at or row.submitted_at
    when = now_ms() if at is None else min(max(milliseconds(at), 0), now_ms())
    return Review(row.said(), row.reviewer or actor.name, when, IMPORTED)
