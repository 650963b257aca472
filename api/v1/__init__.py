"""Version 1 of the JSON API: check, score and show here; reviews, campaigns, rules and the site's choices beside it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from flask import Blueprint, Response

from api.auth import site_of_request
from api.problems import Refused, problem_of
from api.v1 import campaigns, decisions, links, queue, reviews, rules, site, webhook
from api.v1.bodies import answer_json, possible_id, read_json
from api.v1.schemas import Answer, Failed, answer_of, shown
from api.wiring import parts
from moderation.check import Submission, assess
from moderation.comment import Comment, to_comment, unknown_fields
from moderation.errors import BadComment
from moderation.policy import Mode
from moderation.store.sites import Site
from moderation.verdict import Decision, Verdict

bp = Blueprint("v1", __name__, url_prefix="/v1")
for part in (reviews, queue, campaigns, links, rules, site, decisions, webhook):
    bp.register_blueprint(part.bp)

MOST_AT_ONCE = 1_000

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
    return answer_json(shown(parts().store.history(site.id, possible_id(comment_id))))


def _check(comments: Sequence[Comment], site: Site) -> list[Answer]:
    found = parts()
    judging = found.judging(site)
    checked = found.check([Submission(site.id, comment, judging) for comment in comments])
    if len(comments) == 1:  # Many at once are an import, and nobody else's business.
        found.asking.ask_about(site.id, comments[0], checked[0])
    return [
        answer_of(one.verdict, _answered(one.verdict, site), id=one.id, external_id=comment.id, repeated=one.repeated)
        for comment, one in zip(comments, checked, strict=True)
    ]


def _score(comments: Sequence[Comment], site: Site) -> list[Answer]:
    found = parts()
    judging = found.judging(site)
    submissions = [Submission(site.id, comment, judging) for comment in comments]
    assessed = assess(submissions, memory=found.store, secret=found.sites.secret)
    return [answer_of(one.verdict, _answered(one.verdict, site)) for one in assessed]


def _answered(verdict: Verdict, site: Site) -> Decision:
    """What a site is told: in shadow mode nothing is ever held against a comment."""
    return Decision.ACCEPT if site.choices.mode is Mode.SHADOW else verdict.decision


def _answer(site: Site, work: Work) -> Response:
    data, replaced = read_json()
    if isinstance(data, list):
        return _answer_list(data, replaced, site, work)
    comment, warnings = _read_comment(data, replaced)
    (answer,) = work([comment], site)
    return answer_json(msgspec.structs.replace(answer, warnings=warnings) if warnings else answer)


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
    return answer_json(results, 200 if len(good) == len(items) else 207)


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
