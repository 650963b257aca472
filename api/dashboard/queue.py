"""The queue page: cards, and what can be done with them by key, button or plain form."""

from __future__ import annotations

from typing import Annotated, Any

from flask import Blueprint, Response, flash, redirect, render_template, request, url_for
from msgspec import Meta, Struct
from werkzeug.wrappers import Response as AnyResponse

from api import asked
from api.asked import Asked
from api.dashboard import cards, forms
from api.dashboard.access import acting, local_path, my_site, my_sites, person
from api.dashboard.keys import ACTIONS, keys_of
from api.dashboard.language import gettext
from api.problems import Refused, problem_of
from api.v1.bodies import answer_json, possible_id, read_as
from api.wiring import parts
from moderation.errors import AlreadySettled, HamletError
from moderation.past import Outcome
from moderation.people import Role, User
from moderation.review import MOST_AT_ONCE, Card, Done, Facet, Order
from moderation.store import now_ms
from moderation.store.sites import Site

bp = Blueprint("queue", __name__)
PAGE = 24
MOST_CHIPS = 8

Id = Annotated[str, Meta(min_length=1, max_length=255)]


class Settling(Struct, frozen=True, forbid_unknown_fields=True):
    """What a key press sends: the comments that were shown, each with how much of it was seen."""

    site: str
    items: Annotated[dict[Id, Annotated[int, Meta(ge=0)]], Meta(min_length=1, max_length=MOST_AT_ONCE)]
    outcome: Outcome
    note: Annotated[str, Meta(max_length=forms.MOST_NOTE)] | None = None


class Undoing(Struct, frozen=True, forbid_unknown_fields=True):
    """Reviews to take back, by comment."""

    site: str
    items: Annotated[dict[Id, Annotated[int, Meta(ge=1)]], Meta(min_length=1, max_length=MOST_AT_ONCE)]


class Looking(Struct, frozen=True, forbid_unknown_fields=True):
    """Comments that somebody looks at, or looks at no longer."""

    ids: Annotated[list[Id], Meta(max_length=200)]


@bp.get("/queue")
def show() -> Response | str:
    """The queue, or the cards of its next page alone."""
    view, mine = asked.read(request.args), my_sites()
    names = {site.id: site for site in _of(view, mine)}
    page = parts().queue.page(list(names), view.wanted, order=view.order, after=view.after, limit=PAGE)
    shown = _shown(page.cards, names)
    if request.args.get("part") == "cards":
        return render_template("dashboard/cards.html", cards=shown, after=page.after, names=names, may=_may)
    counts = parts().queue.counts(list(names), view.wanted)
    who = person()
    return render_template(
        "dashboard/queue.html",
        view=view,
        cards=shown,
        after=page.after,
        counts=counts,
        chips=_chips(view, counts.facets, counts.names),
        sites=mine,
        names=names,
        orders=list(Order),
        ages=list(asked.AGES),
        now=now_ms(),
        keys=keys_of(who.preferences.keys),
        actions=ACTIONS,
        may=_may,
    )


def _of(view: Asked, mine: list[Site]) -> list[Site]:
    """The sites that a view is of."""
    return [my_site(view.site)] if view.site else mine


def _may(site_id: int) -> bool:
    return person().may(Role.MODERATOR, site_id)


def _shown(found: tuple[Card, ...], sites: dict[int, Site]) -> list[cards.CardShown]:
    return [show_card(card, sites[card.waiting.site_id], person()) for card in found]


def show_card(card: Card, site: Site, who: User, most: int = cards.SHORT) -> cards.CardShown:
    """A card for the screen of somebody."""
    judging = parts().judging(site)
    return cards.show(card, site.name, judging, most=most, blur=who.preferences.blur_abuse)


def _chips(view: Asked, facets: Any, names: Any) -> list[tuple[Facet, list[tuple[str, str, int]]]]:
    """What the queue can be narrowed by next: facets with their commonest values, and how often each is met."""
    chips = []
    for facet, table in facets.items():
        if facet in view.wanted.facets or not table:
            continue
        values = [(value, names.get(value, value), count) for value, count in list(table.items())[:MOST_CHIPS]]
        if facet is Facet.AUTHOR:  # One comment each tells nothing; those who wrote more do.
            values = [one for one in values if one[2] > 1 and one[0] in names]
        if len(values) > 1 or (values and facet in (Facet.AUTHOR, Facet.DOMAIN)):
            chips.append((facet, values))
    return chips


@bp.get("/queue/card/<site>/<comment_id>")
def one(site: str, comment_id: str) -> str:
    """One card by itself: what is left of a campaign, or a comment that came back."""
    found = my_site(site)
    card = parts().queue.card(found.id, possible_id(comment_id))
    return render_template(
        "dashboard/cards.html", cards=[show_card(card, found, person())], after=None, names={}, may=_may
    )


