"""A site's reviews made ready to learn from: what counts as one label, and for how much.

- Near-copies share what one label and a little is worth: a campaign judged with one key teaches what one comment
  teaches, not a thousand times as much.
- Of the same text said to be different things, the newest review counts for all.
- Labels fade with age, and are never worth nothing.
- A comment drawn at random from what was accepted or rejected stands for those that were not drawn.
- Clients that report by a protocol count for no more than a person could look at.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from math import log

import numpy as np
from numpy.typing import NDArray

from moderation.past import DAY, HOUR, Outcome
from moderation.store.labels import Label
from moderation.store.models import LabelsUsed
from moderation.verdict import Decision

Floats = NDArray[np.float64]

HALF_LIFE_DAYS = 365
FADED = 0.25
"""What a label is worth at least, however old."""
MOST_OF_A_SAMPLE = 5.0
"""What a comment drawn at random counts at most; more would let one comment decide."""
BY_PROTOCOL = ("akismet", "perspective")
"""Reviewers that are clients, not people who have looked."""
LOOKED_AT = 60
"""Reviews an hour that a client counts in full."""
SAYS = {Outcome.HAM: (0.0, 0.0), Outcome.SPAM: (1.0, np.nan), Outcome.ABUSE: (np.nan, 1.0)}
"""What an outcome says of spam and of toxicity; NaN: nothing."""
HEADS = ("spam", "toxicity")
_WORDS = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Kept:
    """What of a label is needed beside its features."""

    comment_id: str
    outcome: Outcome
    reviewer: str
    reviewed_at: int
    campaign: str
    words: str
    """The same for texts of the same words."""
    decision: Decision
    evidence: dict[str, float]
    share: float | None
    language: str


def keep(label: Label) -> Kept:
    """A label without its text."""
    return Kept(
        label.comment_id,
        label.outcome,
        label.reviewer,
        label.reviewed_at,
        label.campaign,
        _digest(label.comment.text),
        label.decision,
        label.evidence,
        label.share,
        (label.comment.language or "").lower()[:2],
    )


def _digest(text: str) -> str:
    words = " ".join(_WORDS.findall(text.casefold())) or text
    return hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=12).hexdigest()


def wanted(labels: Iterable[Label], *, since: int = 0, without: Collection[str] = ()) -> Iterable[Label]:
    """The labels that teach: said since a time, not by some reviewers, and ham, spam or abuse."""
    for label in labels:
        if label.reviewed_at >= since and label.reviewer not in without and label.outcome in SAYS:
            yield label


@dataclass(frozen=True, slots=True)
class Weighed:
    """Labels with what they say and count."""

    labels: tuple[Kept, ...]
    targets: Floats
    """[labels, heads]; NaN where a label says nothing."""
    weight: Floats
    conflicts: int
    """Labels that a newer one of the same text has overruled."""

    def used(self) -> LabelsUsed:
        """What a model that learns from them is to remember."""
        return used(self.labels, self.weight)

    @property
    def random(self) -> NDArray[np.bool_]:
        """Labels of comments that were drawn at random: of these alone anything can be said about all comments."""
        return np.array([one.share is not None for one in self.labels], dtype=bool)

    @property
    def groups(self) -> NDArray[np.int64]:
        """Numbers that near-copies share: they are learnt from together, or tested on together."""
        return np.array([int(_group(one)[:15], 16) for one in self.labels], dtype=np.int64)


def _group(one: Kept) -> str:
    return one.campaign or one.words


def weigh(labels: Sequence[Kept], now: int) -> Weighed:
    """What each label says and for how much it counts; ``now`` is the time that ages are taken from."""
    newest: dict[str, Kept] = {}
    for one in labels:
        known = newest.get(one.words)
        if known is None or (one.reviewed_at, one.comment_id) > (known.reviewed_at, known.comment_id):
            newest[one.words] = one
    size = Counter(map(_group, labels))
    pace = Counter(_hour(one) for one in labels)
    targets, weight, conflicts = np.empty((len(labels), len(HEADS))), np.empty(len(labels)), 0
    for i, one in enumerate(labels):
        outcome = newest[one.words].outcome
        conflicts += outcome is not one.outcome
        targets[i] = SAYS[outcome]
        alike = size[_group(one)]
        weight[i] = (1 + log(alike)) / alike * _faded(now // DAY - one.reviewed_at // DAY) * _drawn(one)
        if one.reviewer.startswith(BY_PROTOCOL):
            weight[i] *= min(1.0, LOOKED_AT / pace[_hour(one)])
    return Weighed(tuple(labels), targets, weight, conflicts)


def _hour(one: Kept) -> tuple[str, int]:
    return one.reviewer, one.reviewed_at // HOUR


def _faded(days: int) -> float:
    """By whole days, so that two trainings of one day give the same model."""
    return float(max(FADED, 0.5 ** (max(days, 0) / HALF_LIFE_DAYS)))


def _drawn(one: Kept) -> float:
    """What is held is seen in full; of the rest only what was drawn, which stands for the others."""
    if one.share is None or one.decision is Decision.HOLD:
        return 1.0
    return min(MOST_OF_A_SAMPLE, 1 / max(one.share, 1e-6))


def used(labels: Sequence[Kept], weight: Floats) -> LabelsUsed:
    """What a model that learns from these labels is to remember of them."""
    digest = hashlib.sha256()
    for one, amount in zip(labels, weight.tolist(), strict=True):
        digest.update(f"{one.comment_id}:{one.outcome}:{amount:.6f}\n".encode())
    ids = [one.comment_id for one in labels]
    return LabelsUsed(
        count=len(labels),
        outcomes=dict(Counter(str(one.outcome) for one in labels)),
        first=min(ids, default=""),
        last=max(ids, default=""),
        until=max((one.reviewed_at for one in labels), default=0),
        digest=digest.hexdigest(),
    )


@dataclass(frozen=True, slots=True)
class ByAge:
    """How many labels of each outcome are how old."""

    outcome: Outcome
    day: int
    week: int
    month: int
    older: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.day + self.week + self.month + self.older


def by_age(labels: Sequence[Kept], now: int) -> list[ByAge]:
    """Labels by outcome and age."""
    counted: dict[Outcome, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in labels:
        days = (now - one.reviewed_at) / DAY
        counted[one.outcome][0 if days <= 1 else 1 if days <= 7 else 2 if days <= 30 else 3] += 1
    return [ByAge(outcome, *counted[outcome]) for outcome in SAYS if outcome in counted]
