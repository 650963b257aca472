"""The page behind a link in a moderator's mail: one comment, and the word of the one the link was made for."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.dashboard import cards, forms
from api.dashboard.language import gettext
from api.problems import Refused
from api.wiring import parts
from moderation.errors import AlreadySettled, BadLink, CommentNotFound, HamletError
from moderation.mail_links import MailLink, read
from moderation.past import Outcome
from moderation.review import UNDO_FOR, Actor, Card, Done
from moderation.store import Review, now_ms
from moderation.store.sites import Site

# The token in the address is all the authority there is: a form that another page made up would have to carry it, and
# whoever has it may act without forging anything. That these forms are checked like all others costs nothing, since
# looking at the page hands out the cookie, and so there is no page of the dashboard that is an exception.
bp = Blueprint("mail", __name__, url_prefix="/mail")
VIA = "mail"
GONE, NOT_FOUND = 410, 404


@bp.get("/<token>")
def show(token: str) -> str:
    """The comment, and what can be said of it. Looking changes nothing: mail programs open links by themselves."""
    link = _read(token)
    card = parts().queue.card(link.site_id, link.comment_id)
    return render_template(
        "dashboard/mail.html",
        token=token,
        link=link,
        card=_shown(link, card),
        mine=_mine(link, card),
    )


@bp.post("/<token>")
def settle(token: str) -> AnyResponse:
    """Say what the comment is."""
    link, form = _read(token), request.form
    try:
        outcome, seen = Outcome(form.get("outcome", "")), int(form.get("seen", ""))
    except ValueError as error:
        raise Refused(422, "invalid-request", f"the form is not one of ours: {error}") from error
    note = forms.note_of(form)
    results = parts().queue.settle(
        link.site_id, [link.comment_id], outcome, _actor(link), note=note, seen={link.comment_id: seen}
    )
    return _answer(token, results[link.comment_id], gettext("Noted. The site is told what was decided."))


@bp.post("/<token>/undo")
def undo(token: str) -> AnyResponse:
    """Take the reviewer's own word back."""
    link, number = _read(token), forms.review_number(request.form)
    result: Done | HamletError
    try:
        result = parts().queue.undo(link.site_id, link.comment_id, number, _actor(link))
    except CommentNotFound:
        raise
    except HamletError as error:
        result = error
    return _answer(token, result, gettext("Taken back."))


@bp.errorhandler(BadLink)
def refuse(error: BadLink) -> tuple[str, int]:
    """A link that opens nothing any more, or never did."""
    why = gettext("The link has expired.") if error.expired else gettext("The link is damaged or was made up.")
    advice = gettext("The comment still waits in the queue, if nobody has decided about it.")
    return _closed(why, advice, GONE if error.expired else NOT_FOUND)


@bp.errorhandler(CommentNotFound)
def erased(_error: CommentNotFound) -> tuple[str, int]:
    """The link is good, and there is nothing behind it."""
    return _closed(gettext("The comment was erased."), gettext("There is nothing left to decide."), GONE)


def _closed(why: str, advice: str, status: int) -> tuple[str, int]:
    return render_template("dashboard/mail_closed.html", why=why, advice=advice), status


def _read(token: str) -> MailLink:
    return read(parts().sites.secret, token, now_ms())


def _actor(link: MailLink) -> Actor:
    return Actor(link.reviewer, VIA)


def _site(link: MailLink) -> Site:
    found = next((site for site in parts().sites.all() if site.id == link.site_id), None)
    if found is None:
        raise CommentNotFound(link.comment_id)
    return found


def _shown(link: MailLink, card: Card) -> cards.CardShown:
    site = _site(link)
    return cards.show(card, site.name, parts().judging(site), most=cards.LONG, blur=False)


def _mine(link: MailLink, card: Card) -> Review | None:
    """The newest review, if it is one that the reviewer may take back."""
    newest = card.reviews[-1] if card.reviews else None
    if newest is None or newest.outcome is None or newest.reviewer != link.reviewer:
        return None
    return newest if now_ms() - newest.reviewed_at <= UNDO_FOR else None


def _answer(token: str, result: Done | HamletError, said: str) -> AnyResponse:
    if isinstance(result, CommentNotFound):
        raise result
    if isinstance(result, AlreadySettled):
        flash(gettext("%(who)s was quicker. See below what they said.", who=result.by), "error")
    elif isinstance(result, HamletError):
        flash(str(result), "error")
    else:
        flash(said, "done")
    return redirect(url_for("dashboard.mail.show", token=token), 303)
