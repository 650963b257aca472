"""Notes who calls: every call with a key is counted for the key, and calls with a key that is none stand out."""

from __future__ import annotations

from flask import Flask, Response, g, request

from api.origin import address_of_request
from api.wiring import parts
from moderation.store.sites import PREFIX_LENGTH, Site

SURFACES = {"v1": "native", "akismet": "akismet", "perspective": "perspective"}
"""Protocols, by the blueprint that speaks them."""
DEBUG_HELP = "X-akismet-debug-help"


def site_of_key(key: str) -> Site | None:
    """The site that a key belongs to, which is the one that calls."""
    site = parts().sites.of_key(key)
    if site is not None:
        g.caller = site.id, key[:PREFIX_LENGTH]
    elif key:
        g.refused_key = key[:100]
    return site


def gives_feedback() -> None:
    """Note that this call says what people think of a comment."""
    g.feedback = True


def init_app(app: Flask) -> None:
    """Count every call."""
    app.after_request(_count)


def _count(response: Response) -> Response:
    surface = SURFACES.get((request.blueprint or "").partition(".")[0])
    if surface is not None:
        agent, clients = request.headers.get("User-Agent", ""), parts().clients
        if (caller := g.get("caller")) is not None:
            clients.called((*caller, surface), agent, _error_of(response), feedback="feedback" in g)
        elif (key := g.get("refused_key")) is not None:
            clients.refused(key, surface, address_of_request(), agent)
    return response


def _error_of(response: Response) -> str | None:
    """What was wrong with a call, in a few words; None: nothing."""
    if response.status_code >= 400:
        body = response.get_json(silent=True) if response.is_json else None
        return f"{response.status_code} {_title(body) or response.status.partition(' ')[2]}".strip()
    return response.headers.get(DEBUG_HELP)


def _title(body: object) -> str:
    """The words of a problem, or of a failure as Perspective has it."""
    found = body.get("title") or body.get("error") if isinstance(body, dict) else ""
    if isinstance(found, dict):
        found = found.get("message")
    return found if isinstance(found, str) else ""
