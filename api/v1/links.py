"""Links to one comment, to be put into the mail that a blog sends to its moderators."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from flask import Blueprint, Response, request
from msgspec import Meta, Struct

from api.auth import site_of_request
from api.v1.bodies import answer_json, possible_id, read_as
from api.v1.schemas import at
from api.wiring import parts
from moderation.mail_links import link_for
from moderation.past import DAY
from moderation.store import now_ms

bp = Blueprint("links", __name__)

PAGE = "dashboard/mail/"


class NewLink(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """For whom a link is made, and for how long it is good."""

    reviewer: Annotated[str, Meta(min_length=1, max_length=64, description="Who acts by it", examples=["ann"])]
    days: Annotated[int, Meta(ge=1, le=30)] = 7


class LinkShown(Struct, frozen=True, kw_only=True):
    """A link. Whoever has it may act on the comment in the reviewer's name: send it to them alone."""

    url: str
    expires_at: datetime


@bp.post("/comments/<path:comment_id>/links")
def make(comment_id: str) -> Response:
    """Make a link to a comment."""
    site, found = site_of_request(), parts()
    wanted = read_as(NewLink)
    comment = found.store.history(site.id, possible_id(comment_id))
    expires_at = (now_ms() + wanted.days * DAY) // 1000 * 1000
    token = link_for(found.sites.secret, site.id, comment.id, wanted.reviewer, expires_at)
    return answer_json(LinkShown(url=f"{request.url_root}{PAGE}{token}", expires_at=at(expires_at)), 201)
