"""The main use case: judge comments, keep them with their verdicts, answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from moderation.campaigns import sketches
from moderation.classifier import DIGITS, Classifier, Scored, sigmoid
from moderation.comment import Comment, content_digest
from moderation.explain import Explanation, explain
from moderation.features import Features
from moderation.look import look, portions
from moderation.past import Past, moment, traces_of
from moderation.policy import Policy
from moderation.ruling import rule_on
from moderation.signals import observe
from moderation.signals.signal import HEAD, Finding, Seen
from moderation.store import Checked, Judged, Store, Trail, now_ms
from moderation.verdict import SEVERITY, TEXT, UNSURE, Decision, Reason, Verdict

MOST_REASONS = 8
_TYPICAL = {"spam": ("spam", "wanted comments")}
_ABUSE = ("abusive comments", "civil comments")


Ruled = tuple[Decision, Reason]
"""A decision, and why."""


@dataclass(frozen=True, slots=True)
class Judging:
    """What the comments of a site are judged by: a model and a policy that was made for it."""

    classifier: Classifier
    policy: Policy
    base: Judging | None = None
    """Who else must reject what is rejected: the base model, as long as a site's own has no bound of its own."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A comment that a site wants judged."""

    site_id: int
    comment: Comment
    judging: Judging
    ruled: Ruled | None = None
    """What the site's protocol demands, whatever score and rules say."""
    again: bool = False
    """Judge and keep it even if the site sends what it has sent before."""


class Memory(Protocol):
    """Who knows what a site has seen before: a store, or nobody."""

    def recall(self, asked: Sequence[tuple[int, Trail]]) -> list[Past]:
        """See :class:`~moderation.store.Store`."""
        ...


@dataclass(frozen=True, slots=True)
class Assessed:
    """A verdict, how its comment is traced, and what was known when it was judged."""

    verdict: Verdict
    trail: Trail
    past: Past
    rules: tuple[int, ...]


def judge(comments: Sequence[Comment], judging: Judging) -> list[Verdict]:
    """Judge comments without keeping them and without knowing their site's past."""
    return [one.verdict for one in assess([Submission(0, comment, judging) for comment in comments])]


def assess(
    submissions: Sequence[Submission],
    *,
    memory: Memory | None = None,
    secret: bytes = b"",
    now: int | None = None,
) -> list[Assessed]:
    """Judge comments by text, signals, rules and mode, in this order; nothing is kept.

    ``memory`` says what the sites have seen before, found by keys hashed with ``secret``. ``now`` is the time, if it
    is not the clock's: milliseconds since 1970, UTC.
    """
    now = now_ms() if now is None else now
    by_model: dict[int, list[int]] = {}
    for i, one in enumerate(submissions):
        by_model.setdefault(id(one.judging.classifier), []).append(i)
    assessed: dict[int, Assessed] = {}
    for places in by_model.values():
        classifier = submissions[places[0]].judging.classifier
        for some in portions(places, lambda i: submissions[i].comment):
            found = _assess([submissions[i] for i in some], classifier, memory, secret, now)
            assessed.update(zip(some, found, strict=True))
    return [assessed[i] for i in range(len(submissions))]


def _assess(
    submissions: Sequence[Submission], classifier: Classifier, memory: Memory | None, secret: bytes, now: int
) -> list[Assessed]:
    comments, policies = [one.comment for one in submissions], [one.judging.policy for one in submissions]
    features = classifier.features(comments)
    scored = classifier.scored(features)
    looked = _look(submissions, features, memory, secret, now)
    findings = [
        observe(seen, policy.signals, policy.weights) for (seen, _), policy in zip(looked, policies, strict=True)
    ]
    of_text, logits = _summed(scored, findings, classifier)
    scores = sigmoid(logits).round(DIGITS).tolist()
    decided = [policy.judge(row) for policy, row in zip(policies, scores, strict=True)]
    unsure = _unsure(submissions, [decision for decision, _ in decided], looked)
    heads = [
        _heads_to_explain(row, decision, policy)
        for row, decision, policy in zip(logits.tolist(), decided, policies, strict=True)
    ]
    told = _explained(classifier, comments, features, scored, heads, findings)
    assessed = []
    for i, ((seen, trail), policy) in enumerate(zip(looked, policies, strict=True)):
        hits = policy.rules.match(seen)
        judged = Decision.HOLD if i in unsure else decided[i][0]
        decision, why = rule_on(judged, seen, policy, hits)
        why = [*why, _UNSURE] if i in unsure else why
        ruled = submissions[i].ruled
        if ruled is not None:
            decision, why = ruled[0], [ruled[1]]
        baseline, reasons = told[i]
        verdict = Verdict(
            decision,
            dict(zip(classifier.heads, scores[i], strict=True)),
            baseline,
            (*why, *sorted(reasons, key=lambda reason: -abs(reason.effect))),
            classifier.name,
            policy.version,
            {TEXT: round(float(of_text[i]), 4), **{one.signal.code: one.found.strength for one in findings[i]}},
        )
        assessed.append(Assessed(verdict, trail, seen.past, tuple(hit.rule.id for hit in hits)))
    return assessed


_UNSURE = Reason(
    UNSURE, "the base model would not reject it, and the labels here are too few for the site's own bound", 0.0, ""
)


