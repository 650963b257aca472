"""The OpenAPI 3.1 document, generated from the types that validate and answer, and a page that shows it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, render_template

from api.problems import CONTENT_TYPE, Problem
from api.v1 import MOST_AT_ONCE
from api.v1.schemas import Answer, CommentShown, Failed
from moderation.comment import Comment

bp = Blueprint("openapi", __name__)

KINDS = {
    "unauthorized": (401, "The key is missing, wrong or revoked."),
    "malformed-json": (400, "The body is not JSON in UTF-8, or nested too deeply."),
    "invalid-comment": (422, "A field has the wrong type, or `text` is missing; `errors` says where."),
    "unsupported-media-type": (415, "The Content-Type is not application/json."),
    "too-many-comments": (413, f"More than {MOST_AT_ONCE:,} comments in one request."),
    "request-entity-too-large": (413, "The body is over the limit (setting max_body)."),
    "comment-not-found": (404, "No such comment on this site."),
    "not-found": (404, "No such page."),
    "method-not-allowed": (405, "The page does not take this method; the Allow header lists those it takes."),
    "store-unavailable": (503, "The database is locked, full, read-only or away. Nothing was stored: send it again."),
    "database-version": (503, "The database is of another version than the program."),
    "model-unavailable": (503, "The model cannot be read."),
    "internal-error": (500, "A mistake in Hamlet. Nothing was stored."),
}
EXAMPLE = {
    "id": "blog-77-412",
    "text": "Thanks, step 3 fixed it for me.",
    "author": {"name": "Ann", "url": "https://ann.example.org"},
    "post": {"title": "Mounting a share at boot"},
}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {CONTENT_TYPE: {"schema": _ref("Problem")}}}


def _failures(*kinds: str) -> dict[str, Any]:
    by_status: dict[str, list[str]] = {}
    for kind in kinds:
        status, description = KINDS[kind]
        by_status.setdefault(str(status), []).append(description)
    return {status: _problem(" ".join(found)) for status, found in by_status.items()}


def _judging(name: str, summary: str, description: str) -> dict[str, Any]:
    one_or_many = {"oneOf": [_ref("Comment"), {"type": "array", "items": _ref("Comment"), "maxItems": MOST_AT_ONCE}]}
    answers = {"type": "array", "items": {"anyOf": [_ref("Answer"), _ref("Failed")]}}
    failures = _failures(
        "malformed-json", "unauthorized", "too-many-comments", "request-entity-too-large", "unsupported-media-type",
        "invalid-comment", "store-unavailable", "internal-error",
    )  # fmt: skip
    return {
        "operationId": name,
        "summary": summary,
        "description": description,
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": one_or_many, "example": EXAMPLE}},
        },
        "responses": {
            "200": {
                "description": "One answer, or a list of them in the order of the request.",
                "content": {"application/json": {"schema": {"oneOf": [_ref("Answer"), answers]}}},
            },
            "207": {
                "description": "A list in which some comments failed; the others were judged.",
                "content": {"application/json": {"schema": answers}},
            },
            **failures,
        },
    }


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    _, schemas = msgspec.json.schema_components(
        [Comment, Answer, Failed, CommentShown, Problem], ref_template="#/components/schemas/{name}"
    )
    status = {"200": {"description": "Yes.", "content": {"application/json": {"schema": {"type": "object"}}}}}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Hamlet",
            "version": version("hamlet"),
            "summary": "Accept, hold or reject a comment before it is published.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "paths": {
            "/v1/comments": {
                "post": _judging(
                    "check",
                    "Judge and keep comments",
                    "The comment and its verdict are stored before the answer is sent. The site's own `id` makes it"
                    " idempotent: the same id and content gets the first verdict, the same id with changed content is"
                    " judged anew and keeps the history.",
                )
            },
            "/v1/score": {"post": _judging("score", "Judge comments without keeping them", "Nothing is stored.")},
            "/v1/comments/{id}": {
                "get": {
                    "operationId": "show",
                    "summary": "Show a comment with its verdicts and reviews",
                    "parameters": [
                        {
                            "name": "id",
                            "in": "path",
                            "required": True,
                            "description": "Hamlet's id, or the site's own",
                            "schema": {"type": "string"},
                        }
                    ],
                    "responses": {
                        "200": {
                            "description": "All that is kept of it.",
                            "content": {"application/json": {"schema": _ref("CommentShown")}},
                        },
                        **_failures("unauthorized", "comment-not-found", "store-unavailable", "internal-error"),
                    },
                }
            },
            "/healthz": {
                "get": {"operationId": "alive", "summary": "Does it live?", "security": [], "responses": status}
            },
            "/readyz": {
                "get": {
                    "operationId": "ready",
                    "summary": "Can it work?",
                    "security": [],
                    "responses": {**status, **_failures("store-unavailable", "database-version")},
                }
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "The site's key, 12 hex digits"}
            },
        },
    }


@bp.get("/openapi.json")
def as_json() -> Response:
    """The document."""
    return jsonify(document())


@bp.get("/docs")
def as_page() -> str:
    """The document, to read."""
    return render_template("docs.html", api=document(), kinds=KINDS, example=EXAMPLE)
