"""``comment-check``: spam or ham."""

from __future__ import annotations

from flask import Blueprint, Response

from api.akismet.access import site_of
from api.akismet.answers import answer, invalid, missing, with_guid
from api.akismet.form import Form, read_form
from api.akismet.translate import comment_of, demanded, lacking
from api.wiring import parts
from moderation.check import Ruled, Submission
from moderation.errors import CommentNotFound
from moderation.policy import AkismetHold, Choices, Mode
from moderation.review import decision_after
from moderation.store.sites import Site
from moderation.verdict import Decision

bp = Blueprint("checking", __name__)
SPAM, HAM = "true", "false"


@bp.post("/1.1/comment-check")
def check() -> Response:
    """Judge and keep a comment."""
    return with_guid(_answer(read_form()))


def _answer(form: Form) -> Response:
    site = site_of(form)
    if site is None:
        return invalid()
    if name := lacking(form):
        return missing(name)
    ruled = demanded(form)
    decision = _decide(form, site, ruled)
    if ruled is None:
        return _told(decision, site.choices)
    if ruled[0] is Decision.ACCEPT:
        return answer(HAM)
    return answer(SPAM, pro_tip="discard") if form.says("test_discard") else answer(SPAM)


def _decide(form: Form, site: Site, ruled: Ruled | None) -> Decision:
    found = parts()
    comment = comment_of(form, found.sites.secret)
    again = bool(form["recheck_reason"])
    if again and (said := _said(site, str(comment.id))) is not None:
        return said
    submission = Submission(site.id, comment, found.policy(site), ruled, again)
    (checked,) = found.check([submission])
    return Decision.ACCEPT if site.choices.mode is Mode.SHADOW else checked.verdict.decision


def _said(site: Site, comment_id: str) -> Decision | None:
    """What a person decided of a comment: asked again, nobody else is asked."""
    try:
        reviews = parts().store.history(site.id, comment_id).reviews
    except CommentNotFound:
        return None
    outcome = reviews[-1].outcome if reviews else None
    return None if outcome is None else decision_after(outcome)


def _told(decision: Decision, choices: Choices) -> Response:
    """A decision in the words of the protocol, which has none for hold."""
    if decision is Decision.REJECT:
        return answer(SPAM, pro_tip="discard") if choices.akismet_discard else answer(SPAM)
    if decision is Decision.ACCEPT or choices.akismet_hold is AkismetHold.PUBLISH:
        return answer(HAM)
    if choices.akismet_hold is AkismetHold.SPAM:
        return answer(SPAM)
    # Every version of the WordPress plug-in leaves a comment pending when it meets this header, whatever it says.
    return answer(HAM, error="held for a person")
