"""The audit log, for the owners of sites: who did what, newest first."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from api.dashboard.access import my_site, my_sites
from api.problems import Refused
from api.wiring import parts
from moderation.people import Role

bp = Blueprint("audit", __name__, url_prefix="/audit")
PAGE = 50
LARGEST_ID = 2**31 - 1


@bp.get("")
def show() -> str:
    """What was done on one site, or on all that a person owns, by anybody or by one actor."""
    name, actor = request.args.get("site", ""), request.args.get("actor", "").strip()
    owned = my_sites(Role.OWNER)
    if not owned:
        raise Refused(403, "forbidden", "the log is for the owners of a site")
    if "\0" in actor:
        raise Refused(422, "invalid-request", "actor: not a name")
    sites = [my_site(name, Role.OWNER)] if name else owned
    found = parts().seen.acts([site.id for site in sites], actor=actor or None, before=_before(), limit=PAGE + 1)
    return render_template(
        "dashboard/audit.html",
        acts=found[:PAGE],
        before=found[PAGE - 1].id if len(found) > PAGE else None,
        names={site.id: site.name for site in sites},
        sites=owned,
        site=name,
        actor=actor,
    )


def _before() -> int | None:
    text = request.args.get("before", "")
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise Refused(422, "invalid-request", "before: not a place of this list")
    return min(int(text[:20]), LARGEST_ID)
