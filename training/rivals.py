"""Two models beside each other on labels that neither has seen: the champion, which serves, and the challenger."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from moderation.classifier import DIGITS
from moderation.guarantee import binomial_cdf
from moderation.policy import Thresholds
from moderation.signals import SIGNALS
from moderation.verdict import SEVERITY, Decision
from training.labels import HEADS, SPAM, Kept

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Decisions = NDArray[np.int64]
ACCEPT, HOLD, REJECT = (SEVERITY[one] for one in (Decision.ACCEPT, Decision.HOLD, Decision.REJECT))
_CODES = {signal.code: (i, signal) for i, signal in enumerate(SIGNALS)}


def strengths(labels: Sequence[Kept], off: Iterable[str] = ()) -> NDArray[np.float32]:
    """What signals found in each comment when it was judged, [labels, signals]; without those that are off."""
    table = np.zeros((len(labels), len(SIGNALS)), dtype=np.float32)
    gone = set(off)
    for row, label in enumerate(labels):
        for code, strength in label.evidence.items():
            if code in _CODES and code not in gone:
                table[row, _CODES[code][0]] = strength
    return table


def weights(learnt: Mapping[str, float]) -> Floats:
    """Weights of all signals, as learnt or as shipped."""
    return np.array([signal.weighs(learnt) for signal in SIGNALS])


@dataclass(frozen=True, slots=True)
class Rival:
    """A model on some labels: probabilities [labels, heads], and what it decides [labels]."""

    name: str
    scores: Floats
    decisions: Decisions

    def of(self, rows: Bools) -> Rival:
        """On some of the labels."""
        return Rival(self.name, self.scores[rows], self.decisions[rows])


def probabilities(logits: Floats, found: NDArray[np.floating], weighs: Floats) -> Floats:
    """Scores of text ``logits`` [labels, heads] together with what signals ``found`` [labels, signals]."""
    spam = HEADS.index(SPAM)
    whole = logits.copy()
    whole[:, spam] += found @ weighs
    scores: Floats = expit(whole).round(DIGITS)
    return scores


def decided(scores: Floats, limits: Sequence[Thresholds], also: Bools | None = None) -> Decisions:
    """What thresholds make of scores; ``also``: who else must reject what is rejected."""
    decisions = np.zeros(len(scores), dtype=np.int64)
    for column, limit in zip(scores.T, limits, strict=True):
        for at, severity in ((limit.hold_at, HOLD), (limit.reject_at, REJECT)):
            if at is not None:
                decisions[column >= at] = np.maximum(decisions[column >= at], severity)
    if also is not None:
        decisions[(decisions == REJECT) & ~also] = HOLD
    return decisions


@dataclass(frozen=True, slots=True)
class Compared:
    """On how many comments each of two is wrong alone, and how likely that is by chance."""

    worse: tuple[int, ...]
    """Places where the challenger alone is wrong."""
    better: tuple[int, ...]
    """Places where the champion alone is."""
    p_worse: float
    """Exact McNemar test (1947), one-sided: chance of so many or more if both were as good."""
    p: float
    """The same, two-sided."""

    @property
    def is_worse(self) -> bool:
        """Whether the challenger is worse by more than chance explains."""
        return self.p_worse < 0.05


def compare(challenger: Bools, champion: Bools) -> Compared:
    """Compare by where each is wrong, [comments]."""
    worse, better = np.flatnonzero(challenger & ~champion), np.flatnonzero(champion & ~challenger)
    n = worse.size + better.size
    chance = 1 - binomial_cdf(worse.size - 1, n, 0.5) if n else 1.0
    two = min(1.0, 2 * binomial_cdf(min(worse.size, better.size), n, 0.5)) if n else 1.0
    return Compared(tuple(worse.tolist()), tuple(better.tolist()), chance, two)


def wrong(decisions: Decisions, bad: Bools) -> Bools:
    """Ham that is rejected, and spam or abuse that is accepted."""
    found: Bools = np.where(bad, decisions == ACCEPT, decisions == REJECT)
    return found
