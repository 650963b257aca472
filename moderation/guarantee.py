"""Thresholds with a guarantee, from labelled scores alone.

Of n ham comments drawn like the ones to come, let the threshold be the k-th highest score. The chance that more than
``alpha`` of all ham then lies above it is a binomial tail, whatever the distribution of the scores (Tong, Feng, Li
2018, "Neyman-Pearson classification algorithms and NP receiver operating characteristics", proposition 1). We take
the lowest threshold whose tail is at most ``delta``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import ceil, exp, lgamma, log

import numpy as np
from numpy.typing import NDArray

LEAST = 20
"""Comments looked at without which no share is given."""


@dataclass(frozen=True, slots=True)
class Bound:
    """With confidence ``1 - delta`` at most ``alpha`` of the comments score at or above ``threshold``."""

    threshold: float
    n: int
    alpha: float
    delta: float

    def __str__(self) -> str:
        sure = f"with {1 - self.delta:.0%} confidence, from {self.n:,} comments"
        return f"at most {self.alpha:.2%} at or above {self.threshold:.4f}, {sure}"


def binomial_cdf(k: int, n: int, p: float) -> float:
    """P(X <= k) for X ~ Binomial(n, p), summed exactly in logs."""
    if k < 0:
        return 0.0
    return min(1.0, sum(_chance_of(i, n, p) for i in range(min(k, n) + 1)))


def _chance_of(i: int, n: int, p: float) -> float:
    return exp(lgamma(n + 1) - lgamma(i + 1) - lgamma(n - i + 1) + i * log(p) + (n - i) * log(1 - p))


def allowed_above(n: int, alpha: float, delta: float) -> int:
    """How many of n comments may score at or above the threshold; -1 if n is too small for any."""
    if not (0 < alpha < 1 and 0 < delta < 1):
        raise ValueError(f"alpha and delta must lie between 0 and 1, got {alpha} and {delta}")
    k, tail = -1, 0.0
    while k + 1 < n and (tail := tail + _chance_of(k + 1, n, alpha)) <= delta:
        k += 1
    return k


def threshold_for(scores: NDArray[np.floating], alpha: float, delta: float = 0.05) -> Bound | None:
    """The lowest threshold that at most ``alpha`` of such comments reach, or None if there are too few to say.

    ``scores``: [n], of comments that should stay below it (ham, for a reject threshold).
    """
    n = int(scores.size)
    k = allowed_above(n, alpha, delta) if n else -1
    if k < 0:
        return None
    ordered = np.sort(scores)[::-1]
    # k scores may lie at or above the threshold: it stands just above the next one.
    return Bound(float(np.nextafter(ordered[min(k, n - 1)], np.inf)), n, alpha, delta)


def threshold_below(scores: NDArray[np.floating], beta: float, delta: float = 0.05) -> Bound | None:
    """The highest threshold that at most ``beta`` of such comments stay below, or None if there are too few to say.

    ``scores``: [n], of comments that should reach it (spam and abuse, for a hold threshold).
    """
    found = threshold_for(-scores, beta, delta)
    return None if found is None else Bound(-found.threshold, found.n, beta, delta)


@dataclass(frozen=True, slots=True)
class Share:
    """``hits`` of ``n``, and the share they are of all such comments, with an exact interval."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def value(self) -> float:
        """The share itself."""
        return self.hits / self.n if self.n else 0.0


def share_of(hits: int, n: int, delta: float = 0.05) -> Share:
    """A share with its exact interval of confidence ``1 - delta`` (Clopper, Pearson 1934)."""
    if n == 0:
        return Share(0, 0, 0.0, 1.0)
    low = 0.0 if hits == 0 else _where(lambda p: 1 - binomial_cdf(hits - 1, n, p) > delta / 2)
    return Share(hits, n, low, at_most(hits, n, delta / 2))


def known_share(hits: int, n: int) -> Share | None:
    """A share with its interval; None: of so few that it would say nothing."""
    return share_of(hits, n) if n >= LEAST else None


def at_most(hits: int, n: int, delta: float = 0.05) -> float:
    """With confidence ``1 - delta`` no more than this share, from ``hits`` of ``n``."""
    return 1.0 if hits >= n else _where(lambda p: binomial_cdf(hits, n, p) <= delta)


def enough_for(alpha: float, delta: float = 0.05) -> int:
    """How many comments a bound needs at least: as many as make it unlikely that none of them is a miss."""
    return ceil(log(delta) / log(1 - alpha))


def missing_for(alpha: float, there: int) -> int:
    """How many more comments have to be drawn, and be looked at, for a bound of ``alpha``; ``there`` it rests on now.

    Twice as many as the bound lacks: of those that are drawn, every second one teaches, and none that teaches may
    say how good the pupil is.
    """
    return 2 * max(0, enough_for(alpha) - there)


def _where(holds: Callable[[float], bool]) -> float:
    """The share from which on something holds, found by halving."""
    low, high = 0.0, 1.0
    for _ in range(50):
        middle = (low + high) / 2
        low, high = (low, middle) if holds(middle) else (middle, high)
    return high
