"""The model of a site: what serves and what it promises, how often it errs, its versions, and what could be better."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, log
from typing import Any

from flask import Blueprint, Response, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.dashboard.access import acting, my_site, person
from api.dashboard.curves import Plot, learning_plot, reliability, reliability_plot
from api.dashboard.language import gettext
from api.dashboard.model_words import (
    error_rates,
    error_sentences,
    feature_name,
    has_bound,
    interval,
    promised,
    share,
    stored_tables,
)
from api.dashboard.thresholds import tidied
from api.problems import Refused
from api.v1.bodies import whole
from api.wiring import parts
from moderation import estimates
from moderation.check import Judging
from moderation.drift import Drift, drift
from moderation.errors import BadSetting, HamletError, ModelNotFound, StoreUnavailable
from moderation.guarantee import enough_for, missing_for
from moderation.past import DAY
from moderation.people import Role
from moderation.policy import Thresholds, changed, check_choices, check_thresholds
from moderation.review import Order
from moderation.signals.signal import HEAD
from moderation.simulator import SECONDS, Past, compact, decided, flips, pace, simulate
from moderation.store import now_ms
from moderation.store.audit import newest_of
from moderation.store.database import reading
from moderation.store.judged import Drawn, JudgedTables
from moderation.store.models import Version
from moderation.store.seen import Listed
from moderation.store.sites import Site
from moderation.verdict import Decision

bp = Blueprint("model", __name__, url_prefix="/sites/<site>/model")
UNFIT = 422
ESTIMATED, RECENT, BEFORE = 90 * DAY, 7 * DAY, 28 * DAY
LEAST_OWN = 500
"""Comments that a new model must have judged before thresholds are tried on those alone."""
MOST_FLIPS, MOST_NEXT, MOST_MOVES = 50, 10, 12
MOST_REASON = 500
"""Characters of why a gate is overruled."""
USUAL_SPOT_CHECKS = 2
"""Per cent, as they are proposed where there are none."""
MOST_NUMBER = 1_000_000_000
BASE = "base"
Answer = AnyResponse | str | tuple[str, int]


# -- Looked at


@bp.get("")
def show(site: str) -> Answer:
    """Everything about a site's model."""
    found = my_site(site)
    try:
        return _page(found, tried=_tried_for(found))
    except BadSetting as error:
        return _page(found, trouble=error), UNFIT


@bp.get("/history")
def history(site: str) -> Response:
    """Scores and outcomes of the newest comments, for the simulator's script."""
    found = my_site(site)
    judging = parts().judging(found)
    return jsonify({**compact(_past(found, judging)), "seconds": _seconds(found)})


@bp.get("/flips")
def flipped(site: str) -> Answer:
    """The comments that other thresholds would decide otherwise, as a part of the page."""
    found = my_site(site)
    judging = parts().judging(found)
    try:
        after = _tried_for(found) or _limits(judging)
    except BadSetting as error:
        return render_template("dashboard/model_flips.html", site=found, trouble=error), UNFIT
    shown = _flips(_past(found, judging), _limits(judging), after)
    return render_template("dashboard/model_flips.html", site=found, flips=shown)


@bp.get("/versions/<int:number>")
def version(site: str, number: int) -> str:
    """One version: its gate and its tables."""
    return _version_page(my_site(site), number)


def _one_version(site: Site, number: int) -> Version:
    try:
        return parts().models.show(site.id, min(number, MOST_NUMBER))
    except ModelNotFound as error:
        raise Refused(404, "model-not-found", str(error)) from error


def _version_page(site: Site, number: int, trouble: str = "") -> str:
    one = _one_version(site, number)
    return render_template(
        "dashboard/model_version.html",
        site=site,
        version=one,
        owns=person().may(Role.OWNER, site.id),
        tables=stored_tables(one.training.figures),
        promised=promised(one.training.figures),
        trouble=trouble,
    )


