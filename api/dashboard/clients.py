"""Clients, for the owners of sites: who calls with which key, what went wrong, and who has a key that is none."""

from __future__ import annotations

from flask import Blueprint, render_template, request

from api.dashboard.access import my_site, my_sites
from api.dashboard.language import lazy
from api.problems import Refused
from api.wiring import parts
from moderation.past import DAY
from moderation.people import Role
from moderation.store import now_ms
from moderation.store.clients import MOST_FEEDBACK, Client, Stranger
from moderation.store.sites import Key, Site

bp = Blueprint("clients", __name__, url_prefix="/clients")
WARNED_FOR = 7 * DAY
SURFACES = {"native": lazy("Hamlet's own API"), "akismet": "Akismet", "perspective": "Perspective"}


@bp.get("")
def show() -> str:
    """The clients of one site, or of all that a person owns."""
    name, owned = request.args.get("site", ""), my_sites(Role.OWNER)
    if not owned:
        raise Refused(403, "forbidden", "this page is for the owners of a site")
    sites = [my_site(name, Role.OWNER)] if name else owned
    found = parts()
    found.clients.flush()  # What this worker has counted is shown at once; the others' in a few seconds.
    ids = [site.id for site in sites]
    clients = found.clients.of_sites(ids)
    return render_template(
        "dashboard/clients.html",
        clients=clients,
        strangers=recent(found.clients.strangers(ids)),
        silent=_silent(sites, clients),
        called_back=[one for site in sites for one in found.callbacks.of_site(site.id)],
        surfaces=SURFACES,
        most=MOST_FEEDBACK,
        flooded_since=now_ms() - WARNED_FOR,
        sites=owned,
        site=name,
    )


def recent(strangers: list[Stranger]) -> list[Stranger]:
    """Those that called in the last days."""
    return [one for one in strangers if one.last_at >= now_ms() - WARNED_FOR]


def _silent(sites: list[Site], clients: list[Client]) -> list[Key]:
    """Keys that nobody has called with yet."""
    names, used = {site.name for site in sites}, {(one.site, one.prefix) for one in clients}
    keys = parts().sites.keys()
    living = [key for key in keys if key.revoked_at is None and key.site in names]
    return [key for key in living if (key.site, key.prefix) not in used]
