"""Who is asking: a site, by its key."""

from __future__ import annotations

from flask import request

from api.clients import site_of_key
from api.problems import Refused
from moderation.store.sites import Site


def site_of_request() -> Site:
    """The site whose key stands in ``Authorization: Bearer <key>``."""
    header = request.headers.get("Authorization")
    if header is None:
        raise _unauthorized("send the site's key as `Authorization: Bearer <key>`")
    scheme, _, key = header.partition(" ")
    if scheme.lower() != "bearer":
        raise _unauthorized(f"the scheme must be Bearer, not {scheme[:20]!r}")
    site = site_of_key(key.strip())
    if site is None:
        raise _unauthorized("no such key, or it was revoked; `hamlet keys list` shows the living ones")
    return site


def _unauthorized(detail: str) -> Refused:
    return Refused(401, "unauthorized", detail, headers={"WWW-Authenticate": 'Bearer realm="hamlet"'})