@dataclass(frozen=True, slots=True)
class Serving:
    """What judges the comments of a site."""

    name: str
    version: Version | None
    """None: the base model."""
    since: int | None
    by: str
    promised: tuple[str, ...]
    bound: bool
    """Whether it has a bound of its own on ham that is rejected."""
    with_base: bool
    """Whether it rejects only what the base model rejects as well."""
    trouble: str


def _serving(site: Site, judging: Judging, versions: list[Version]) -> Serving:
    one = next((version for version in versions if version.number == site.model), None)
    with reading(parts().engine) as connection:
        act = newest_of(connection, site.id, ("promote", "rollback")) if one or versions else None
    since = one.promoted_at if one is not None else None
    if act is not None and act.detail.get("model") == (site.model or BASE):
        since = act.at
    trouble = parts().troubles.get(site.id)
    manifest = judging.classifier.manifest
    told = promised(one.training.figures) if one is not None else ()
    if not told:
        told = tuple(head.evidence for head in manifest.heads if head.name == HEAD and head.evidence)
    bound = one is not None and has_bound(one.training.figures)
    by = act.actor if act is not None else ""
    return Serving(manifest.name, one, since, by, told, bound, manifest.rejects_with_base, str(trouble or ""))


def _page(site: Site, *, trouble: BadSetting | None = None, tried: Thresholds | None = None) -> str:
    found, tables = parts(), JudgedTables(parts().engine)
    judging, versions, now = found.judging(site), found.models.all(site.id), now_ms()
    seen, past = tables.seen(site.id, now - ESTIMATED), _past(site, judging)
    limits, seconds = _limits(judging), pace(seen.said)
    after = tried or limits
    errors = estimates.errors(seen.looked)
    return render_template(
        "dashboard/model.html",
        site=site,
        owns=person().may(Role.OWNER, site.id),
        trouble=trouble,
        serving=_serving(site, judging, versions),
        versions=versions,
        promise=_promise(site, tables.drawn(site.id)),
        spot_checks=USUAL_SPOT_CHECKS,
        seen=seen,
        rates=error_rates(errors),
        sentences=list(error_sentences(errors)),
        drift=_drift(tables, site, now),
        most_moves=MOST_MOVES,
        feature_name=feature_name,
        interval=interval,
        share=share,
        plots=_plots(site, versions),
        next=_next(site, past, limits),
        past=past,
        elsewhere=sum(one.model != judging.classifier.name for one in past),
        limits=limits,
        after=after,
        shown=_shown,
        seconds=seconds or SECONDS,
        measured=seconds is not None,
        now_so=simulate(past, limits, seconds or SECONDS),
        then_so=simulate(past, after, seconds or SECONDS),
        flips=_flips(past, limits, tried) if tried is not None else None,
        learning=_learning(site),
    )


@dataclass(frozen=True, slots=True)
class ToPromise:
    """How far it is to a promise about ham that is rejected."""

    needed: int
    there: int
    missing: int
    """Fine comments among those drawn that people have yet to look at."""
    drawn: Drawn


def _promise(site: Site, drawn: Drawn) -> ToPromise:
    alpha, there = site.choices.most_ham_rejected, drawn.ham_aside
    return ToPromise(enough_for(alpha), there, missing_for(alpha, there), drawn)


def _drift(tables: JudgedTables, site: Site, now: int) -> Drift:
    recent = now - RECENT
    return drift(tables.side(site.id, recent - BEFORE, recent), tables.side(site.id, recent, now + 1))


def _plots(site: Site, versions: list[Version]) -> tuple[Plot, ...]:
    measured = next((one for one in versions if one.number == site.model), versions[0] if versions else None)
    found = reliability(measured.training.figures, measured.name) if measured is not None else {}
    names = {
        "wrong in all": ("spam", gettext("wrong in all")),
        "spam and abuse accepted": ("abuse", gettext("spam and abuse accepted")),
        "ham held or rejected": ("waiting", gettext("fine comments held or rejected")),
    }
    each = [(one.name, one.training.labels.count, one.training.figures) for one in versions]
    return reliability_plot(found, ("waiting", "other"), share), learning_plot(each, names, share)


