"""``comment-check``: spam or ham."""

from __future__ import annotations

from flask import Blueprint, Response

from api.akismet.access import key_of, site_of
from api.akismet.answers import answer, invalid, missing, with_guid
from api.akismet.form import Form, read_form
from api.akismet.translate import comment_of, demanded, is_trial, lacking
from api.wiring import parts
from moderation.callbacks import Callback, own_address
from moderation.check import Ruled, Submission
from moderation.errors import CommentNotFound
from moderation.policy import AkismetHold, Choices, Mode
from moderation.review import decision_after
from moderation.store import new_id
from moderation.store.sites import Site
from moderation.verdict import Decision

bp = Blueprint("checking", __name__)
SPAM, HAM = "true", "false"
MOST_NUMBER = 64
"""Characters of the number of a post that are kept, to be sent back."""


@bp.post("/1.1/comment-check")
def check() -> Response:
    """Judge and keep a comment."""
    guid = new_id()
    return with_guid(_answer(read_form(), guid), guid)


def _answer(form: Form, guid: str) -> Response:
    site = site_of(form)
    if site is None:
        return invalid()
    if name := lacking(form):
        return missing(name)
    ruled = demanded(form)
    decision, comment_id = _decide(form, site, ruled)
    if not is_trial(form):
        _call_back(form, site, comment_id, guid)
    if ruled is None:
        return _told(decision, site.choices)
    if ruled[0] is Decision.ACCEPT:
        return answer(HAM)
    return answer(SPAM, pro_tip="discard") if form.says("test_discard") else answer(SPAM)


def _decide(form: Form, site: Site, ruled: Ruled | None) -> tuple[Decision, str]:
    """What the client is to do, and our id of the comment."""
    found = parts()
    comment = comment_of(form, found.sites.secret)
    again = bool(form["recheck_reason"])
    if again and (said := _said(site, str(comment.id))) is not None:
        return said
    submission = Submission(site.id, comment, found.judging(site), ruled, again)
    (checked,) = found.check([submission])
    if checked.repeated and (said := _said(site, checked.id)) is not None:
        return said  # Not what the machine thought at first.
    if not checked.repeated and not is_trial(form):
        found.asking.ask(site.id, checked.id, checked.verdict.decision, list(form.pairs()))
    return Decision.ACCEPT if site.choices.mode is Mode.SHADOW else checked.verdict.decision, checked.id


def _said(site: Site, comment_id: str) -> tuple[Decision, str] | None:
    """What a person decided of a comment: when it comes again, that is the answer."""
    try:
        history = parts().store.history(site.id, comment_id)
    except CommentNotFound:
        return None
    outcome = history.reviews[-1].outcome if history.reviews else None
    return None if outcome is None else (decision_after(outcome), history.id)


def _call_back(form: Form, site: Site, comment_id: str, guid: str) -> None:
    """Remember where the client wants to hear of the comment later, if that is its own address."""
    url = own_address(form["callback"], form["blog"])
    if url:
        post, parent = (form[name][:MOST_NUMBER] or None for name in ("comment_post_ID", "comment_parent"))
        parts().callbacks.expect(site.id, comment_id, Callback(url, guid, post, parent), key_of(form))


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
