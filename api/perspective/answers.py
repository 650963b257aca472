"""Answers: JSON, and failures in the shape that clients of the service know."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Any

import msgspec
from flask import Response, current_app, request
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from api.perspective.refusals import Refusal, internal, invalid, too_large, unavailable
from moderation.errors import StoreUnavailable

JSON = "application/json; charset=UTF-8"
log = logging.getLogger(__name__)
_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Answer:
    """What is answered, by itself or as a part of a batch."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """As an answer of its own."""
        return Response(self.body, self.status, self.headers, content_type=JSON)


def answer_json(body: Any) -> Answer:
    """Data."""
    return Answer(_encode(body))


def refusal_of(error: Exception) -> Refusal:
    """Any failure in the words of the service. What was sent is never written to the log."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, StoreUnavailable):
        log.error("%s %s: %s", request.method, request.path, error)
        return unavailable(error.retry_after)
    if isinstance(error, RequestEntityTooLarge):
        return too_large(current_app.config["MAX_CONTENT_LENGTH"])
    if isinstance(error, HTTPException) and (error.code or 500) < 500:
        return invalid("Request contains an invalid argument.")
    log.error("%s %s failed", request.method, request.path, exc_info=error)
    return internal()


def answer_failure(error: Exception) -> Answer:
    """A failure as an answer."""
    refusal = refusal_of(error)
    return Answer(_encode(refusal.body), refusal.status, refusal.headers)


def refused(error: Exception) -> Response:
    """A failure of a view."""
    return answer_failure(error).response()
