"""Whose key it is: a key of the site, where clients put the key of their project."""

from __future__ import annotations

from flask import request

from api.clients import site_of_key
from api.perspective.refusals import invalid_key, no_key
from moderation.store.sites import Site


def key_of_request() -> str:
    """The key in query or header; empty if there is none."""
    return request.args.get("key", "").strip() or request.headers.get("X-Goog-Api-Key", "").strip()


def site_of(key: str) -> Site:
    """The site of a key; refuses to go on without one."""
    if not key:
        raise no_key()
    site = site_of_key(key)
    if site is None:
        raise invalid_key()
    return site
