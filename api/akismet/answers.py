"""Answers to the byte: clients compare them with ``==``, and some fail on a header that should not be there."""

from __future__ import annotations

import logging
from typing import Any

import msgspec
from flask import Response, request
from werkzeug.exceptions import HTTPException

from moderation.store import new_id

TEXT = "text/plain; charset=utf-8"
HTML = "text/html; charset=utf-8"
THANKS = "Thanks for making the web a better place."
INVALID = "invalid"
ERROR = "error"
GUID = "X-akismet-guid"
DEBUG_HELP = "X-akismet-debug-help"
log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


def answer(body: str, content_type: str = TEXT, **headers: str) -> Response:
    """A text, with status 200 even for a refusal: several clients read no other answer."""
    named = {f"X-akismet-{name.replace('_', '-')}": value for name, value in headers.items()}
    return Response(body, 200, named, content_type=content_type)


def answer_json(body: Any) -> Response:
    """Data."""
    return Response(_encode(body), content_type="application/json")


def invalid() -> Response:
    """No such key."""
    return answer(INVALID)


def missing(field: str) -> Response:
    """A field that must be there."""
    return answer(f"Missing required field: {field}.", debug_help=f'Empty "{field}" value')


def with_guid(response: Response, guid: str | None = None) -> Response:
    """The answer to a check. WordPress finds the comment it has just checked by the guid, and by nothing else:
    without one it publishes what was called spam.
    """
    response.headers[GUID] = guid or new_id()
    return response


def failed(error: Exception) -> Response:
    """The answer when nothing can be said: neither true nor false, upon which WordPress holds the comment."""
    status = (error.code or 500) if isinstance(error, HTTPException) else 500
    if status >= 500:
        log.error("%s %s failed", request.method, request.path, exc_info=error)
    return with_guid(Response(ERROR, status, content_type=TEXT))
