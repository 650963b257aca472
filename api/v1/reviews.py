"""What people said: reviews, which inform the records that later comments are judged by."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response
from msgspec import Meta, Struct

from api.auth import site_of_request
from api.v1.bodies import answer_json, possible_id, read_as
from api.v1.schemas import shown
from api.wiring import parts
from moderation.past import Outcome
from moderation.store import Review, now_ms

bp = Blueprint("reviews", __name__)


Reviewer = Annotated[str, Meta(min_length=1, max_length=64, description="Who says so", examples=["ann"])]
Note = Annotated[str, Meta(max_length=2_000)]


class NewReview(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a person says of a comment. Reviews are never overwritten: the newest counts."""

    outcome: Outcome
    reviewer: Reviewer = "api"
    note: Note | None = None


@bp.post("/comments/<path:comment_id>/reviews")
def review(comment_id: str) -> Response:
    """Review a comment."""
    site = site_of_request()
    said = read_as(NewReview)
    found = Review(said.outcome, said.reviewer, now_ms(), said.note)
    return answer_json(shown(parts().store.review(site.id, possible_id(comment_id), found)), 201)
