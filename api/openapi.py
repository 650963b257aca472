"""The OpenAPI 3.1 document, generated from the types that validate and answer, and a page that shows it."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from typing import Any

import msgspec
from flask import Blueprint, Response, jsonify, render_template

from api import asked
from api.problems import CONTENT_TYPE, Problem
from api.v1 import MOST_AT_ONCE
from api.v1.campaigns import CampaignShown, HeldNow
from api.v1.decisions import LAST_NUMBER, MOST_DECISIONS, DecisionsShown
from api.v1.links import LinkShown, NewLink
from api.v1.queue import (
    Claimed,
    Looking,
    ManyReviews,
    QueueCounted,
    QueueShown,
    Reopening,
    Reviewed,
    ReviewedMany,
    TakingBack,
)
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
from api.v1.webhook import NewWebhook, WebhookShown, WebhookTested
from moderation.comment import Comment
from moderation.policy import Choices
from moderation.review import MOST_SHOWN as MOST_QUEUED
from moderation.review import Facet, Order
from moderation.rules.checked import MOST_DAYS
from moderation.rules.replay import MOST_COMMENTS
from moderation.webhooks import DecisionsBody, TestBody

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
    "invalid-address": (422, "Nothing is sent to that address; the detail says why."),
    "webhook-not-found": (404, "The site has no webhook."),
    "comment-not-found": (404, "No such comment on this site."),
    "already-settled": (409, "Somebody else has reviewed the comment meanwhile; the detail says who, and what."),
    "comment-changed": (409, "The site has changed the comment meanwhile; look at it as it is now."),
    "too-late": (409, "A review is taken back within a day; afterwards review the comment anew."),
    "nothing-to-undo": (409, "The comment has no review to take back."),
    "not-yours": (403, "The newest review is somebody else's; an owner may take it back."),
    "sign-in-needed": (401, "A call of the dashboard without a session: sign in."),
    "sign-in-refused": (403, "Name and password do not fit, or there were too many failures."),
    "stale-form": (400, "A form of the dashboard without the token of its session: load the page again."),
    "forbidden": (403, "The person's role on the site is too low."),
    "site-not-found": (404, "No such site, or none of the person's."),
    "user-not-found": (404, "No such person on this site."),
    "user-exists": (409, "Another account has the name."),
    "last-owner": (409, "A site keeps an owner."),
    "link-spent": (404, "A one-time link that was used, has expired or never was."),
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


def _queue() -> dict[str, Any]:
    """The calls about the queue, by path."""
    shown = _call(
        "queue",
        "Show what waits for a person",
        "Near-copies are one item.",
        "QueueShown",
        "invalid-request",
        with_id=False,
    )
    shown["parameters"] = [*_filters(), _text_asked("after", "Those after this place, as the last page names it")]
    shown["parameters"].append(_asked("limit", "At most so many", 50, MOST_QUEUED))
    counted = _call(
        "queue_counts", "Count what waits", "And of what.", "QueueCounted", "invalid-request", with_id=False
    )
    counted["parameters"] = _filters()
    settled = _call(
        "review_many",
        "Say the same of some comments",
        "Each has its own result. With `seen` what others have reviewed meanwhile is left as it is, and said so.",
        "ReviewedMany",
        body="ManyReviews",
        with_id=False,
    )
    some = {"description": "Some have a problem.", "content": {"application/json": {"schema": _ref("ReviewedMany")}}}
    settled["responses"]["207"] = some
    return {
        "/v1/queue": {"get": shown},
        "/v1/queue/counts": {"get": counted},
        "/v1/queue/reviews": {"post": settled},
        "/v1/queue/claims": {
            "post": _call(
                "claim", "Keep comments for somebody", "Two minutes.", "Claimed", body="Looking", with_id=False
            )
        },
        "/v1/queue/claims/release": {
            "post": _call(
                "release", "Keep them no longer", "Others may have them.", "Claimed", body="Looking", with_id=False
            )
        },
        "/v1/comments/{id}/undo": {
            "post": _call(
                "undo",
                "Take the newest review back",
                "Within a day. What was said before it counts again; if nothing was, a held comment waits again.",
                "Reviewed",
                *("already-settled", "too-late", "nothing-to-undo"),
                body="TakingBack",
            )
        },
        "/v1/comments/{id}/reopen": {
            "post": _call("reopen", "Put a comment into the queue", "Whatever was said.", "Reviewed", body="Reopening")
        },
    }


def _filters() -> list[dict[str, Any]]:
    """What the queue can be narrowed and ordered by."""
    told = {facet.value: f"Those of this {facet.value}" for facet in Facet}
    found = [_text_asked(name, about) for name, about in told.items()]
    found.append(_text_asked("q", "Those with all these words"))
    found.append(_text_asked("age", "Those waiting at least so long", list(asked.AGES)))
    found.append(_text_asked("order", "What comes first", [one.value for one in Order]))
    return found


def _text_asked(name: str, description: str, known: list[str] | None = None) -> dict[str, Any]:
    """A text of the query string."""
    schema: dict[str, Any] = {"type": "string", **({"enum": known} if known else {})}
    return {"name": name, "in": "query", "description": description, "schema": schema}


def _telling() -> dict[str, Any]:
    """The calls about being told of later decisions, by path."""
    told = _call(
        "decisions",
        "Show what was decided after the first answers",
        "Oldest first. Ask again and again, each time for those after the `next` of the last answer.",
        "DecisionsShown",
        "invalid-request",
        with_id=False,
    )
    told["parameters"] = [
        _asked("after", "Those after this number", 0, LAST_NUMBER),
        _asked("limit", "At most so many", 100, MOST_DECISIONS),
    ]
    return {
        "/v1/comments/{id}/links": {
            "post": _call(
                "make_link",
                "Make a link to a comment, for a mail to a moderator",
                "Whoever has the link may act on this comment in the reviewer's name, until it expires.",
                "LinkShown",
                body="NewLink",
                status=201,
            )
        },
        "/v1/decisions": {"get": told},
        "/v1/site/webhook": {
            "get": _webhook("webhook", "Show the site's webhook", "With how it fares."),
            "put": _webhook(
                "set_webhook",
                "Set the address of the site's webhook",
                "It is told what is decided from now on, or what an earlier address has not taken. Shows the secret.",
                "invalid-address",
                body="NewWebhook",
            ),
            "delete": _webhook("remove_webhook", "Remove the site's webhook", "The answer is what it was."),
        },
        "/v1/site/webhook/rotate": {
            "post": _webhook("rotate_webhook", "Sign with another secret from now on", "Shows the new secret.")
        },
        "/v1/site/webhook/test": {
            "post": _webhook(
                "test_webhook",
                "Send the site's webhook a test",
                "Now, while you wait: a signed message that tells nothing, and what came back.",
                answer="WebhookTested",
            )
        },
    }


def _webhook(
    name: str, summary: str, description: str, *failures: str, answer: str = "WebhookShown", body: str | None = None
) -> dict[str, Any]:
    """A call about the site's webhook."""
    missing = () if body is not None else ("webhook-not-found",)
    return _call(name, summary, description, answer, *missing, *failures, body=body, with_id=False)


def _webhooks_sent() -> dict[str, Any]:
    """What a webhook is sent."""
    body = {"application/json": {"schema": {"oneOf": [_ref("DecisionsBody"), _ref("TestBody")]}}}
    sent = {
        "operationId": "told",
        "summary": "Tells the site what was decided",
        "description": "Signed as the Standard Webhooks specification has it. Sent again until it is answered 2xx.",
        "security": [],
        "requestBody": {"required": True, "content": body},
        "responses": {"2XX": {"description": "Taken."}},
    }
    return {"decisions": {"post": sent}}


@cache
def document() -> dict[str, Any]:
    """The whole document."""
    of_rules = RuleWanted, RuleChange, RuleShown, RulesShown, RulesAdded, Tried
    of_telling = DecisionsShown, NewLink, LinkShown, NewWebhook, WebhookShown, WebhookTested, DecisionsBody, TestBody
    of_queue = QueueShown, QueueCounted, ManyReviews, ReviewedMany, Reviewed, Looking, Claimed, TakingBack, Reopening
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
            *of_telling,
            *of_queue,
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
            **_queue(),
            **_telling(),
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
        "webhooks": _webhooks_sent(),
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
