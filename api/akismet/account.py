"""What clients ask about their key, and what the settings page of WordPress asks beside it."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from api.akismet.access import site_of
from api.akismet.answers import INVALID, answer, answer_json, invalid
from api.akismet.form import Form, read_form
from api.clients import site_of_key
from api.wiring import parts
from moderation.secret import keyed_hash
from moderation.store.sites import Site

bp = Blueprint("account", __name__)


@bp.post("/1.1/verify-key")
def verify() -> Response:
    """Whether a key is one."""
    form = read_form()
    key = form.first_of("key", "api_key")
    for name, value in (("key", key), ("blog", form["blog"])):
        if not value:
            return answer(INVALID, debug_help=f'Empty "{name}" value')
    return answer("valid") if site_of_key(key) is not None else invalid()


@bp.post("/1.1/deactivate")
def deactivate() -> Response:
    """A blog stops asking. Its key stays good: it is revoked where it was made."""
    return answer("deactivated") if site_of(read_form()) is not None else invalid()


@bp.post("/1.1/get-subscription")
def subscription() -> Response:
    """The account of a key. WordPress keeps a key only if this says that it is active."""
    return _account(read_form())


@bp.post("/1.1/verify-wpcom-key")
def verify_connected() -> Response:
    """Likewise, for a WordPress that is connected with an account elsewhere."""
    return _account(read_form())


def _account(form: Form) -> Response:
    site = site_of(form)
    return answer_json(_subscription(site)) if site is not None else invalid()


def _subscription(site: Site) -> dict[str, Any]:
    return {
        "account_id": site.id,
        "account_type": "hamlet",
        "account_name": site.name,
        "status": "active",
        "next_billing_date": False,
        "limit_reached": False,
    }


@bp.post("/1.1/token")
def token() -> Response:
    """A word that the plug-in puts into addresses of its maker's pages; it opens nothing here."""
    site = site_of(read_form())
    return answer(keyed_hash(parts().sites.secret, "akismet-token", site.name)[:32]) if site is not None else invalid()


@bp.get("/1.1/test")
def connected() -> Response:
    """There is somebody here."""
    return answer("connected")


@bp.get("/1.2/compatible-plugins")
def plugins() -> Response:
    """Other plug-ins of WordPress that could ask; the settings page advertises them, and has none to show."""
    return answer_json([])
