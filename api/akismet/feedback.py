"""``submit-spam`` and ``submit-ham``: what people said of a comment, as reviews.

A comment that was never checked here, or was erased since, is judged and kept first: what was said needs something it
was said of. Trials teach nothing, and nothing is kept of them.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api import feedback
from api.akismet.access import site_of
from api.akismet.answers import HTML, THANKS, answer, invalid, missing
from api.akismet.form import Form, read_form
from api.akismet.translate import comment_of, is_trial, lacking
from api.clients import gives_feedback
from api.wiring import parts
from moderation.callbacks import VIA
from moderation.check import Submission
from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.past import Outcome
from moderation.store.sites import Site

bp = Blueprint("feedback", __name__)


@bp.post("/1.1/submit-spam")
def spam() -> Response:
    """Take a comment for spam."""
    return _submit(Outcome.SPAM)


@bp.post("/1.1/submit-ham")
def ham() -> Response:
    """Take a comment for wanted."""
    return _submit(Outcome.HAM)


def _submit(outcome: Outcome) -> Response:
    form = read_form()
    site = site_of(form)
    if site is None:
        return invalid()
    if name := lacking(form):
        return missing(name)
    if not is_trial(form):
        gives_feedback()
        _review(form, site, outcome)
    return answer(THANKS, HTML)


def _review(form: Form, site: Site, outcome: Outcome) -> None:
    comment = comment_of(form, parts().sites.secret)
    if not _known(site, comment):
        parts().check([Submission(site.id, comment, parts().judging(site))])
    # Nobody has signed in here: whoever holds the key can name anybody. So it never looks like a person of Hamlet, and
    # learning can weigh it as what it is.
    who = form["reporter"] or request.user_agent.string.partition("/")[0].strip()
    feedback.settle(site, str(comment.id), outcome, feedback.reporter(VIA, who))


def _known(site: Site, comment: Comment) -> bool:
    try:
        parts().store.history(site.id, str(comment.id))
    except CommentNotFound:
        return False
    return True
