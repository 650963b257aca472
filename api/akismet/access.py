"""Whose key it is. Clients send it in a field, in the query or as the first label of the host they call."""

from __future__ import annotations

from flask import request
from werkzeug.exceptions import HTTPException

from api.akismet.form import Form
from api.clients import site_of_key
from moderation.store.sites import KEY, Site


def key_of(form: Form) -> str:
    """The key of a request; empty if there is none.

    A field says it on purpose; the host may be called like a key by chance, and counts last.
    """
    return form.first_of("api_key", "key") or key_in_host()


def key_in_host() -> str:
    """The key in ``KEY.rest.example.org``; DNS knows no case."""
    try:
        label = request.host.partition(".")[0].lower()
    except HTTPException:  # A host that is none.
        return ""
    return label if KEY.fullmatch(label) else ""


def site_of(form: Form) -> Site | None:
    """The site whose key a request carries, or None."""
    return site_of_key(key_of(form))
