"""The main use case: judge comments, keep them with their verdicts, answer."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from moderation.classifier import Classifier, sigmoid
from moderation.comment import Comment, content_digest
from moderation.explain import Explanation, explain
from moderation.policy import Policy
from moderation.store import Checked, Store
from moderation.verdict import SEVERITY, Decision, Reason, Verdict

MOST_REASONS = 8
_TYPICAL = {"spam": ("spam", "wanted comments")}
_ABUSE = ("abusive comments", "civil comments")


def judge(comments: Sequence[Comment], classifier: Classifier, policy: Policy) -> list[Verdict]:
    """Judge comments without keeping them."""
    if not comments:
        return []
    features = classifier.features(comments)
    logits = classifier.logits(features)
    scores = sigmoid(logits).round(6).tolist()
    decided = [policy.judge(row) for row in scores]
    heads = _heads_to_explain(logits, decided, policy)
    reasons: list[list[Reason]] = [[] for _ in comments]
    baselines: list[dict[str, float]] = [{} for _ in comments]
    # Mostly one head has something to say; a second pass only where two heads ask for a person.
    for turn in range(max(map(len, heads))):
        chosen = np.array([found[min(turn, len(found) - 1)] for found in heads])
        told = explain(classifier, comments, features, logits, chosen)
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
        for (decision, _), row, baseline, why in zip(decided, scores, baselines, reasons, strict=True)
    ]


def _sorted(reasons: list[Reason]) -> tuple[Reason, ...]:
    return tuple(sorted(reasons, key=lambda reason: -abs(reason.effect)))


def _heads_to_explain(
    logits: NDArray[np.float32], decided: list[tuple[Decision, list[Decision]]], policy: Policy
) -> list[list[int]]:
    """For each comment the heads that made the decision, the nearest to it first; else the one nearest to holding."""
    holds = np.array([1.0 if t.hold_at is None else t.hold_at for t in policy.thresholds]).clip(1e-6, 1 - 1e-6)
    # A head that can neither hold nor reject explains nothing.
    mute = np.array([t.hold_at is None and t.reject_at is None for t in policy.thresholds])
    margin = logits - np.log(holds / (1 - holds)) - np.where(mute & ~mute.all(), 1e3, 0)
    nearest = margin.argmax(axis=1).tolist()
    found = []
    for i, (decision, own) in enumerate(decided):
        if decision is Decision.ACCEPT:
            found.append([nearest[i]])
        else:
            strict = [head for head, one in enumerate(own) if one is not Decision.ACCEPT]
            found.append(sorted(strict, key=lambda head: (-SEVERITY[own[head]], -margin[i, head])))
    return found


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
        case "link":
            return f"links: {about} is typical of {typical}"
        case "author":
            return f"the author's {about} is typical of {typical}"
        case _:
            return f"disguise: {about}, typical of {typical}"


def check_comments(
    comments: Sequence[Comment], *, site_id: int, classifier: Classifier, policy: Policy, store: Store
) -> list[Checked]:
    """Judge comments and keep them with their verdicts; every answer is stored before it is returned.

    A comment sent again (same site id, same content) gets the verdict it got the first time.
    """
    verdicts = judge(comments, classifier, policy)
    return store.record(site_id, [(c, content_digest(c), v) for c, v in zip(comments, verdicts, strict=True)])
