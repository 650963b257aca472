"""Whether the comments of late are still like those before them, by two-sample tests on features that have names.

Scores are compared by the test of Kolmogorov and Smirnov, everything that is there or is not by two proportions. All
tests of one look are corrected together (Holm 1979, "A simple sequentially rejective multiple test procedure"), so
that in 19 of 20 looks at comments that have not changed nothing at all is told.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import erfc, exp, sqrt

import numpy as np
from numpy.typing import NDArray

LEVEL = 0.05
LEAST = 50
"""Comments on either side without which nothing is compared."""
RARE = 5
"""A feature that fewer comments have, on both sides together, is not tested: it could not show anything."""
_TERMS = 100


class Sort(StrEnum):
    """What a feature speaks of."""

    LINKS = "links"
    """Whether a comment has a link."""
    SIGNAL = "signal"
    LANGUAGE = "language"
    REASON = "reason"
    """Code of the first reason of its verdict."""
    HOURS = "hours"
    """When it came: a part of the day, by its first hour (UTC)."""


Feature = tuple[Sort, str]


@dataclass(frozen=True, slots=True)
class Side:
    """Comments of a time: scores of spam [n], and how many of them have each feature."""

    scores: NDArray[np.float64]
    counts: Counter[Feature]
    models: frozenset[str] = frozenset()
    """Which judged them."""

    @property
    def n(self) -> int:
        """How many comments."""
        return int(self.scores.size)


@dataclass(frozen=True, slots=True)
class Move:
    """A feature that more or fewer comments have than before, by more than chance explains."""

    feature: Feature
    before: float
    now: float
    p: float
    """Corrected for all that was tested."""


@dataclass(frozen=True, slots=True)
class Scores:
    """How far the scores have moved."""

    distance: float
    """The largest difference between the two distribution functions."""
    before: float
    """Median scores."""
    now: float
    p: float

    @property
    def moved(self) -> bool:
        """Whether by more than chance explains."""
        return self.p < LEVEL


@dataclass(frozen=True, slots=True)
class Drift:
    """What a look has found."""

    before: int
    """Comments on each side."""
    now: int
    tested: int
    scores: Scores | None
    """None: too few comments to compare."""
    moves: tuple[Move, ...]
    """The largest difference first."""
    other_model: bool
    """Whether another model judged since: scores and reasons then move although comments do not."""

    @property
    def moved(self) -> bool:
        """Whether anything did."""
        return bool(self.moves) or (self.scores is not None and self.scores.moved)


def drift(before: Side, now: Side) -> Drift:
    """Compare two sides."""
    other = bool(before.models and now.models) and before.models != now.models
    if min(before.n, now.n) < LEAST:
        return Drift(before.n, now.n, 0, None, (), other)
    both = before.counts + now.counts
    features = sorted(one for one, count in both.items() if count >= RARE)
    distance, p = kolmogorov_smirnov(before.scores, now.scores)
    tests = [p, *(two_proportions(before.counts[one], before.n, now.counts[one], now.n) for one in features)]
    first, *rest = holm(tests)
    medians = float(np.median(before.scores)), float(np.median(now.scores))
    moves = [
        Move(one, before.counts[one] / before.n, now.counts[one] / now.n, p)
        for one, p in zip(features, rest, strict=True)
        if p < LEVEL
    ]
    moves.sort(key=lambda move: -abs(move.now - move.before))
    return Drift(before.n, now.n, len(tests), Scores(distance, *medians, first), tuple(moves), other)


def kolmogorov_smirnov(one: NDArray[np.float64], other: NDArray[np.float64]) -> tuple[float, float]:
    """The two-sample statistic and its asymptotic p (Smirnov 1948), with the correction of Stephens (1970).

    Scores that are equal make p too large, never too small.
    """
    one, other = np.sort(one), np.sort(other)
    at = np.concatenate([one, other])
    shares = [np.searchsorted(side, at, side="right") / side.size for side in (one, other)]
    distance = float(np.abs(shares[0] - shares[1]).max())
    root = sqrt(one.size * other.size / (one.size + other.size))
    return distance, _smirnov((root + 0.12 + 0.11 / root) * distance)


def _smirnov(x: float) -> float:
    """Chance that the limit of the scaled statistic is larger than ``x``."""
    if x < 0.2:  # The series converges slowly there, and its sum is 1 to twelve digits.
        return 1.0
    terms = (exp(-2 * (k * x) ** 2) * (1 if k % 2 else -1) for k in range(1, _TERMS + 1))
    return min(1.0, max(0.0, 2 * sum(terms)))


def two_proportions(hits: int, n: int, other_hits: int, other_n: int) -> float:
    """Two-sided p that ``hits`` of ``n`` and ``other_hits`` of ``other_n`` are of one share (pooled z test)."""
    share = (hits + other_hits) / (n + other_n)
    spread = sqrt(share * (1 - share) * (1 / n + 1 / other_n))
    return erfc(abs(hits / n - other_hits / other_n) / spread / sqrt(2)) if spread else 1.0


def holm(found: Sequence[float]) -> list[float]:
    """Each p corrected for all of them, in the order given."""
    corrected, highest = [0.0] * len(found), 0.0
    for rank, place in enumerate(sorted(range(len(found)), key=found.__getitem__)):
        highest = max(highest, min(1.0, (len(found) - rank) * found[place]))
        corrected[place] = highest
    return corrected


def side_of(rows: Iterable[tuple[float, frozenset[Feature], str]]) -> Side:
    """A side, from score, features and model of each of its comments."""
    scores, counts, models = [], Counter[Feature](), set()
    for score, features, model in rows:
        scores.append(score)
        counts.update(features)
        models.add(model)
    return Side(np.array(scores, dtype=np.float64), counts, frozenset(models))
