"""The main use case: judge comments, keep them with their verdicts, answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from moderation.classifier import Classifier, sigmoid
from moderation.comment import Comment, content_digest
from moderation.explain import Explanation, explain
from moderation.policy import Policy
from moderation.store import Checked, Judged, Store
from moderation.verdict import SEVERITY, Decision, Reason, Verdict

MOST_REASONS = 8
PORTION = 100_000
"""Characters judged at once."""
MOST_TOGETHER = 256
_TYPICAL = {"spam": ("spam", "wanted comments")}
_ABUSE = ("abusive comments", "civil comments")


def judge(comments: Sequence[Comment], classifier: Classifier, policies: Sequence[Policy]) -> list[Verdict]:
    """Judge comments, each by its policy, without keeping them."""
    verdicts: list[Verdict] = []
    for low, high in _portions(comments):
        verdicts += _judge(comments[low:high], classifier, policies[low:high])
    return verdicts


def _portions(comments: Sequence[Comment]) -> Iterator[tuple[int, int]]:
    """Cut a list where a portion's text is long enough: memory is bounded by the longest comment, not the list."""
    low = length = 0
    for i, comment in enumerate(comments):
        length += len(comment.text)
        if length >= PORTION or i - low >= MOST_TOGETHER:
            yield low, i + 1
            low, length = i + 1, 0
    if low < len(comments):
        yield low, len(comments)


def _judge(comments: Sequence[Comment], classifier: Classifier, policies: Sequence[Policy]) -> list[Verdict]:
    features = classifier.features(comments)
    scored = classifier.scored(features)
    logits = scored.logits
    scores = sigmoid(logits).round(6).tolist()
    decided = [policy.judge(row) for policy, row in zip(policies, scores, strict=True)]
    heads = [
        _heads_to_explain(row, decision, policy)
        for row, decision, policy in zip(logits.tolist(), decided, policies, strict=True)
    ]
    reasons: list[list[Reason]] = [[] for _ in comments]
    baselines: list[dict[str, float]] = [{} for _ in comments]
    # Mostly one head has something to say; a second pass only where two heads ask for a person.
    for turn in range(max(map(len, heads))):
        chosen = np.array([found[min(turn, len(found) - 1)] for found in heads])
        told = explain(classifier, comments, features, scored, chosen)
        for i, explanation in enumerate(told):
            if turn < len(heads[i]):
                name = classifier.heads[heads[i][turn]]
                baselines[i][name] = round(explanation.start, 4)
                reasons[i] += _reasons(explanation, name)
    return [
        Verdict(
            decision,
            dict(zip(classifier.heads, row, strict=True)),
            baseline,
            _sorted(why),
            classifier.name,
            policy.version,
        )
        for (decision, _), row, baseline, why, policy in zip(decided, scores, baselines, reasons, policies, strict=True)
    ]


def _sorted(reasons: list[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.effect)))


def _heads_to_explain(logits: list[float], decided: tuple[Decision, list[Decision]], policy: Policy) -> list[int]:
    """The heads that made the decision, the strictest first; else the one nearest to holding."""
    decision, own = decided
    margins = [logit - hold for logit, hold in zip(logits, policy.hold_logits, strict=True)]
    if decision is Decision.ACCEPT:
        return [max(range(len(margins)), key=margins.__getitem__)]
    strict = [head for head, one in enumerate(own) if one is not Decision.ACCEPT]
    return sorted(strict, key=lambda head: (-SEVERITY[own[head]], -margins[head]))


def _reasons(explanation: Explanation, head: str) -> list[Reason]:
    """An explanation in plain sentences; baseline and effects add up to the logit."""
    reasons = [
        Reason(
            part.group, _sentence(part.group, part.about, part.effect, head), round(part.effect, 4), head, part.spans
        )
        for part in explanation.parts[:MOST_REASONS]
    ]
    rest = round(explanation.logit - round(explanation.start, 4) - sum(reason.effect for reason in reasons), 4)
    if rest:
        reasons.append(Reason("rest", "everything else in the comment together", rest, head))
    return reasons


def _sentence(group: str, about: str, effect: float, head: str) -> str:
    typical = _TYPICAL.get(head, _ABUSE)[effect < 0]
    match group:
        case "words":
            return f"the wording “{about}” is typical of {typical}"
        case "names":
            return f"“{about}” in a name or address is typical of {typical}"
        case "phrases":
            return f"it holds phrases known from spam, such as “{about}”: typical of {typical}"
        case "link":
            return f"links: {about} is typical of {typical}"
        case "author":
            return f"the author's {about} is typical of {typical}"
        case _:
            return f"disguise: {about}, typical of {typical}"


@dataclass(frozen=True, slots=True)
class Submission:
    """A comment that a site wants judged by its policy."""

    site_id: int
    comment: Comment
    policy: Policy


def check_comments(submissions: Sequence[Submission], *, classifier: Classifier, store: Store) -> list[Checked]:
    """Judge comments and keep them with their verdicts; every answer is stored before it is returned.

    A comment sent again (same site id, same content) gets the verdict it got the first time.
    """
    verdicts = judge([one.comment for one in submissions], classifier, [one.policy for one in submissions])
    return store.record(
        [
            Judged(one.site_id, one.comment, content_digest(one.comment), verdict)
            for one, verdict in zip(submissions, verdicts, strict=True)
        ]
    )
