"""Figures of merit with bootstrap intervals, for scores in hand. Knows neither models nor files.

Everything about ranking (AUC, average precision, recall at a false-positive rate) is read off one table: how much
weight of positives and of negatives lies at or above each distinct score. A bootstrap resample is nothing but another
set of weights (how often each comment was drawn), so all resamples go through the same table at once.

Intervals are percentile intervals (Efron 1979) of 95 %. Where comments come in groups (videos, articles), whole groups
are drawn: comments under one post resemble each other, and drawing them one by one would feign certainty.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import isnan

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Groups = NDArray[np.int64]

RESAMPLES = 200
SEED = 20261122
AT_ONCE = 4_000_000
"""Numbers in a table of resamples worked on at once: about 32 MB each."""
ENOUGH_GROUPS = 10
"""With fewer groups, resamples of groups say little; comments are drawn instead."""
CLEAR = 0.5
"""From this label on a comment counts as positive."""


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its 95 % interval."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3f} ({self.low:.3f}–{self.high:.3f})"


Measured = Figure | None
"""None where a figure is not defined: no AUC without both classes."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """How well scores tell positives from negatives."""

    comments: int
    positives: int
    auc: Measured = None
    average_precision: Measured = None
    recall_at_1_percent: Measured = None
    """Share of the positives above the score that 1 % of the negatives reach."""
    recall_at_1_permille: Measured = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Weight of positives and negatives at or above each distinct score, [resamples, distinct], from the top."""

    positive: Floats
    negative: Floats


def curve(scores: Floats, positive: Bools, weights: Floats) -> Curve:
    """The table of a ranking: ``scores`` [n], ``positive`` [n], ``weights`` [resamples, n]."""
    order = np.argsort(-scores, kind="stable")
    last = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))  # Equal scores are one step.
    ordered = weights[:, order]
    is_positive = positive[order]
    return Curve((ordered * is_positive).cumsum(axis=1)[:, last], (ordered * ~is_positive).cumsum(axis=1)[:, last])


def auc(table: Curve) -> Floats:
    """Area under the ROC curve of each resample, ties counting half (the Mann-Whitney statistic)."""
    steps = np.diff(table.negative, axis=1, prepend=0)
    middle = table.positive - np.diff(table.positive, axis=1, prepend=0) / 2
    return _over((steps * middle).sum(axis=1), table.positive[:, -1] * table.negative[:, -1])


def average_precision(table: Curve) -> Floats:
    """Mean precision over the positives (as scikit-learn: no interpolation)."""
    precision = _over(table.positive, table.positive + table.negative, otherwise=0)
    steps = np.diff(table.positive, axis=1, prepend=0)
    return _over((steps * precision).sum(axis=1), table.positive[:, -1])


def recall_at(table: Curve, rate: float) -> Floats:
    """Recall at the lowest threshold that at most ``rate`` of the negatives reach."""
    allowed = table.negative <= rate * table.negative[:, -1:]
    reached = np.where(allowed, table.positive, 0).max(axis=1)
    both = (table.positive[:, -1] > 0) & (table.negative[:, -1] > 0)
    return _over(reached, np.where(both, table.positive[:, -1], 0))


def _over(above: Floats, below: Floats, otherwise: float = np.nan) -> Floats:
    """``above / below``, and ``otherwise`` where there is nothing to divide by."""
    return np.divide(above, below, out=np.full_like(above, otherwise), where=below > 0)


def resampled(size: int, groups: Groups | None, count: int = RESAMPLES, seed: int = SEED) -> Floats:
    """How often each comment is drawn in each resample, [count, size]; whole groups where there are enough."""
    unit = _units(size, groups)
    units = int(unit.max()) + 1
    drawn = np.random.default_rng(seed).integers(units, size=(count, units), dtype=np.int32).astype(np.int64)
    drawn += np.arange(count)[:, None] * units
    often = np.bincount(drawn.ravel(), minlength=count * units).reshape(count, units)
    return often[:, unit].astype(np.float64)


def _units(size: int, groups: Groups | None) -> Groups:
    """What is drawn as one: a group, or a comment. A comment of group -1 stands alone."""
    alone = np.arange(size)
    if groups is None or np.unique(groups[groups >= 0]).size < ENOUGH_GROUPS:
        return alone
    found: Groups = np.unique(np.where(groups >= 0, groups, groups.max() + 1 + alone), return_inverse=True)[1]
    return found.reshape(-1)


