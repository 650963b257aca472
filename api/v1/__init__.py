"""Version 1 of the JSON API: check, score, show."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.auth import site_of_request
from api.problems import Refused, problem_of
from api.v1.schemas import Answer, Failed, answer_of, shown
from api.wiring import parts
from moderation.check import Submission, judge
from moderation.comment import MAX_ID, Comment, decode_json, to_comment, unknown_fields
from moderation.errors import BadComment, CommentNotFound
from moderation.store.sites import Site

bp = Blueprint("v1", __name__, url_prefix="/v1")

MOST_AT_ONCE = 1_000
_encode = msgspec.json.Encoder().encode

Work = Callable[[Sequence[Comment], Site], list[Answer]]


@bp.post("/comments")
def check() -> Response:
    """Judge and keep one comment or a list."""
    return _answer(site_of_request(), _check)


@bp.post("/score")
def score() -> Response:
    """Judge one comment or a list; nothing is kept."""
    return _answer(site_of_request(), _score)


@bp.get("/comments/<path:comment_id>")
def show(comment_id: str) -> Response:
    """Show a comment with its verdicts and reviews."""
    site = site_of_request()
    if "\0" in comment_id or len(comment_id) > MAX_ID:
        raise CommentNotFound(comment_id[:MAX_ID])
    return _json(shown(parts().store.history(site.id, comment_id)))


def _check(comments: Sequence[Comment], site: Site) -> list[Answer]:
    found = parts()
    policy = found.policy(site)
    checked = found.check([Submission(site.id, comment, policy) for comment in comments])
    return [
        answer_of(one.verdict, id=one.id, external_id=comment.id, repeated=one.repeated)
        for comment, one in zip(comments, checked, strict=True)
    ]


def _score(comments: Sequence[Comment], site: Site) -> list[Answer]:
    found = parts()
    verdicts = judge(comments, found.classifier, [found.policy(site)] * len(comments))
    return [answer_of(verdict) for verdict in verdicts]


def _answer(site: Site, work: Work) -> Response:
    data, replaced = _read_body()
    if isinstance(data, list):
        return _answer_list(data, replaced, site, work)
    comment, warnings = _read_comment(data, replaced)
    (answer,) = work([comment], site)
    return _json(msgspec.structs.replace(answer, warnings=warnings) if warnings else answer)


def _answer_list(items: list[Any], replaced: bool, site: Site, work: Work) -> Response:
    """Judge the good ones; the bad ones are reported in their places."""
    if len(items) > MOST_AT_ONCE:
        raise Refused(413, "too-many-comments", f"at most {MOST_AT_ONCE:,} comments in one request, got {len(items):,}")
    results: list[Answer | Failed | None] = [None] * len(items)
    good: list[tuple[int, Comment, tuple[str, ...]]] = []
    for index, item in enumerate(items):
        try:
            good.append((index, *_read_comment(item, replaced)))
        except BadComment as error:
            results[index] = Failed(index=index, problem=problem_of(error))
    answers = work([comment for _, comment, _ in good], site) if good else []
    for (index, _, warnings), answer in zip(good, answers, strict=True):
        results[index] = msgspec.structs.replace(answer, warnings=warnings) if warnings else answer
    return _json(results, 200 if len(good) == len(items) else 207)


def _read_body() -> tuple[Any, bool]:
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        got = request.mimetype or "none"
        raise Refused(415, "unsupported-media-type", f"the body must be application/json, the Content-Type is {got}")
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= (request.max_content_length or len(body) + 1):
        raise RequestEntityTooLarge  # A chunked body is cut at the limit, without a word.
    try:
        return decode_json(body)
    except BadComment as error:
        raise Refused(400, "malformed-json", str(error)) from error


def _read_comment(data: Any, replaced: bool) -> tuple[Comment, tuple[str, ...]]:
    comment = to_comment(data, Comment)
    warnings = tuple(f"unknown field `{name}` was ignored" for name in unknown_fields(data))
    if replaced and _holds_replacement(data):
        warnings += ("characters that cannot be stored (NUL, half a surrogate pair) were replaced by U+FFFD",)
    return comment, warnings


def _holds_replacement(value: Any) -> bool:
    if isinstance(value, str):
        return "\ufffd" in value
    if isinstance(value, dict):
        return any(map(_holds_replacement, (*value, *value.values())))
    return isinstance(value, list) and any(map(_holds_replacement, value))


def _json(body: Any, status: int = 200) -> Response:
    return Response(_encode(body), status, content_type="application/json")
