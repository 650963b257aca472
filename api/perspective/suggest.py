"""``comments:suggestscore``: what people said of a comment, as a review.

Clients name no outcome but a score: of abuse or of spam, high or low. A comment that was never seen here is judged and
kept first: what was said needs something it was said of.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec
from msgspec import Struct

from api import feedback
from api.clients import gives_feedback
from api.perspective.attributes import heads_of
from api.perspective.languages import detector
from api.perspective.payload import Asked, Score, Span, languages_of, read_as, text_of
from api.perspective.refusals import invalid, no_attributes
from api.wiring import parts
from moderation.check import Submission
from moderation.comment import Comment, Parent, Post, decode_json
from moderation.errors import BadComment
from moderation.past import Outcome
from moderation.secret import keyed_hash
from moderation.store.sites import Site

VIA = "perspective"
EVEN = 0.5
_SPAM = "spam"


class Suggested(Struct, frozen=True, rename="camel"):
    """What an attribute should have scored."""

    summary_score: Score | None = None
    span_scores: tuple[Span, ...] | None = None


class Suggest(Asked, frozen=True, rename="camel", kw_only=True):
    """The request."""

    attribute_scores: dict[str, Suggested | None] | None = None


class Place(Struct, frozen=True):
    """Where a comment stands, as Coral writes it into the context."""

    url: str = ""
    reply_to_id_Coral_comment_id: str = ""  # noqa: N815  # The name on the wire.


def suggest(site: Site, data: dict[str, Any]) -> dict[str, Any]:
    """Take what somebody says a comment should have scored."""
    asked = read_as(data, Suggest)
    text = text_of(asked)
    values = _values(asked)
    heads = heads_of(values, parts().judging(site).classifier.heads, site)
    if heads:
        outcome = _outcome([(values[name], head) for name, head in heads.items()])
        _review(site, _comment(asked, text), outcome, asked.community_id)
    named = languages_of(asked)
    body: dict[str, Any] = {"detectedLanguages": [detector.tell(text, wait=not named).code]}
    if named:
        body["requestedLanguages"] = named
    return {"clientToken": asked.client_token, **body} if asked.client_token else body


def _values(asked: Suggest) -> dict[str, float]:
    if not asked.attribute_scores:
        raise no_attributes("attribute_scores")
    return {name: _value(name, one or Suggested()) for name, one in asked.attribute_scores.items()}


def _value(name: str, suggested: Suggested) -> float:
    """The score of the whole; if only parts have one, the highest."""
    if suggested.summary_score is not None:
        return suggested.summary_score.value or 0.0
    if not suggested.span_scores:
        raise invalid(f"Attribute {name[:100]} must have a summary_score or span_scores")
    return max((one.score and one.score.value) or 0.0 for one in suggested.span_scores)


def _outcome(values: list[tuple[float, str]]) -> Outcome:
    """The highest score has the word."""
    value, head = max(values)
    if value < EVEN:
        return Outcome.HAM
    return Outcome.SPAM if head == _SPAM else Outcome.ABUSE


def _review(site: Site, comment: Comment, outcome: Outcome, community: str | None) -> None:
    gives_feedback()
    parts().check([Submission(site.id, comment, parts().judging(site))])
    feedback.settle(site, str(comment.id), outcome, feedback.reporter(VIA, community or ""))


def _comment(asked: Suggest, text: str) -> Comment:
    """What was sent, as a comment: the same one each time the client uses the same token for it."""
    told = ("token", asked.client_token) if asked.client_token else ("text", text)
    name = keyed_hash(parts().sites.secret, VIA, "\0".join((asked.community_id or "", *told)))
    place = _place(asked)
    return Comment(
        id=f"{VIA}:{name[:32]}",
        text=text,
        post=Post(url=place.url) if place.url else None,
        parent=Parent(id=place.reply_to_id_Coral_comment_id) if place.reply_to_id_Coral_comment_id else None,
    )


def _place(asked: Suggest) -> Place:
    """Where a comment stands, if its client is Coral; others write texts into the context, which say nothing."""
    entries = (asked.context.entries if asked.context is not None else None) or ()
    for entry in entries[:1]:
        try:
            # JSON within JSON: what no database can hold is taken out of it once more.
            found = msgspec.convert(decode_json((entry.text or "").encode())[0], Place)
            return msgspec.structs.replace(found, url=_story(found.url))
        except (ValueError, RecursionError, BadComment):
            continue
    return Place()


def _story(url: str) -> str:
    """The address of the story without the comment's own number."""
    parts_of = urlsplit(url)
    query = [pair for pair in parse_qsl(parts_of.query, keep_blank_values=True) if pair[0] != "commentID"]
    return parts_of._replace(query=urlencode(query)).geturl()
