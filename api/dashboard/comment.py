"""Pages about single comments: one with its whole history, those that were decided, those of an author or a domain."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from api.dashboard import cards
from api.dashboard.access import my_site, my_sites, person
from api.dashboard.queue import show_card
from api.problems import Refused
from api.v1.bodies import possible_id
from api.wiring import parts
from moderation.past import LISTED, Kind
from moderation.people import Role
from moderation.store.seen import Listed

bp = Blueprint("comment", __name__)
known_bp = Blueprint("known", __name__)
PAGE = 50
WHO = ("me", "all", "machine")


@bp.get("/comments/<site>/<path:comment_id>")
def show(site: str, comment_id: str) -> str:
    """A comment with everything that was said of it."""
    found = my_site(site)
    card = parts().queue.card(found.id, possible_id(comment_id))
    history = parts().store.history(found.id, card.waiting.comment_id)
    return render_template(
        "dashboard/comment.html",
        site=found,
        card=show_card(card, found, person(), cards.LONG),
        history=history,
        acts=parts().seen.acts_on(card.waiting.comment_id),
        may=person().may(Role.MODERATOR, found.id),
    )


@bp.get("/decided")
def decided() -> str:
    """What was decided: by this person, by everybody, or by the machine alone."""
    who = request.args.get("who", "me")
    if who not in WHO:
        raise Refused(422, "invalid-request", f"who: one of {', '.join(WHO)}")
    sites = {site.id: site for site in my_sites()}
    before = request.args.get("before") or None
    seen = parts().seen
    if who == "machine":
        page = seen.judged(list(sites), before, PAGE)
    else:
        page = seen.reviewed(list(sites), person().name if who == "me" else None, before, PAGE)
    return render_template("dashboard/decided.html", who=who, whos=WHO, page=page, sites=sites, may=_may_undo)


def _may_undo(one: Listed) -> bool:
    """Whether the person may take the newest review of a comment back."""
    who = person()
    mine = one.reviewer == who.name and who.may(Role.MODERATOR, one.site_id)
    return one.outcome is not None and one.undoable and (mine or who.may(Role.OWNER, one.site_id))


@known_bp.get("/authors/<site>/<trace>")
def author(site: str, trace: str) -> str:
    """The comments of an author, and what is known of them."""
    kind, _, key = trace.partition(":")
    if kind not in (Kind.EMAIL, Kind.URL, Kind.IP, Kind.NAME):
        raise Refused(404, "not-found", "no such author")
    return _known(site, Kind(kind), key, "author")


@known_bp.get("/domains/<site>/<domain>")
def domain(site: str, domain: str) -> str:
    """The comments that link to a domain."""
    return _known(site, Kind.DOMAIN, domain, "domain")


def _known(name: str, kind: Kind, key: str, what: str) -> str:
    site = my_site(name)
    if kind not in LISTED or "\0" in key:
        raise Refused(404, "not-found", "no such record")
    page = parts().seen.of_trace(site.id, (kind, key), request.args.get("before") or None, PAGE)
    record = parts().seen.record(site.id, (kind, key))
    return render_template(
        "dashboard/known.html",
        site=site,
        kind=kind,
        key=key,
        what=what,
        page=page,
        record=record,
        sites={site.id: site},
    )
