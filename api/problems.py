"""The one place that speaks HTTP about errors: RFC 9457 problem details, one shape for every failure."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import Annotated

import msgspec
from flask import Flask, Response, request
from msgspec import Meta, Struct
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from moderation.errors import (
    AlreadySettled,
    ArtifactError,
    BadAddress,
    BadComment,
    BadFilter,
    BadName,
    BadPassword,
    BadPreferences,
    BadRule,
    BadToken,
    Changed,
    CommentNotFound,
    HamletError,
    LastOwner,
    NothingToUndo,
    NotYours,
    RuleExists,
    RuleNotFound,
    SchemaMismatch,
    SignInRefused,
    StoreUnavailable,
    TooLate,
    UserExists,
    UserNotFound,
    WebhookNotFound,
)

CONTENT_TYPE = "application/problem+json"
log = logging.getLogger(__name__)


class Fault(Struct, frozen=True, omit_defaults=True):
    """One thing that is wrong with a request."""

    what: Annotated[str, Meta(description="What is wrong", examples=["Expected `str`, got `int`"])]
    at: Annotated[str, Meta(description="Where: a path into the document", examples=["$.author.name"])] = "$"


class Problem(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why a request failed (RFC 9457)."""

    type: Annotated[str, Meta(description="A page that explains this sort of failure")]
    title: Annotated[str, Meta(description="The sort of failure, in a few words")]
    status: Annotated[int, Meta(description="The HTTP status")]
    detail: Annotated[str, Meta(description="This failure, and what to do about it")]
    instance: Annotated[str, Meta(description="The path that was asked for")] = ""
    errors: tuple[Fault, ...] = ()


class Refused(HamletError):
    """A request that the API will not take, with its status."""

    def __init__(self, status: int, kind: str, detail: str, *, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status, self.kind, self.headers = status, kind, headers or {}


STATUS: dict[type[HamletError], tuple[int, str]] = {
    BadComment: (422, "invalid-comment"),
    BadRule: (422, "invalid-rule"),
    BadAddress: (422, "invalid-address"),
    WebhookNotFound: (404, "webhook-not-found"),
    CommentNotFound: (404, "comment-not-found"),
    BadFilter: (422, "invalid-request"),
    AlreadySettled: (409, "already-settled"),
    Changed: (409, "comment-changed"),
    TooLate: (409, "too-late"),
    NothingToUndo: (409, "nothing-to-undo"),
    NotYours: (403, "not-yours"),
    RuleNotFound: (404, "rule-not-found"),
    RuleExists: (409, "rule-exists"),
    StoreUnavailable: (503, "store-unavailable"),
    BadName: (422, "invalid-request"),
    BadPassword: (422, "invalid-request"),
    BadPreferences: (422, "invalid-request"),
    BadToken: (404, "link-spent"),
    SignInRefused: (403, "sign-in-refused"),
    UserNotFound: (404, "user-not-found"),
    UserExists: (409, "user-exists"),
    LastOwner: (409, "last-owner"),
    SchemaMismatch: (503, "database-version"),
    ArtifactError: (503, "model-unavailable"),
}


def problem_of(error: HamletError, instance: str = "") -> Problem:
    """Any expected failure as a problem."""
    if isinstance(error, Refused):
        status, kind = error.status, error.kind
    else:
        status, kind = next((found for cls, found in STATUS.items() if isinstance(error, cls)), (500, "internal-error"))
    detail = f"{error}. {error.hint[:1].upper()}{error.hint[1:]}." if error.hint else str(error)
    faults = (Fault(error.what, error.at),) if isinstance(error, BadComment | BadRule) else ()
    return Problem(
        type=f"/docs#{kind}", title=_title(kind), status=status, detail=detail, instance=instance, errors=faults
    )


def _title(kind: str) -> str:
    return kind.replace("-", " ").capitalize()


def respond(problem: Problem, headers: dict[str, str] | None = None) -> Response:
    """A problem as an answer."""
    return Response(msgspec.json.encode(problem), problem.status, headers, content_type=CONTENT_TYPE)


def init_app(app: Flask) -> None:
    """Turn every failure of a view into a problem."""

    @app.errorhandler(HamletError)
    def refuse(error: HamletError) -> Response:
        problem = problem_of(error, request.path)
        if problem.status >= 500:
            log.error("%s %s: %s", request.method, request.path, problem.detail)
        headers = dict(error.headers) if isinstance(error, Refused) else {}
        if isinstance(error, StoreUnavailable):
            headers["Retry-After"] = str(error.retry_after)
        return respond(problem, headers)

    @app.errorhandler(HTTPException)
    def refuse_http(error: HTTPException) -> Response:
        status = error.code or 500
        detail = error.description or ""
        if isinstance(error, RequestEntityTooLarge):
            detail = f"the body is larger than {app.config['MAX_CONTENT_LENGTH']:,} bytes; send fewer comments at once"
        kind = HTTPStatus(status).phrase.lower().replace(" ", "-")
        headers = {"Allow": ", ".join(sorted(error.valid_methods or ()))} if hasattr(error, "valid_methods") else {}
        problem = Problem(type=f"/docs#{kind}", title=_title(kind), status=status, detail=detail, instance=request.path)
        return respond(problem, headers)

    @app.errorhandler(Exception)
    def fail(error: Exception) -> Response:
        log.exception("%s %s failed", request.method, request.path)
        detail = "something went wrong in Hamlet; nothing was stored. The server's log has the details"
        problem = Problem(
            type="/docs#internal-error", title="Internal error", status=500, detail=detail, instance=request.path
        )
        return respond(problem)
