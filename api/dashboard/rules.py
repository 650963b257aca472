"""Rules: those a site has, and a new one made from a comment, tried on the past before it is kept."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.dashboard.access import acting, my_site, my_sites, person
from api.dashboard.language import gettext
from api.problems import Refused
from api.v1.bodies import possible_id, whole
from api.wiring import parts
from moderation.errors import BadRule, RuleExists, RuleNotFound
from moderation.look import links_in
from moderation.past import DAY, address_of, domains_of
from moderation.people import Role
from moderation.rules import Action, NewRule, RuleKind
from moderation.rules.checked import checked
from moderation.rules.replay import MOST_COMMENTS, Replay, replay
from moderation.store import now_ms
from moderation.store.sites import Site

bp = Blueprint("rules", __name__)
PAGE = 100
EXPIRIES = {"never": None, "1": 1, "7": 7, "30": 30, "365": 365}
"""Days."""


@bp.get("/rules")
def first() -> AnyResponse:
    """The rules of the first site a person has."""
    sites = my_sites()
    if not sites:
        raise Refused(404, "site-not-found", "you have no site yet")
    return redirect(url_for("dashboard.rules.show", site=sites[0].name), 303)


@bp.get("/rules/<site>")
def show(site: str) -> str:
    """The rules of a site, oldest first."""
    return _page(my_site(site))


def _page(site: Site, **more: object) -> str:
    rules = parts().rules.all(site.id, after=max(0, _number("after")), most=PAGE + 1)
    return render_template(
        "dashboard/rules.html",
        site=site,
        sites=my_sites(),
        rules=rules[:PAGE],
        after=rules[PAGE - 1].id if len(rules) > PAGE else None,
        now=now_ms(),
        may=person().may(Role.MODERATOR, site.id),
        actions=list(Action),
        kinds=list(RuleKind),
        expiries=EXPIRIES,
        **{"form": {}, "tried": None, "trouble": None, "values": (), "comment_id": "", **more},
    )


def _number(name: str) -> int:
    return whole(request.args.get(name, "0"), 9) or 0


@bp.get("/rules/<site>/from/<path:comment_id>")
def suggest(site: str, comment_id: str) -> str:
    """Rules that a comment suggests: its author's, its links'; as a page, or as a part of its card."""
    found = my_site(site, Role.MODERATOR)
    return _suggested(found, possible_id(comment_id), {})


def _suggested(site: Site, comment_id: str, form: dict[str, str], **more: object) -> str:
    values = _values(site, comment_id)
    if request.headers.get("X-Part"):
        return render_template(
            "dashboard/rule_form.html",
            site=site,
            comment_id=comment_id,
            values=values,
            actions=list(Action),
            kinds=list(RuleKind),
            expiries=EXPIRIES,
            **{"form": form, "tried": None, "trouble": None, "added": None, **more},
        )
    return _page(site, form=form, values=values, comment_id=comment_id, **more)


def _values(site: Site, comment_id: str) -> tuple[tuple[str, str], ...]:
    """Kinds and values of rules that would meet a comment."""
    comment = parts().store.history(site.id, comment_id).revisions[-1].comment
    found = [(RuleKind.DOMAIN.value, one) for one in domains_of(comment, links_in(comment))]
    author = comment.author
    if author is not None:
        # Of a chain of addresses the one that rules look at.
        address = address_of(author.ip, site.choices.trusted_hops) if author.ip else None
        told = ((RuleKind.EMAIL, author.email), (RuleKind.IP, address), (RuleKind.NAME, author.name))
        found += [(kind.value, str(value)) for kind, value in told if value]
    return tuple(one for one in dict.fromkeys(found) if _makes_a_rule(*one))


def _makes_a_rule(kind: str, value: str) -> bool:
    try:
        checked(Action.HOLD, kind, value)
    except BadRule:
        return False
    return True


@bp.post("/rules/<site>")
def add(site: str) -> str | AnyResponse:
    """Try a rule, or keep it; a rule that was not tried yet is tried first."""
    found, form = my_site(site, Role.MODERATOR), {name: value.strip() for name, value in request.form.items()}
    comment_id = form.get("comment_id", "")
    try:
        wanted = _wanted(form)
        if form.get("do") != "add":
            return _again(found, comment_id, form, tried=_tried(found, [wanted]))
        rule = parts().rules.add_one(found.id, wanted, actor=acting())
        parts().sites.forget()
    except (BadRule, RuleExists) as error:
        return _again(found, comment_id, form, trouble=f"{error}")
    if request.headers.get("X-Part"):
        return _suggested(found, comment_id, {}, added=rule)
    flash(gettext("The rule holds from now on."), "done")
    return redirect(url_for("dashboard.rules.show", site=found.name), 303)


def _again(site: Site, comment_id: str, form: dict[str, str], **more: object) -> str:
    return _suggested(site, comment_id, form, **more) if comment_id else _page(site, form=form, **more)


def _wanted(form: dict[str, str]) -> NewRule:
    kind, value = form.get("kind", ""), form.get("value", "")
    if form.get("suggested") and not value:  # One choice of what the comment suggests: kind and value together.
        kind, _, value = form["suggested"].partition(":")
    days = form.get("days", "never")
    if days not in EXPIRIES:
        raise BadRule("choose how long it should hold")
    now, length = now_ms(), EXPIRIES[days]
    return checked(
        form.get("action", ""),
        kind,
        value,
        note=form.get("note", ""),
        created_by=person().name,
        expires_at=None if length is None else now + length * DAY,
        now=now,
    )


def _tried(site: Site, wanted: Sequence[NewRule]) -> Replay:
    history = parts().rules.history(site.id, most=MOST_COMMENTS)
    return replay([one.numbered(i) for i, one in enumerate(wanted)], history, site.choices.trusted_hops)


@bp.post("/rules/<site>/<int:rule_id>/remove")
def remove(site: str, rule_id: int) -> AnyResponse:
    """Remove a rule."""
    found = my_site(site, Role.MODERATOR)
    try:
        parts().rules.remove(found.id, rule_id, actor=acting())
        parts().sites.forget()
        flash(gettext("The rule holds no longer."), "done")
    except RuleNotFound as error:
        flash(str(error), "error")
    return redirect(url_for("dashboard.rules.show", site=found.name), 303)