# -- The simulator


def _limits(judging: Judging) -> Thresholds:
    """Thresholds of spam as they are."""
    return dict(zip(judging.classifier.heads, judging.policy.thresholds, strict=True)).get(HEAD, Thresholds(None, None))


def _past(site: Site, judging: Judging) -> list[Past]:
    """Comments to try thresholds on: those that the model that serves has judged, as soon as there are enough."""
    limits = dict(zip(judging.classifier.heads, judging.policy.thresholds, strict=True))
    found = JudgedTables(parts().engine).tried(site.id, limits)
    own = [one for one in found if one.model == judging.classifier.name]
    return own if len(own) >= LEAST_OWN else found


def _seconds(site: Site) -> float:
    seen = JudgedTables(parts().engine).seen(site.id, now_ms() - ESTIMATED)
    return pace(seen.said) or SECONDS


def _tried_for(site: Site) -> Thresholds | None:
    """The thresholds that the address asks for; None: it does not. Raises ``BadSetting``."""
    if "hold" not in request.args and "reject" not in request.args:
        return None
    found = Thresholds(_threshold(request.args.get("hold", "")), _threshold(request.args.get("reject", "")))
    check_thresholds(HEAD, found)
    return found


def _threshold(text: str) -> float | None:
    text = text.strip().replace(",", ".")
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise BadSetting("thresholds", gettext("a number from 0 to 1, or nothing for never")) from error


def _shown(threshold: float | None) -> str:
    """A threshold with as many digits as scores have: rounded up it decides just the same."""
    return "" if threshold is None else f"{ceil(threshold * 1e6 - 1e-6) / 1e6:g}" if threshold < 1 else "1"


@dataclass(frozen=True, slots=True)
class FlipShown:
    """A comment that would be decided otherwise."""

    listed: Listed
    before: Decision
    after: Decision


def _flips(past: list[Past], before: Thresholds, after: Thresholds) -> tuple[int, list[FlipShown]]:
    """How many flip, and the first of them."""
    found = flips(past, before, after)
    texts = parts().seen.some([one.comment_id for one in found[:MOST_FLIPS]])
    shown = [FlipShown(texts[one.comment_id], one.before, one.after) for one in found if one.comment_id in texts]
    return len(found), shown


def _next(site: Site, past: list[Past], limits: Thresholds) -> list[tuple[Listed, bool]]:
    """The comments whose review would teach most, each with whether it waits in the queue."""
    page = parts().queue.page([site.id], order=Order.INFORMATIVE, limit=MOST_NEXT)
    waiting = [card.waiting.comment_id for card in page.cards]
    at = limits.hold_at if limits.hold_at is not None else 0.5
    open_ones = [one for one in past if one.outcome is None and not one.fixed and not one.drawn]
    open_ones = [one for one in open_ones if decided(one, limits) is not Decision.HOLD]
    open_ones.sort(key=lambda one: abs(_logit(one.score) - _logit(at)))
    others = [one.comment_id for one in open_ones[:MOST_NEXT] if one.comment_id not in waiting]
    texts = parts().seen.some([*waiting, *others])
    return [(texts[one], one in waiting) for one in [*waiting, *others] if one in texts][:MOST_NEXT]


def _logit(score: float) -> float:
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return log(bounded / (1 - bounded))


# -- Owners act


@bp.post("")
def choose(site: str) -> Answer:
    """Keep what a form of the page asks for."""
    found, part = my_site(site, Role.OWNER), request.form.get("part", "")
    if part not in _CHANGES:
        raise Refused(UNFIT, "invalid-request", f"part: one of {', '.join(_CHANGES)}")
    try:
        choices = tidied(changed(found.choices, _CHANGES[part]()))
        check_choices(parts().judging(found).classifier.manifest, choices)
    except BadSetting as error:
        return _page(found, trouble=error), UNFIT
    parts().sites.choose(found.name, choices, actor=acting())
    flash(gettext("Saved."), "done")
    return _back(found, part)


