"""``comments:analyze``: scores of a text. Nothing of it is kept, whatever ``doNotStore`` says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from msgspec import Struct

from api.perspective.attributes import heads_of, unsupported
from api.perspective.languages import DEFAULT, UNDETERMINED, detector
from api.perspective.payload import Asked, Kind, languages_of, read_as, text_of
from api.perspective.refusals import bad_value, invalid, no_attributes, unsupported_language
from api.perspective.sentences import Span, sentences, utf16
from api.wiring import parts
from moderation.check import Judging, Submission, assess
from moderation.classifier import DIGITS
from moderation.comment import Comment
from moderation.store.sites import Site

PROBABILITY = "PROBABILITY"
MOST_ATTRIBUTES = 100
_TYPES = (None, PROBABILITY, "SCORE_TYPE_UNSPECIFIED", 0, 1)
Scores = Mapping[str, float]
"""By head."""


class Wanted(Struct, frozen=True, rename="camel"):
    """How an attribute is asked for."""

    score_type: Kind = None
    score_threshold: float | str | None = None


class Analyze(Asked, frozen=True, rename="camel", kw_only=True):
    """The request."""

    requested_attributes: dict[str, Wanted | None] | None = None
    span_annotations: bool | None = None
    do_not_store: bool | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """Scores of a text, and those of its parts."""

    whole: Scores
    spans: list[tuple[Span, Scores]]


def analyze(site: Site, data: dict[str, Any]) -> dict[str, Any]:
    """Score a text."""
    asked = read_as(data, Analyze)
    text, judging = text_of(asked), parts().judging(site)
    thresholds = _thresholds(asked)
    heads = heads_of(thresholds, judging.classifier.heads, site)
    named = languages_of(asked)
    told = detector.tell(text, wait=not named)
    spoken = named or ((told.code,) if told.code != UNDETERMINED else (DEFAULT,))
    _check_languages(heads, named, (told.code,) if told.sure else ())
    scored = _score(site, text, judging, apart=bool(asked.span_annotations))
    body = {
        "attributeScores": {name: _shown(scored, head, thresholds[name]) for name, head in heads.items()},
        "languages": spoken,
        "detectedLanguages": [told.code],
    }
    return {**body, "clientToken": asked.client_token} if asked.client_token else body


def _thresholds(asked: Analyze) -> dict[str, float | None]:
    """The attributes that are asked for, each with the score from which on it is told."""
    if not asked.requested_attributes:
        raise no_attributes()
    if len(asked.requested_attributes) > MOST_ATTRIBUTES:
        raise invalid(f"At most {MOST_ATTRIBUTES} attributes can be requested.")
    return {name: _threshold(name, one or Wanted()) for name, one in asked.requested_attributes.items()}


def _threshold(name: str, wanted: Wanted) -> float | None:
    if wanted.score_type not in _TYPES:
        kind = str(wanted.score_type)[:40]
        raise invalid(f"Requested score type {kind} is not supported by attribute {name[:100]}")
    if wanted.score_threshold is None:
        return None
    try:
        threshold = float(wanted.score_threshold)
    except ValueError:
        threshold = float("nan")
    if not isfinite(threshold):
        raise bad_value(f"requestedAttributes[{name[:100]}].scoreThreshold", "not a number")
    return threshold


def _check_languages(heads: Mapping[str, str], named: Sequence[str], recognised: Sequence[str]) -> None:
    """Refuse languages that an attribute does not know; what cannot be told is scored."""
    for name, head in heads.items():
        if strange := unsupported(head, named or recognised):
            raise unsupported_language(name, strange, named=bool(named))


def _score(site: Site, text: str, judging: Judging, *, apart: bool) -> Scored:
    """The scores a comment of this text and nothing else gets in ``/v1/score``.

    A sentence has those it would have if it were all; what a signal found speaks of the whole.
    """
    found = parts()
    submission = Submission(site.id, Comment(text=text), judging)
    (assessed,) = assess([submission], memory=found.store, secret=found.sites.secret)
    whole = assessed.verdict.scores
    if not apart:
        return Scored(whole, [(span, whole) for span in utf16(text, [(0, len(text))])])
    places = sentences(text)
    rows = judging.classifier.scores([Comment(text=text[begin:end]) for begin, end in places]).round(DIGITS).tolist()
    each = [dict(zip(judging.classifier.heads, row, strict=True)) for row in rows]
    return Scored(whole, list(zip(utf16(text, places), each, strict=True)))


def _shown(scored: Scored, head: str, threshold: float | None) -> dict[str, Any]:
    """One attribute; below its threshold nothing is told of it."""
    least = float("-inf") if threshold is None else threshold
    spans = [
        {"begin": begin, "end": end, "score": {"value": scores[head], "type": PROBABILITY}}
        for (begin, end), scores in scored.spans
        if scores[head] >= least
    ]
    if scored.whole[head] < least:
        return {"spanScores": spans} if spans else {}
    return {"spanScores": spans, "summaryScore": {"value": scored.whole[head], "type": PROBABILITY}}
