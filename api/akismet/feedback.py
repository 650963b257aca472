"""``submit-spam`` and ``submit-ham``: what people said of a comment, as reviews.

A comment that was never checked here, or was erased since, is judged and kept first: what was said needs something it
was said of. Trials teach nothing, and nothing is kept of them.
"""

from __future__ import annotations

from flask import Blueprint, Response, request

from api.akismet.access import site_of
from api.akismet.answers import HTML, THANKS, answer, invalid, missing
from api.akismet.form import Form, read_form
from api.akismet.translate import comment_of, is_trial, lacking
from api.clients import gives_feedback
from api.wiring import parts
from moderation.callbacks import VIA
from moderation.check import Submission
from moderation.comment import Comment
from moderation.errors import CommentNotFound, HamletError
from moderation.past import Outcome
from moderation.review import Actor
from moderation.store.sites import Site

bp = Blueprint("feedback", __name__)
MOST_OF_NAME = 64


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
    comment, actor = comment_of(form, parts().sites.secret), Actor(reporter_of(form), VIA)
    name = str(comment.id)
    if not _known(site, comment):
        parts().check([Submission(site.id, comment, parts().judging(site))])
    elif _last_said(site, name) == (outcome, actor.name):
        return  # A client that heard no answer sends it again.
    result = parts().queue.settle(site.id, [name], outcome, actor)[name]
    if isinstance(result, HamletError):
        raise result


def reporter_of(form: Form) -> str:
    """Who says so: the protocol, and the person that the client names, else the client.

    Nobody has signed in here: whoever holds the key can name anybody. So it never looks like a person of Hamlet, and
    learning can weigh it as what it is.
    """
    client = request.user_agent.string.partition("/")[0].strip()
    reporter = form["reporter"] or client
    return (f"{VIA}:{reporter}" if reporter else VIA)[:MOST_OF_NAME]


def _known(site: Site, comment: Comment) -> bool:
    try:
        parts().store.history(site.id, str(comment.id))
    except CommentNotFound:
        return False
    return True


def _last_said(site: Site, name: str) -> tuple[Outcome | None, str] | None:
    """What was said last of the newest version, and by whom."""
    history = parts().store.history(site.id, name)
    last = history.reviews[-1] if history.reviews else None
    if last is None or last.reviewed_at < history.revisions[-1].received_at:
        return None
    return last.outcome, last.reviewer
