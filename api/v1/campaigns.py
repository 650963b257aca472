"""Campaigns: the near-copies of a comment, and how to hold all that were accepted, in one call."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, Response
from msgspec import Struct

from api.auth import site_of_request
from api.v1.bodies import answer_json, possible_id
from api.v1.schemas import OurId, at
from api.wiring import parts
from moderation.past import Outcome
from moderation.store.sql import Member
from moderation.verdict import Decision

bp = Blueprint("campaigns", __name__)


class MemberShown(Struct, frozen=True, kw_only=True):
    """One comment of a campaign."""

    id: OurId
    external_id: str | None
    received_at: datetime
    decision: Decision
    """The newest."""
    outcome: Outcome | None
    """What a person said last."""
    text: str
    """The first 200 characters."""


class CampaignShown(Struct, frozen=True, kw_only=True):
    """The newest thousand near-copies of a comment, oldest first."""

    id: str
    count: int
    """All there are."""
    members: tuple[MemberShown, ...]


class HeldNow(Struct, frozen=True, kw_only=True):
    """Members of a campaign that had been accepted and are held from now on: the site takes them down."""

    id: str
    held: tuple[MemberShown, ...]


@bp.get("/comments/<path:comment_id>/campaign")
def show(comment_id: str) -> Response:
    """Show the near-copies of a comment, itself among them."""
    site = site_of_request()
    found = parts().store.campaign_of(site.id, possible_id(comment_id))
    return answer_json(CampaignShown(id=found.id, count=found.count, members=tuple(map(_shown, found.members))))


@bp.post("/comments/<path:comment_id>/campaign/hold")
def hold(comment_id: str) -> Response:
    """Hold all near-copies of a comment that were accepted and that no person called ham."""
    site = site_of_request()
    found = parts().store.hold_campaign(site.id, possible_id(comment_id))
    return answer_json(HeldNow(id=found.id, held=tuple(map(_shown, found.members))))


def _shown(member: Member) -> MemberShown:
    return MemberShown(
        id=member.id,
        external_id=member.external_id,
        received_at=at(member.received_at),
        decision=member.decision,
        outcome=member.outcome,
        text=member.text,
    )