WHOLE, SHARES = ("retrain_after", "retrain_hours"), ("most_ham_rejected", "most_spam_accepted", "spot_checks")


def _learning(site: Site) -> dict[str, str]:
    """The fields of learning: as they were filled in, or as the site has chosen."""
    kept = {name: str(getattr(site.choices, name)) for name in WHOLE}
    kept |= {name: f"{100 * getattr(site.choices, name):.6g}" for name in SHARES}
    if request.form.get("part") == "learning":
        return {name: request.form.get(name, value) for name, value in kept.items()}
    return kept


def _learn() -> dict[str, Any]:
    found: dict[str, Any] = {name: _whole(name) for name in WHOLE}
    return found | {name: _percent(name) for name in SHARES}


def _check_spots() -> dict[str, Any]:
    return {"spot_checks": _percent("spot_checks")}


def _use_thresholds() -> dict[str, Any]:
    kinds = {"hold_at": "hold", "reject_at": "reject"}
    return {"thresholds": {HEAD: {kind: _threshold(request.form.get(name, "")) for kind, name in kinds.items()}}}


_CHANGES: dict[str, Callable[[], dict[str, Any]]] = {
    "learning": _learn,
    "spot-checks": _check_spots,
    "simulator": _use_thresholds,
}


def _whole(name: str) -> int:
    number = whole(request.form.get(name, "").strip(), 10)
    if number is None:
        raise BadSetting(name, gettext("a whole number is needed"))
    return number


def _percent(name: str) -> float:
    try:
        value = float(request.form.get(name, "").strip().replace(",", "."))
    except ValueError as error:
        raise BadSetting(name, gettext("a number is needed")) from error
    if not 0 <= value <= 100:
        raise BadSetting(name, gettext("a number from 0 to 100 is needed"))
    return round(value / 100, 10)


@bp.post("/promote")
def promote(site: str) -> Answer:
    """Let a version serve; a gate's refusal is overruled with a reason alone."""
    found = my_site(site, Role.OWNER)
    number, why = _wanted(), request.form.get("why", "").strip()[:MOST_REASON]
    refused = number is not None and not _one_version(found, number).training.passed
    if number is not None and refused and not why:
        told = gettext("The gate has refused this version. Say why it is to serve all the same.")
        return _version_page(found, number, told), UNFIT

    def act() -> None:
        parts().models.promote(found.id, number, acting(), why=why if refused else None)
        _say_what_serves(found)

    return _done(found, act)


def _wanted() -> int | None:
    text = request.form.get("version", "")
    if text == BASE:
        return None
    number = whole(text, 9)
    if number is None:
        raise Refused(UNFIT, "invalid-request", f"version: a number, or {BASE}")
    return number


@bp.post("/rollback")
def rollback(site: str) -> AnyResponse:
    """Let the version serve again that served before."""
    found = my_site(site, Role.OWNER)

    def act() -> None:
        parts().models.rollback(found.id, acting())
        _say_what_serves(found)

    return _done(found, act)


def _done(site: Site, act: Callable[[], None]) -> AnyResponse:
    try:
        act()
    except StoreUnavailable:
        raise
    except HamletError as error:
        flash(str(error), "error")
    return _back(site, "versions")


def _say_what_serves(site: Site) -> None:
    """Load what was promoted, here and now, and say that it serves."""
    parts().sites.forget()
    name = parts().judging(parts().sites.site(site.name)).classifier.name
    flash(gettext("%(name)s serves from now on.", name=name), "done")


def _back(site: Site, part: str | None = None) -> AnyResponse:
    return redirect(url_for("dashboard.model.show", site=site.name, _anchor=part), 303)