@bp.get("/queue/news")
def news() -> Response:
    """How many came since the page was made."""
    view = asked.read(request.args)
    sites = _of(view, my_sites())
    try:
        since = int(request.args.get("since", ""))
    except ValueError:
        raise Refused(422, "invalid-request", "since: a time in milliseconds") from None
    since = max(0, min(since, 2**62))  # More is no number of a database.
    return answer_json({"arrived": parts().queue.arrived([site.id for site in sites], view.wanted, since)})


@bp.post("/queue/settle")
def settle() -> AnyResponse:
    """Settle comments that were shown: JSON from the script, or a plain form."""
    if request.mimetype == "application/json":
        said = read_as(Settling)
        return answer_json({"results": _settle(said)})
    said = _from_form()
    results = _settle(said)
    for result in results.values():
        flash(_told(said.outcome) if result["ok"] else str(result["detail"]), "done" if result["ok"] else "error")
    return redirect(local_path(request.form.get("next", "")), 303)


def _from_form() -> Settling:
    form = request.form
    try:
        items = {possible_id(name): int(form.get(f"seen-{name}", "0")) for name in form.getlist("id")[:MOST_AT_ONCE]}
        return Settling(form.get("site", ""), items, Outcome(form.get("outcome", "")), forms.note_of(form))
    except ValueError as error:
        raise Refused(422, "invalid-request", f"the form is not one of ours: {error}") from error


def _settle(said: Settling) -> dict[str, dict[str, Any]]:
    site = my_site(said.site, Role.MODERATOR)
    results = parts().queue.settle(site.id, list(said.items), said.outcome, acting(), note=said.note, seen=said.items)
    return {name: _result(result) for name, result in results.items()}


def _result(result: Done | HamletError) -> dict[str, Any]:
    if isinstance(result, Done):
        return {"ok": True, "number": result.number, "seen": result.seen, "waiting": result.waiting}
    problem = problem_of(result, request.path)
    told: dict[str, Any] = {"ok": False, "detail": problem.detail, "type": problem.type}
    if isinstance(result, AlreadySettled):
        told.update(by=result.by, outcome=result.outcome, at=result.at, number=result.number)
    return told


def _told(outcome: Outcome) -> str:
    return {
        Outcome.HAM: gettext("Published: not spam."),
        Outcome.SPAM: gettext("Settled as spam."),
        Outcome.ABUSE: gettext("Settled as abuse."),
        Outcome.OTHER: gettext("Not published."),
    }[outcome]


@bp.post("/queue/undo")
def undo() -> AnyResponse:
    """Take reviews back: JSON from the script, or a plain form with one."""
    if request.mimetype == "application/json":
        said = read_as(Undoing)
        return answer_json({"results": _undo(said.site, said.items)})
    form = request.form
    number = forms.review_number(form)
    (result,) = _undo(form.get("site", ""), {possible_id(form.get("id", "")): number}).values()
    flash(gettext("Taken back.") if result["ok"] else str(result["detail"]), "done" if result["ok"] else "error")
    return redirect(local_path(form.get("next", "")), 303)


def _undo(name: str, items: dict[str, int]) -> dict[str, dict[str, Any]]:
    site = my_site(name, Role.MODERATOR)
    actor, own = acting(), not person().may(Role.OWNER, site.id)
    results: dict[str, dict[str, Any]] = {}
    for comment_id, number in items.items():
        try:
            results[comment_id] = _result(parts().queue.undo(site.id, comment_id, number, actor, own=own))
        except HamletError as error:
            results[comment_id] = _result(error)
    return results


@bp.post("/queue/reopen")
def reopen() -> AnyResponse:
    """Put a comment into the queue again."""
    form = request.form
    site = my_site(form.get("site", ""), Role.MODERATOR)
    parts().queue.reopen(site.id, possible_id(form.get("id", "")), acting())
    flash(gettext("It waits in the queue again."), "done")
    return redirect(local_path(form.get("next", "")) or url_for("dashboard.queue.show"), 303)


@bp.post("/queue/claim")
def claim() -> Response:
    """Keep comments for who looks at them; answers who has those that others look at."""
    ids = read_as(Looking).ids
    mine = [site.id for site in my_sites(Role.MODERATOR)]
    return answer_json({"others": parts().queue.claim(mine, ids, person().name)})


@bp.post("/queue/release")
def release() -> Response:
    """Let others have them: sent by a page that is left, as a form, since that is all such a page can send."""
    ids = request.form.get("ids", "").split(",")[:200]
    ids = [one for one in ids if one and "\0" not in one]
    parts().queue.release([site.id for site in my_sites(Role.MODERATOR)], ids, person().name)
    return Response(status=204)
