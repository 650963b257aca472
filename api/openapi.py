"""The OpenAPI 3.1 document, generated from the types that validate and answer, and a page that shows it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, render_template

from api.problems import CONTENT_TYPE, Problem
from api.v1 import MOST_AT_ONCE
from api.v1.campaigns import CampaignShown, HeldNow
from api.v1.reviews import NewReview
from api.v1.rules import (
    MOST_RULES_AT_ONCE,
    MOST_SHOWN,
    MOST_TRIED,
    RuleChange,
    RulesAdded,
    RuleShown,
    RulesShown,
    RuleWanted,
    Tried,
)
from api.v1.schemas import Answer, CommentShown, Failed
from api.v1.site import SiteShown
from moderation.comment import Comment
from moderation.policy import Choices
from moderation.rules.checked import MOST_DAYS
from moderation.rules.replay import MOST_COMMENTS

bp = Blueprint("openapi", __name__)

KINDS = {
    "unauthorized": (401, "The key is missing, wrong or revoked."),
    "malformed-json": (400, "The body is not JSON in UTF-8, or nested too deeply."),
    "invalid-request": (422, "The body has not the shape that is asked for; the detail says where."),
    "invalid-comment": (422, "A field has the wrong type, or `text` is missing; `errors` says where."),
    "unsupported-media-type": (415, "The Content-Type is not application/json."),
    "too-many-comments": (413, f"More than {MOST_AT_ONCE:,} comments in one request."),
    "request-entity-too-large": (413, "The body is over the limit (setting max_body)."),
    "invalid-rule": (422, "A rule makes no sense; the detail says what is wrong and what would be right."),
    "rule-exists": (409, "A rule of the site says the same already."),
    "rule-not-found": (404, "No such rule on this site."),
    "too-many-rules": (413, "More rules in one request than are taken."),
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


_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "Hamlet's id, or the site's own",
    "schema": {"type": "string"},
}
_BODY = "malformed-json", "unsupported-media-type", "request-entity-too-large", "invalid-request"


def _call(
    name: str,
    summary: str,
    description: str,
    answer: str,
    *failures: str,
    body: str | None = None,
    status: int = 200,
    with_id: bool = True,
) -> dict[str, Any]:
    """A call with one JSON answer, perhaps one JSON body, perhaps the id of a comment in its path."""
    call: dict[str, Any] = {"operationId": name, "summary": summary, "description": description}
    if with_id:
        call["parameters"] = [_ID]
    if body is not None:
        call["requestBody"] = {"required": True, "content": {"application/json": {"schema": _ref(body)}}}
    kinds = (*failures, *(_BODY if body is not None else ()), *(("comment-not-found",) if with_id else ()))
    call["responses"] = {
        str(status): {"description": "Done.", "content": {"application/json": {"schema": _ref(answer)}}},
        **_failures("unauthorized", *kinds, "store-unavailable", "internal-error"),
    }
    return call


_RULE_ID = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The rule's id",
    "schema": {"type": "integer", "minimum": 1},
}


def _asked(name: str, description: str, default: int, most: int) -> dict[str, Any]:
    """A number of the query string."""
    number = {"type": "integer", "minimum": 0, "maximum": most, "default": default}
    return {"name": name, "in": "query", "description": description, "schema": number}


def _one_rule(name: str, summary: str, description: str, *failures: str, body: str | None = None) -> dict[str, Any]:
    """A call about one rule."""
    call = _call(
        name, summary, description, "RuleShown", "rule-not-found", *failures, body=body, with_id=False
    )  # fmt: skip
    return {**call, "parameters": [_RULE_ID]}


def _rules_given(call: dict[str, Any], most: int) -> dict[str, Any]:
    """A call whose body is a rule or a list of them."""
    several = {"type": "array", "items": _ref("RuleWanted"), "maxItems": most}
    call["requestBody"]["content"]["application/json"]["schema"] = {"oneOf": [_ref("RuleWanted"), several]}
    return call


def _rules() -> dict[str, Any]:
    """The calls about rules, by path."""
    shown = _call("rules", "Show the site's rules", "Oldest first.", "RulesShown", "invalid-request", with_id=False)
    shown["parameters"] = [
        _asked("after", "Those after this id", 0, 2**31 - 1),
        _asked("limit", "At most so many", 1_000, MOST_SHOWN),
    ]
    added = _call(
        "add_rules",
        "Add a rule or a list of rules",
        "A list is added whole or not at all, but for rules that are there already, which it names.",
        "RuleShown",
        *("invalid-rule", "rule-exists", "too-many-rules"),
        body="RuleWanted",
        status=201,
        with_id=False,
    )
    one_or_many = {"anyOf": [_ref("RuleShown"), _ref("RulesAdded")]}
    added["responses"]["201"]["content"]["application/json"]["schema"] = one_or_many
    tried = _call(
        "test_rules",
        "Try rules on the comments the site has had",
        "Tells for each rule by itself what it would have met, and how often wrongly. Nothing is saved.",
        "Tried",
        *("invalid-rule", "too-many-rules"),
        body="RuleWanted",
        with_id=False,
    )
    tried["parameters"] = [
        _asked("comments", "At most so many, the newest first", MOST_COMMENTS, MOST_COMMENTS),
        _asked("days", "Those of the last days only", MOST_DAYS, MOST_DAYS),
    ]
    return {
        "/v1/rules": {"get": shown, "post": _rules_given(added, MOST_RULES_AT_ONCE)},
        "/v1/rules/test": {"post": _rules_given(tried, MOST_TRIED)},
        "/v1/rules/{id}": {
            "get": _one_rule("rule", "Show a rule", "With how often it was met."),
            "patch": _one_rule(
                "change_rule",
                "Change a rule's note or expiry",
                "What it says cannot be changed: that is another rule.",
                "invalid-rule",
                body="RuleChange",
            ),
            "delete": _one_rule("remove_rule", "Remove a rule", "The answer is what it was."),
        },
    }


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    of_rules = RuleWanted, RuleChange, RuleShown, RulesShown, RulesAdded, Tried
    _, schemas = msgspec.json.schema_components(
        [
            Comment,
            Answer,
            Failed,
            CommentShown,
            NewReview,
            CampaignShown,
            HeldNow,
            SiteShown,
            Choices,
            Problem,
            *of_rules,
        ],
        ref_template="#/components/schemas/{name}",
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
                "get": _call(
                    "show",
                    "Show a comment with its verdicts and reviews",
                    "All that is kept of it, oldest first.",
                    "CommentShown",
                )
            },
            "/v1/comments/{id}/reviews": {
                "post": _call(
                    "review",
                    "Say what a comment is",
                    "Reviews are only ever added; the newest counts. They inform the records of the author, addresses,"
                    " domains and near-copies that later comments are judged by.",
                    "CommentShown",
                    body="NewReview",
                    status=201,
                )
            },
            "/v1/comments/{id}/campaign": {
                "get": _call(
                    "campaign",
                    "Show the near-copies of a comment",
                    "Itself among them, with what was decided and said of each.",
                    "CampaignShown",
                )
            },
            "/v1/comments/{id}/campaign/hold": {
                "post": _call(
                    "hold_campaign",
                    "Hold the near-copies of a comment that were accepted",
                    "All but those that people called ham. Answers which they are, so that the site takes them down.",
                    "HeldNow",
                )
            },
            **_rules(),
            "/v1/site": {
                "get": _call(
                    "site", "Show what the site has chosen", "Thresholds, mode, signals.", "SiteShown", with_id=False
                ),
                "patch": _call(
                    "change_site",
                    "Change what the site has chosen",
                    "What the body does not name stays as it is.",
                    "SiteShown",
                    body="Choices",
                    with_id=False,
                ),
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