def bootstrap(measure: Callable[[Floats], Floats], size: int, groups: Groups | None = None) -> tuple[Floats, Floats]:
    """``measure`` (weights [resamples, size] to figures [resamples, k]) as it is, [k], and resampled, [resamples, k].

    Worked in portions: memory stays bounded, whatever the number of comments.
    """
    value = measure(np.ones((1, size)))[0]
    portion = max(1, AT_ONCE // max(size, 1))
    parts, done = [], 0
    while done < RESAMPLES:
        count = min(portion, RESAMPLES - done)
        parts.append(measure(resampled(size, groups, count, SEED + done)))
        done += count
    return value, np.concatenate(parts)


def figures(value: Floats, resamples: Floats) -> list[Measured]:
    """Figures with percentile intervals; resamples in which a figure is not defined are left out."""
    return [_figure(float(value[i]), resamples[:, i]) for i in range(value.size)]


def _figure(value: float, resamples: Floats) -> Measured:
    known = resamples[~np.isnan(resamples)]
    if isnan(value) or not known.size:
        return None
    low, high = np.quantile(known, [0.025, 0.975])
    return Figure(round(value, 5), round(float(low), 5), round(float(high), 5))


def ranking(scores: Floats, labels: Floats, groups: Groups | None = None) -> Ranking:
    """How well ``scores`` [n] order comments with ``labels`` [n] (0 to 1, clear at 0.5)."""
    positive = labels >= CLEAR

    def measure(weights: Floats) -> Floats:
        table = curve(scores, positive, weights)
        columns = (auc(table), average_precision(table), recall_at(table, 0.01), recall_at(table, 0.001))
        return np.stack(columns, axis=1)

    if not positive.any() or positive.all():
        return Ranking(labels.size, int(positive.sum()))
    return Ranking(labels.size, int(positive.sum()), *figures(*bootstrap(measure, labels.size, groups)))


def shares(flags: NDArray[np.bool_], groups: Groups | None = None) -> list[Measured]:
    """Share of the comments for which each flag holds; ``flags`` is [n, k]."""
    size = flags.shape[0]
    if not size:
        return [None] * flags.shape[1]
    numbers = flags.astype(np.float64)

    def measure(weights: Floats) -> Floats:
        found: Floats = weights @ numbers / weights.sum(axis=1, keepdims=True)
        return found

    units = int(_units(size, groups).max()) + 1
    return [_with_room(figure, units) for figure in figures(*bootstrap(measure, size, groups))]


def _with_room(figure: Measured, units: int) -> Measured:
    """None of n, or all of n: resamples cannot tell that from never and always, the exact binomial bound can."""
    if figure is None or 0 < figure.value < 1:
        return figure
    least = round(0.025 ** (1 / units), 5)
    return Figure(0, 0, round(1 - least, 5)) if figure.value == 0 else Figure(1, least, 1)


def share(flags: Bools, groups: Groups | None = None) -> Measured:
    """Share of the comments for which a flag [n] holds."""
    return shares(flags[:, None], groups)[0]


@dataclass(frozen=True, slots=True)
class Bin:
    """Comments whose scores lie in ``[low, high)``: what was predicted of them, and what is true."""

    low: float
    high: float
    comments: int
    predicted: float
    observed: Measured


@dataclass(frozen=True, slots=True)
class Reliability:
    """How far scores can be read as probabilities."""

    calibration_error: Measured
    bins: tuple[Bin, ...]


BINS = 10


def reliability(scores: Floats, labels: Floats, groups: Groups | None = None) -> Reliability:
    """Bins of equal width, and the expected calibration error over them (Naeini, Cooper, Hauskrecht 2015)."""
    number = np.minimum((scores * BINS).astype(np.int64), BINS - 1)
    member = (number[:, None] == np.arange(BINS)).astype(np.float64)

    def measure(weights: Floats) -> Floats:
        mass = weights @ member
        predicted = weights @ (member * scores[:, None])
        observed = weights @ (member * labels[:, None])
        error = np.abs(predicted - observed).sum(axis=1) / weights.sum(axis=1)
        return np.column_stack([error, _over(observed, mass)])

    error, *observed = figures(*bootstrap(measure, labels.size, groups))
    counts = member.sum(axis=0)
    predicted = _over(member.T @ scores, counts)
    bins = (
        Bin(i / BINS, (i + 1) / BINS, int(counts[i]), round(float(predicted[i]), 5), observed[i])
        for i in range(BINS)
        if counts[i]
    )
    return Reliability(error, tuple(bins))


def expected_calibration_error(probability: Floats, labels: Floats, weight: Floats, bins: int = 15) -> float:
    """Weighted mean distance of predicted and observed rates over equal-width bins (Naeini et al. 2015)."""
    number = np.minimum((probability * bins).astype(int), bins - 1)
    mass = np.bincount(number, weight, bins)
    gap = np.abs(np.bincount(number, weight * probability, bins) - np.bincount(number, weight * labels, bins))
    return float(gap.sum() / mass.sum())


def log_odds(scores: Floats) -> Floats:
    """Probabilities to log-odds."""
    bounded = np.clip(scores, 1e-9, 1 - 1e-9)
    out: Floats = np.log(bounded / (1 - bounded))
    return out


ROC_RATES = np.logspace(-4, 0, 81)


def roc(scores: Floats, labels: Floats) -> tuple[float, ...]:
    """Recall at each of ``ROC_RATES``."""
    positive = labels >= CLEAR
    table = curve(scores, positive, np.ones((1, labels.size)))
    return tuple(round(float(recall_at(table, rate)[0]), 5) for rate in ROC_RATES.tolist())


@dataclass(frozen=True, slots=True)
class Roc:
    """Recall of a head at each of ``ROC_RATES``; below one in ``negatives`` it says nothing."""

    head: str
    name: str
    seen: bool
    negatives: int
    recall: tuple[float, ...]


HISTOGRAM_EDGES = np.linspace(-12, 12, 49)


def histogram(scores: Floats) -> tuple[float, ...]:
    """Share of the comments in each bin of log-odds, over ``HISTOGRAM_EDGES``."""
    logits = np.clip(log_odds(scores), HISTOGRAM_EDGES[0], HISTOGRAM_EDGES[-1])
    counts, _ = np.histogram(logits, HISTOGRAM_EDGES)
    return tuple(np.round(counts / max(scores.size, 1), 5).tolist())
