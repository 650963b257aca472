"""The held queue: what waits, and how people settle it; the same as the dashboard's, for programs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response, request
from msgspec import Meta, Struct

from api import asked
from api.auth import site_of_request
from api.problems import Problem, problem_of
from api.v1.bodies import answer_json, number_asked, possible_id, read_as
from api.v1.reviews import Note, Reviewer
from api.v1.schemas import OurId, Scores, at
from api.wiring import parts
from moderation.comment import MAX_ID, Comment
from moderation.errors import HamletError
from moderation.past import Outcome
from moderation.review import COUNTED, MOST_AT_ONCE, MOST_SHOWN, Actor, Card, Done, Facet, blinded
from moderation.store import now_ms
from moderation.verdict import Decision, Reason

bp = Blueprint("queue", __name__)

AnyId = Annotated[str, Meta(min_length=1, max_length=MAX_ID, description="Hamlet's id, or the site's own")]
Seen = Annotated[
    int, Meta(ge=0, description="How many reviews and later versions of the comment its reviewer has seen")
]


class Waits(Struct, frozen=True, kw_only=True):
    """A comment that waits for a person."""

    id: OurId
    external_id: str | None
    received_at: datetime
    waits_since: datetime
    comment: Comment
    decision: Decision
    scores: Scores
    reasons: tuple[Reason, ...]
    head: Annotated[str, Meta(description="The head that asked for a person; empty: a rule, a mode or a person did")]
    language: str
    campaign: Annotated[str, Meta(description="Id shared by near-copies")]
    near_copies: Annotated[tuple[str, ...], Meta(description="Ids of the others that wait")]
    seen: Annotated[int, Meta(description="How many reviews and later versions it has; send it back with what you say")]
    claimed_by: Annotated[str | None, Meta(description="Who looks at it just now")]


class QueueShown(Struct, frozen=True, kw_only=True):
    """A page of the queue; near-copies are one item."""

    items: tuple[Waits, ...]
    after: Annotated[str | None, Meta(description="Ask for those after this; null: these are the last")]


class QueueCounted(Struct, frozen=True, kw_only=True):
    """How much waits, and of what."""

    total: Annotated[int, Meta(description=f"At most {COUNTED:,}")]
    more: Annotated[bool, Meta(description="There are more than were counted")]
    facets: Annotated[dict[str, dict[str, int]], Meta(description="By facet: values and how often each is met")]


class ManyReviews(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The same said of some comments."""

    ids: Annotated[tuple[AnyId, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    outcome: Outcome
    reviewer: Reviewer = "api"
    note: Note | None = None
    seen: Annotated[
        dict[str, Seen] | None,
        Meta(description="By id; a comment that has more by now is left as it is. Null: the newest counts"),
    ] = None


class Reviewed(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one comment."""

    id: str
    number: Annotated[int | None, Meta(description="Number of its newest review; takes it back")] = None
    outcome: Outcome | None = None
    waits: Annotated[bool, Meta(description="Whether it is in the queue now")] = False
    repeated: Annotated[bool, Meta(description="The same had been said by the same person")] = False
    problem: Problem | None = None


class ReviewedMany(Struct, frozen=True, kw_only=True):
    """What became of each, in the order of the request."""

    results: tuple[Reviewed, ...]


class Looking(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Comments that somebody looks at."""

    ids: Annotated[tuple[AnyId, ...], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    reviewer: Reviewer


class Claimed(Struct, frozen=True, kw_only=True):
    """Who has those that others look at, by id; the rest is the caller's for two minutes."""

    others: dict[str, str]


class TakingBack(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A review to be taken back, within a day."""

    number: Annotated[int, Meta(ge=1, description="The newest review's")]
    reviewer: Reviewer


class Reopening(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who wants to see a comment again."""

    reviewer: Reviewer = "api"


@bp.get("/queue")
def show() -> Response:
    """A page of the queue."""
    site, view = site_of_request(), asked.read(request.args)
    limit = number_asked("limit", 50, MOST_SHOWN)
    page = parts().queue.page([site.id], view.wanted, order=view.order, after=view.after, limit=limit)
    cards, now = (blinded(card, site.choices.spot_checks) for card in page.cards), now_ms()
    return answer_json(QueueShown(items=tuple(_waits(card, now) for card in cards), after=page.after))


@bp.get("/queue/counts")
def counts() -> Response:
    """How much waits."""
    site, view = site_of_request(), asked.read(request.args)
    found = parts().queue.counts([site.id], view.wanted)
    facets = {facet.value: dict(found.facets[facet]) for facet in Facet if facet in found.facets}
    return answer_json(QueueCounted(total=min(found.total, COUNTED), more=found.more, facets=facets))


@bp.post("/queue/reviews")
def settle() -> Response:
    """Say the same of some comments; each has its own result."""
    site, said = site_of_request(), read_as(ManyReviews)
    actor = Actor(said.reviewer, "api")
    results = parts().queue.settle(site.id, said.ids, said.outcome, actor, note=said.note, seen=said.seen)
    shown = tuple(_result(name, results[name]) for name in dict.fromkeys(said.ids))
    return answer_json(ReviewedMany(results=shown), 200 if all(one.problem is None for one in shown) else 207)


@bp.post("/queue/claims")
def claim() -> Response:
    """Keep comments for somebody for two minutes."""
    site, looking = site_of_request(), read_as(Looking)
    return answer_json(Claimed(others=parts().queue.claim([site.id], looking.ids, looking.reviewer)))


@bp.post("/queue/claims/release")
def release() -> Response:
    """Let others have them."""
    site, looking = site_of_request(), read_as(Looking)
    parts().queue.release([site.id], looking.ids, looking.reviewer)
    return answer_json(Claimed(others={}))


@bp.post("/comments/<path:comment_id>/undo")
def undo(comment_id: str) -> Response:
    """Take the newest review of a comment back; a key speaks for its site, and may take back anybody's."""
    site, wanted = site_of_request(), read_as(TakingBack)
    actor = Actor(wanted.reviewer, "api")
    done = parts().queue.undo(site.id, possible_id(comment_id), wanted.number, actor, own=False)
    return answer_json(_done(done.comment_id, done))


@bp.post("/comments/<path:comment_id>/reopen")
def reopen(comment_id: str) -> Response:
    """Put a comment into the queue."""
    site, wanted = site_of_request(), read_as(Reopening)
    done = parts().queue.reopen(site.id, possible_id(comment_id), Actor(wanted.reviewer, "api"))
    return answer_json(_done(done.comment_id, done))


def _waits(card: Card, now: int) -> Waits:
    one = card.waiting
    return Waits(
        id=one.comment_id,
        external_id=card.external_id,
        received_at=at(card.received_at),
        waits_since=at(one.entered_at),
        comment=card.comment,
        decision=card.verdict.decision,
        scores=card.verdict.scores,
        reasons=card.verdict.reasons,
        head=one.head,
        language=one.language,
        campaign=one.campaign,
        near_copies=tuple(twin.comment_id for twin in card.twins),
        seen=card.seen,
        claimed_by=one.claimant(now),
    )


def _result(name: str, result: Done | HamletError) -> Reviewed:
    return _done(name, result) if isinstance(result, Done) else Reviewed(id=name, problem=problem_of(result))


def _done(name: str, done: Done) -> Reviewed:
    return Reviewed(
        id=name, number=done.number, outcome=done.review.outcome, waits=done.waiting, repeated=done.repeated
    )
