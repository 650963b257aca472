"""What the site is to be told of its comments after the first answer: a feed that it may poll."""

from __future__ import annotations

from typing import Annotated

from flask import Blueprint, Response
from msgspec import Meta, Struct

from api.auth import site_of_request
from api.v1.bodies import answer_json, number_asked
from api.wiring import parts
from moderation.store.decisions import read_after
from moderation.webhooks import DecisionTold, shown

bp = Blueprint("decisions", __name__)

LAST_NUMBER = 2**31 - 1
MOST_DECISIONS = 1_000


class DecisionsShown(Struct, frozen=True, kw_only=True):
    """Decisions that came after the first answers, oldest first."""

    decisions: tuple[DecisionTold, ...]
    next: Annotated[int, Meta(description="Ask for those after this number the next time")]
    more: Annotated[bool, Meta(description="More are there now")]


@bp.get("/decisions")
def list_() -> Response:
    """Show the decisions behind a number."""
    site = site_of_request()
    number, most = number_asked("after", 0, LAST_NUMBER), max(1, number_asked("limit", 100, MOST_DECISIONS))
    rows = read_after(parts().engine, site.id, number, most + 1)
    some, more = rows[:most], len(rows) > most
    last = some[-1][0] if some else number
    return answer_json(DecisionsShown(decisions=tuple(shown(*row) for row in some), next=last, more=more))
