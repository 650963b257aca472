"""Sites: those one may see, what each has chosen, its keys and its webhook. Owners change them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from api.dashboard.access import acting, my_site, my_sites, person
from api.dashboard.clients import recent
from api.dashboard.language import gettext
from api.dashboard.thresholds import thresholds_from, thresholds_of, tidied
from api.problems import Refused
from api.wiring import parts
from moderation.delivery import told
from moderation.errors import BadAddress, BadSetting, KeyNotFound, NotTaken, SiteExists, WebhookNotFound
from moderation.people import Role
from moderation.policy import Mode, changed, check_choices
from moderation.signals import SIGNALS
from moderation.store.sites import Key, Site
from moderation.store.webhooks import Webhook
from moderation.webhooks import shown_key, signing_key

bp = Blueprint("sites", __name__, url_prefix="/sites")
UNFIT = 422
"""Status of a form that is shown again with what is wrong."""
LIMITS = ("flood_per_hour", "trusted_hops", "keep_addresses_days")
Answer = AnyResponse | str | tuple[str, int]


# -- All of them


@bp.get("")
def all_() -> str:
    """The sites of a person."""
    return _list()


def _list(name: str = "", trouble: str = "") -> str:
    sites, keys = my_sites(), parts().sites.keys()
    living = Counter(key.site for key in keys if key.revoked_at is None)
    waiting = parts().insights.waiting([site.id for site in sites])
    return render_template(
        "dashboard/sites.html",
        sites=sites,
        living=living,
        waiting=waiting,
        roles=person().roles,
        name=name,
        trouble=trouble,
    )


@bp.post("")
def create() -> Answer:
    """Make a site with its first key; whoever makes it owns it."""
    who, name = person(), request.form.get("name", "").strip()
    if not who.owns_any():
        raise Refused(403, "forbidden", "only owners of a site create more of them")
    try:
        site = parts().sites.create_site(name, actor=acting())
    except SiteExists:
        return _list(name, gettext("There is a site of this name already.")), UNFIT
    except ValueError:
        told = gettext("A site's name has 1 to 63 characters: a-z, 0-9, dot, dash and underscore.")
        return _list(name, told), UNFIT
    parts().people.add_owner(who.id, site.id)
    flash(parts().sites.create_key(name, actor=acting()), "key")
    return _back(site)


# -- One


@bp.get("/<site>")
def show(site: str) -> str:
    """What a site has chosen; its keys and webhook for owners alone."""
    return _page(my_site(site))


def _page(site: Site, *, trouble: BadSetting | None = None, thresholds: Any = None) -> str:
    found, owns = parts(), person().may(Role.OWNER, site.id)
    judging = found.judging(site)
    return render_template(
        "dashboard/site.html",
        site=site,
        choices=site.choices,
        owns=owns,
        modes=list(Mode),
        refused=bool(owns and recent(found.clients.strangers([site.id]))),
        thresholds=thresholds or thresholds_of(judging.classifier.manifest, site.choices),
        signals=SIGNALS,
        limits={name: request.form.get(name, getattr(site.choices, name)) for name in LIMITS},
        trouble=trouble,
        keys=_living(site) if owns else [],
        webhook=_webhook(site) if owns else None,
        undelivered=found.webhooks.waiting,
        policy=judging.policy,
    )


@bp.post("/<site>")
def choose(site: str) -> Answer:
    """Keep the choices of one part of the page; the others stay as they are."""
    found, part = my_site(site, Role.OWNER), request.form.get("part", "")
    if part not in _CHANGES:
        raise Refused(422, "invalid-request", f"part: one of {', '.join(_CHANGES)}")
    manifest = parts().judging(found).classifier.manifest
    try:
        choices = tidied(changed(found.choices, _CHANGES[part](found)))
        check_choices(manifest, choices)
    except BadSetting as error:
        again = thresholds_of(manifest, found.choices, request.form) if part == "thresholds" else None
        return _page(found, trouble=error, thresholds=again), UNFIT
    parts().sites.choose(found.name, choices, actor=acting())
    flash(gettext("Saved."), "done")
    return _back(found, part)


def _mode(_site: Site) -> dict[str, Any]:
    return {"mode": request.form.get("mode", "")}


def _thresholds(site: Site) -> dict[str, Any]:
    return {"thresholds": thresholds_from(parts().judging(site).classifier.heads, request.form)}


def _signals(_site: Site) -> dict[str, Any]:
    on = set(request.form.getlist("on"))
    return {"signals_off": [one.code for one in SIGNALS if one.code not in on]}


def _limits(_site: Site) -> dict[str, Any]:
    return {name: _whole(name, request.form.get(name, "")) for name in LIMITS}


def _akismet(_site: Site) -> dict[str, Any]:
    return {
        "akismet_hold": request.form.get("akismet_hold", ""),
        "akismet_discard": request.form.get("akismet_discard", "") == "yes",
    }


def _perspective(_site: Site) -> dict[str, Any]:
    return {"perspective_omit_unknown": request.form.get("perspective_omit_unknown", "") == "yes"}


_CHANGES: dict[str, Callable[[Site], dict[str, Any]]] = {
    "mode": _mode,
    "thresholds": _thresholds,
    "signals": _signals,
    "limits": _limits,
    "akismet": _akismet,
    "perspective": _perspective,
}


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise BadSetting(name, gettext("a whole number is needed")) from error


# -- Keys


@bp.post("/<site>/keys")
def create_key(site: str) -> AnyResponse:
    """Make another key, to be shown once."""
    found = my_site(site, Role.OWNER)
    flash(parts().sites.create_key(found.name, actor=acting()), "key")
    return _back(found, "keys")


@bp.post("/<site>/keys/revoke")
def revoke_key(site: str) -> AnyResponse:
    """Revoke a key, named by its first digits, or in full where two begin alike."""
    found = my_site(site, Role.OWNER)
    try:
        parts().sites.revoke_key(found.name, request.form.get("key", "").strip(), actor=acting())
        flash(gettext("The key is revoked. Calls with it are refused from now on."), "done")
    except KeyNotFound as error:
        flash(str(error), "error")
    return _back(found, "keys")


def _living(site: Site) -> list[Key]:
    return [key for key in parts().sites.keys(site.name) if key.revoked_at is None]


# -- The webhook


@bp.post("/<site>/webhook")
def set_webhook(site: str) -> AnyResponse:
    """Tell the site at this address from now on; the key of its signatures is shown."""
    found, url = my_site(site, Role.OWNER), request.form.get("url", "").strip()
    try:
        parts().deliverer.check(url)
    except BadAddress as error:
        flash(str(error), "error")
        return _back(found, "webhook")
    _show_secret(parts().webhooks.set(found.id, url, actor=acting()))
    return _back(found, "webhook")


@bp.post("/<site>/webhook/rotate")
def rotate_webhook(site: str) -> AnyResponse:
    """Sign with another key from now on."""
    found = my_site(site, Role.OWNER)
    return _with_webhook(found, lambda: _show_secret(parts().webhooks.rotate(found.id, actor=acting())))


@bp.post("/<site>/webhook/remove")
def remove_webhook(site: str) -> AnyResponse:
    """Tell the site no more."""
    found = my_site(site, Role.OWNER)

    def remove() -> None:
        parts().webhooks.remove(found.id, actor=acting())
        flash(gettext("The webhook is removed."), "done")

    return _with_webhook(found, remove)


@bp.post("/<site>/webhook/test")
def test_webhook(site: str) -> AnyResponse:
    """Send the webhook a message that tells nothing, now."""
    found = my_site(site, Role.OWNER)
    return _with_webhook(found, lambda: _try(parts().webhooks.show(found.id)))


def _try(webhook: Webhook) -> None:
    answered = parts().deliverer.test(webhook)
    if answered.taken:
        flash(gettext("The webhook has taken the test message (%(status)s).", status=answered.status), "done")
    else:
        flash(told(answered), "error")


def _with_webhook(site: Site, act: Callable[[], None]) -> AnyResponse:
    try:
        act()
    except (BadAddress, NotTaken, WebhookNotFound) as error:
        flash(str(error), "error")
    return _back(site, "webhook")


def _show_secret(webhook: Webhook) -> None:
    flash(shown_key(signing_key(parts().sites.secret, webhook.site_id, webhook.salt)), "signing-key")


def _webhook(site: Site) -> Webhook | None:
    try:
        return parts().webhooks.show(site.id)
    except WebhookNotFound:
        return None


def _back(site: Site, part: str | None = None) -> AnyResponse:
    return redirect(url_for("dashboard.sites.show", site=site.name, _anchor=part), 303)