def _unsure(
    submissions: Sequence[Submission], decisions: Sequence[Decision], looked: Sequence[tuple[Seen, Trail]]
) -> set[int]:
    """Places of the comments that a site's model would reject and its base would not."""
    asked: dict[int, list[int]] = {}
    for i, (one, decision) in enumerate(zip(submissions, decisions, strict=True)):
        if decision is Decision.REJECT and one.judging.base is not None:
            asked.setdefault(id(one.judging.base.classifier), []).append(i)
    unsure: set[int] = set()
    for places in asked.values():
        bases = [base for i in places if (base := submissions[i].judging.base) is not None]
        classifier = bases[0].classifier
        scored = classifier.scored(classifier.features([submissions[i].comment for i in places]))
        found = [
            observe(looked[i][0], base.policy.signals, base.policy.weights)
            for i, base in zip(places, bases, strict=True)
        ]
        scores = sigmoid(_summed(scored, found, classifier)[1]).round(DIGITS).tolist()
        for i, base, row in zip(places, bases, scores, strict=True):
            if base.policy.judge(row)[0] is not Decision.REJECT:
                unsure.add(i)
    return unsure


def _look(
    submissions: Sequence[Submission], features: Features, memory: Memory | None, secret: bytes, now: int
) -> list[tuple[Seen, Trail]]:
    """Comments with what their sites remember, and how they are traced."""
    hops = [one.judging.policy.choices.trusted_hops for one in submissions]
    moments = [moment(one.comment, now) for one in submissions]
    looked = look([one.comment for one in submissions], features, [when for when, _ in moments], hops)
    if memory is None:
        return [(seen, Trail()) for seen in looked]
    trails = [
        Trail(tuple(traces_of(seen.comment, seen.links, seen.language, secret, seen.hops)), sketch, *when)
        for seen, sketch, when in zip(looked, sketches(features), moments, strict=True)
    ]
    pasts = memory.recall([(one.site_id, trail) for one, trail in zip(submissions, trails, strict=True)])
    return [(replace(seen, past=past), trail) for seen, trail, past in zip(looked, trails, pasts, strict=True)]


def _summed(
    scored: Scored, findings: Sequence[Sequence[Finding]], classifier: Classifier
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Log-odds of spam from the text alone [comments], and log-odds of all heads with the signals [comments, heads]."""
    logits = scored.logits.astype(np.float64)
    if HEAD not in classifier.heads:
        return np.zeros(len(findings)), logits
    spam = classifier.heads.index(HEAD)
    of_text = logits[:, spam].copy()
    logits[:, spam] += [sum(one.effect for one in found) for found in findings]
    return of_text, logits


def _explained(
    classifier: Classifier,
    comments: Sequence[Comment],
    features: Features,
    scored: Scored,
    heads: Sequence[Sequence[int]],
    findings: Sequence[Sequence[Finding]],
) -> list[tuple[dict[str, float], list[Reason]]]:
    """Baselines and reasons of each comment, for those of its heads that have something to say."""
    told: list[tuple[dict[str, float], list[Reason]]] = [({}, []) for _ in comments]
    # Mostly one head has something to say; a second pass only where two heads ask for a person.
    for turn in range(max(map(len, heads))):
        chosen = np.array([found[min(turn, len(found) - 1)] for found in heads])
        for i, explanation in enumerate(explain(classifier, comments, features, scored, chosen)):
            if turn < len(heads[i]):
                name = classifier.heads[heads[i][turn]]
                baseline, reasons = told[i]
                baseline[name] = round(explanation.start, 4)
                reasons += _reasons(explanation, name, findings[i] if name == HEAD else ())
    return told


def _heads_to_explain(logits: list[float], decided: tuple[Decision, list[Decision]], policy: Policy) -> list[int]:
    """The heads that made the decision, the strictest first; else the one nearest to holding."""
    decision, own = decided
    margins = [logit - hold for logit, hold in zip(logits, policy.hold_logits, strict=True)]
    if decision is Decision.ACCEPT:
        return [max(range(len(margins)), key=margins.__getitem__)]
    strict = [head for head, one in enumerate(own) if one is not Decision.ACCEPT]
    return sorted(strict, key=lambda head: (-SEVERITY[own[head]], -margins[head]))


def _reasons(explanation: Explanation, head: str, findings: Sequence[Finding]) -> list[Reason]:
    """An explanation in plain sentences; baseline and effects add up to the logit with that of the signals."""
    reasons = [
        Reason(
            part.group, _sentence(part.group, part.about, part.effect, head), round(part.effect, 4), head, part.spans
        )
        for part in explanation.parts[:MOST_REASONS]
    ]
    rest = round(explanation.logit - round(explanation.start, 4) - sum(reason.effect for reason in reasons), 4)
    if rest:
        reasons.append(Reason("rest", "everything else in the comment together", rest, head))
    return reasons + [
        Reason(one.signal.code, one.found.message, round(one.effect, 4), head, one.found.spans) for one in findings
    ]


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


def check_comments(
    submissions: Sequence[Submission],
    *,
    store: Store,
    secret: bytes,
    now: int | None = None,
) -> list[Checked]:
    """Judge comments and keep them with their verdicts; every answer is stored before it is returned.

    A comment sent again (same site id, same content) gets the verdict it got the first time.
    """
    assessed = assess(submissions, memory=store, secret=secret, now=now)
    return store.record(
        [
            Judged(
                one.site_id,
                one.comment,
                content_digest(one.comment),
                found.verdict,
                found.trail,
                found.past,
                found.rules,
                one.again,
                one.judging.policy.choices.spot_checks,
            )
            for one, found in zip(submissions, assessed, strict=True)
        ]
    )
