"""A site's own model: the base model as prior, and a correction learnt from the site's labels on top.

For each head that reviews speak of, ``logit = trust * base + bias + correction``. Reviews are of what was held, and of
little else, so a correction learnt from them alone would forget what ordinary comments look like. Two things hold it:
the base at full strength, and the seeds, learnt from again beside the labels. Where enough labels were drawn at random
(spot checks), it is measured on those whether less of either is better, by cross-validation with near-copies kept
together. Where most of them were drawn so (a whole history that was imported), nothing has to be held: the base at half
strength and no seeds are the start, and seeds come in only if their ham would be held otherwise. What comes of it:
``python -m bench learning``.

The sum is folded into one weight matrix, so that a site's model costs what the base model costs. Nothing is random:
the same labels give the same bytes, and a label that is gone leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import TypeVar

import msgspec
import numpy as np
from joblib import Parallel, delayed, effective_n_jobs
from numpy.typing import NDArray

from moderation import artifact
from moderation.artifact import Model
from moderation.verdict import TEXT
from training.labels import HEADS, SPAM, Weighed
from training.logistic import fit
from training.measures import SEED
from training.rows import Rows
from training.signals import Learnt, TooFewLabels, learn

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Groups = NDArray[np.int64]
Indices = NDArray[np.int64]
Grid = tuple[tuple[float, ...], tuple[float, ...]]
Beside = TypeVar("Beside", "Anchors", "_Task")

CAUTIOUS: Grid = (1.0, 0.5, 0.25), (1_000.0, 0.0)
"""How far the base may be trusted (a factor on its log-odds), and for how many labels the seeds may count, all
together, where most labels are of what was held; the first of each unless another is clearly better."""
FREE: Grid = (0.5, 0.25), (0.0,)
"""The same where most labels were drawn at random."""
CLEARLY = 0.97
"""Of what another choice loses, what is clearly less."""
ANCHORS = (0.0, 100.0, 1_000.0)
"""Seeds count for the least of these with which their ham stays where it is."""
MOST_FORGOTTEN = 0.05
"""By so much the share of the seeds' ham that is held may grow."""
SPREAD = 3.0
"""How loosely the correction is held: the standard deviation of a feature's weight, in log-odds."""
BIAS_SPREAD = 1.0
ENOUGH, ENOUGH_OF_EACH = 40, 5
"""Labels drawn at random, and of either class, from which on trust is chosen and scores are calibrated anew."""
CHOSEN_ON = 1_000
"""Labels that trust is chosen with: more change nothing but the time it takes."""
FOLDS, FOLDS_TO_CHOOSE = 5, 3
MOST_COMPRESSED = 50_000
"""Labels from which on no column is left out for not occurring."""
MOST_FOLDED, LEAST_FOLD = 2_000, 400
"""Labels from which on one fold is kept aside instead of each in turn, and how many it holds at least."""
LEAST_TOLD = 1_000
"""Labels from which on the later ones tell enough of scores that are unseen, without any fold."""
_TOLERANCE, _ROUGHLY = 5e-4, 3e-3
"""Further steps would move scores by less than labels that come in a day do; to choose, less will do."""
_PLATT = np.array([1.0, 0.0])
_PLATT_SPREAD = np.array([0.5, 1.5])
"""Calibration starts from none at all, and few labels move it little."""


@dataclass(slots=True)
class Anchors:
    """Comments that are not the site's, learnt from beside its labels."""

    matrix: Rows
    base: Floats
    """[comments, heads]: what the base says of them, in log-odds."""
    targets: Floats
    """[comments, heads]; NaN where nothing is known."""


@dataclass(slots=True)
class Correction:
    """What a site has learnt about one head."""

    head: str
    trust: float
    anchor: float
    slope: float
    intercept: float
    """Calibration of the corrected log-odds."""
    bias: float
    column: Floats
    """[features]: weights of the features of :class:`training.matrix.Vectorizer`, besides the base's."""
    unseen: Floats
    """[labels]: calibrated log-odds of each label by a fit that did not see it or its near-copies; NaN: not told."""
    labels: int
    """Labels that speak of this head."""

    def logits(self, base: Floats, matrix: Rows) -> Floats:
        """Calibrated log-odds of comments with the base's log-odds ``base``."""
        raw: Floats = self.trust * base + self.bias + matrix @ self.column
        return self.slope * raw + self.intercept


@dataclass(slots=True)
class Adapted:
    """All that a site has learnt."""

    corrections: dict[str, Correction]
    signals: list[Learnt] = field(default_factory=list)

    @property
    def weights(self) -> dict[str, float]:
        """Weights of signals, by code."""
        return {one.code: one.weight for one in self.signals}


@dataclass(frozen=True, slots=True)
class Earlier:
    """What was learnt from all labels but the latest."""

    adapted: Adapted
    later: Bools
    """[labels]: those it has not seen, nor near-copies of them."""


def adapt(
    base: Floats,
    matrix: Rows,
    labels: Weighed,
    anchors: Anchors | None = None,
    *,
    folds: int = FOLDS,
    earlier: Earlier | None = None,
) -> Adapted:
    """Learn from ``labels``, beside ``anchors``: ``base`` [labels, heads of :data:`training.labels.HEADS`] is what the
    base says of them in log-odds, ``matrix`` [labels, features] their features.

    With ``folds`` = 0 nothing is scored unseen, and neither trust nor calibration is learnt. What was learnt
    ``earlier`` gives its trust, a place to begin the search at and, of many labels, scores of those it has not seen.
    """
    # Of many labels nearly every column occurs, and a copy would take as much memory again.
    small, columns = matrix, None
    if matrix.shape[0] <= MOST_COMPRESSED:
        small, anchors, columns = _narrowed(matrix, anchors)
    groups, random = labels.groups, labels.random

    def learn(number: int, head: str) -> Correction | None:
        target = labels.targets[:, number]
        said = ~np.isnan(target)
        if not said.any():
            return None
        amount = np.where(said, labels.weight, 0.0)
        task = _Task(small, base[:, number], target >= 0.5, amount, groups, random & said)
        task.anchors = _of_head(anchors, number)
        # Unseen scores are for choosing, calibrating, and for what signals are worth beside those of spam.
        needed = folds if head == SPAM or task.enough() else 0
        found = _correct(head, task, needed, _known(earlier, head, columns))
        if columns is not None:
            column = np.zeros(matrix.shape[1])
            column[columns] = found.column
            found.column = column
        return found

    # In threads: the time goes into sparse products, which let others run, and the matrix is shared.
    learnt = Parallel(n_jobs=-1, prefer="threads")(delayed(learn)(*one) for one in enumerate(HEADS))
    corrections = {one.head: one for one in learnt if one is not None}
    return Adapted(corrections, learnt_signals(labels, corrections.get(SPAM)))


def _narrowed(matrix: Rows, beside: Beside | None) -> tuple[Rows, Beside | None, Indices]:
    """Labels, and what is learnt from beside them, in the columns that occur in either; and which those are."""
    columns = matrix.there()
    if beside is not None:
        columns = np.union1d(columns, beside.matrix.there())
        beside = replace(beside, matrix=beside.matrix.of_columns(columns))
    return matrix.of_columns(columns), beside, columns


@dataclass(slots=True)
class _Known:
    """What was learnt earlier of a head, in the columns at hand."""

    trust: float
    anchor: float
    weights: Floats
    later: Bools


def _known(earlier: Earlier | None, head: str, columns: Indices | None) -> _Known | None:
    if earlier is None or (found := earlier.adapted.corrections.get(head)) is None:
        return None
    column = found.column if columns is None else found.column[columns]
    return _Known(found.trust, found.anchor, np.append(column, found.bias), earlier.later)


def _of_head(anchors: Anchors | None, number: int) -> _Task | None:
    if anchors is None:
        return None
    target = anchors.targets[:, number]
    weight = (~np.isnan(target)).astype(np.float64)
    none = np.zeros(0, dtype=np.int64)
    task = _Task(anchors.matrix, anchors.base[:, number], target >= 0.5, weight, none, none.astype(bool))
    return task if task.both else None


@dataclass(slots=True)
class _Task:
    """Labels of one head; those that do not speak of it have no weight."""

    matrix: Rows
    base: Floats
    positive: Bools
    weight: Floats
    groups: Groups
    random: Bools
    """Those that were drawn at random."""
    anchors: _Task | None = None

    def of(self, rows: Indices) -> _Task:
        """Some of the labels, in the columns that occur there."""
        matrix, anchors, _ = _narrowed(Rows.of(self.matrix[rows]), self.anchors)
        some = self.base[rows], self.positive[rows], self.weight[rows], self.groups[rows], self.random[rows]
        return _Task(matrix, *some, anchors)

    @property
    def said(self) -> Bools:
        """Labels that speak of the head."""
        return self.weight > 0

    @property
    def both(self) -> bool:
        return _both(self.positive, self.weight)

    def enough(self, rows: Bools | None = None) -> bool:
        """Whether enough, of these labels or of all, was drawn at random to choose and to calibrate by."""
        drawn = self.positive[self.random if rows is None else self.random & rows]
        return drawn.size >= ENOUGH and min(int(drawn.sum()), int((~drawn).sum())) >= ENOUGH_OF_EACH


def _both(positive: Bools, weight: Floats) -> bool:
    there = positive[weight > 0]
    return bool(there.any() and not there.all())


def _correct(head: str, task: _Task, folds: int, known: _Known | None) -> Correction:
    trust, anchor = CAUTIOUS[0][0], CAUTIOUS[1][0]
    if known is not None:
        trust, anchor = known.trust, known.anchor
    elif folds and task.enough():
        trust, anchor = _chosen(task)
    found = _fit(task, trust, anchor, folds, known)
    for more in ANCHORS:
        if more > anchor and found.forgotten(task) > MOST_FORGOTTEN:
            anchor, found = more, _fit(task, trust, more, folds, known, found)
    of_words, bias = found.weights[:-1], float(found.weights[-1])
    told = found.slope * found.unseen + found.intercept
    spoken = int(task.said.sum())
    return Correction(head, trust, anchor, found.slope, found.intercept, bias, of_words, told, spoken)


@dataclass(slots=True)
class _Fit:
    """What comes of one trust and anchor."""

    trust: float
    weights: Floats
    parts: list[Floats]
    """The weights of each fold."""
    unseen: Floats
    slope: float
    intercept: float

    def forgotten(self, task: _Task) -> float:
        """By how much the share of the anchors' ham that is likelier spam has grown."""
        if (anchors := task.anchors) is None:
            return 0.0
        ham = ~anchors.positive & anchors.said
        now = self.slope * _scored(anchors, self.trust, self.weights)[ham] + self.intercept
        return float((now > 0).mean() - (anchors.base[ham] > 0).mean())


def _fit(task: _Task, trust: float, anchor: float, folds: int, known: _Known | None, near: _Fit | None = None) -> _Fit:
    """Fit all labels, and score each without itself; ``near``: what came of another anchor."""
    learns = folds > 0 and task.enough()
    start = near.weights if near is not None else known.weights if known is not None else None
    unseen = np.full(task.positive.size, np.nan)
    tests: list[Bools] = []
    if known is not None and folds and _tells(task, known.later, learns):
        later = known.later & task.said
        unseen[later] = _scored(task, trust, known.weights)[later]
    else:
        tests = list(_parts(task, folds))
    starts = [start, *(near.parts if near is not None and tests else [None] * len(tests))]
    weights, *parts = _fitted_each(task, trust, anchor, [None, *tests], starts)
    for test, part in zip(tests, parts, strict=True):
        unseen[test] = _scored(task, trust, part)[test]
    slope, intercept = _calibrated(unseen, task) if learns else (1.0, 0.0)
    return _Fit(trust, weights, parts, unseen, slope, intercept)


def _tells(task: _Task, later: Bools, learns: bool) -> bool:
    """Whether the later labels are so many that no fold is needed beside them."""
    there = int((later & task.said).sum())
    return int(task.said.sum()) >= LEAST_TOLD and there >= LEAST_TOLD / 10 and (not learns or task.enough(later))


def _fitted(
    task: _Task,
    trust: float,
    anchor: float,
    *,
    without: Bools | None = None,
    start: Floats | None = None,
    tolerance: float = _TOLERANCE,
) -> Floats:
    """Weights [columns], and the bias behind them. Labels that are left out keep their row, and count for nothing."""
    weight = task.weight if without is None else np.where(without, 0.0, task.weight)
    matrix, offset, positive, weight = task.matrix, trust * task.base, task.positive, _balanced(task.positive, weight)
    if anchor and task.anchors is not None:
        held = task.anchors
        matrix = matrix.above(held.matrix)
        offset = np.concatenate([offset, trust * held.base])
        positive = np.concatenate([positive, held.positive])
        amount = _balanced(held.positive, held.weight)
        weight = np.concatenate([weight, amount * (anchor / amount.sum())])
    prior = np.zeros(task.matrix.shape[1] + 1)
    spreads = np.full(prior.size, SPREAD)
    spreads[-1] = BIAS_SPREAD
    return fit(WithBias(matrix), offset, positive, prior, spreads, weight=weight, start=start, tolerance=tolerance)


def _fitted_each(
    task: _Task,
    trust: float,
    anchor: float,
    left_out: Sequence[Bools | None],
    starts: Sequence[Floats | None],
    tolerance: float = _TOLERANCE,
) -> list[Floats]:
    """A fit without each of some labels, in threads: heads are learnt so, too, but spam's takes longest by far."""

    def learn(test: Bools | None, start: Floats | None) -> Floats:
        return _fitted(task, trust, anchor, without=test, start=start, tolerance=tolerance)

    with ThreadPoolExecutor(effective_n_jobs(-1)) as pool:
        return list(pool.map(learn, left_out, starts))


def _balanced(positive: Bools, weight: Floats) -> Floats:
    """Weights by which either class counts for half of the whole, as for the base model.

    What people review is no measure of how common spam is.
    """
    if not _both(positive, weight):
        return weight
    balanced, whole = weight.copy(), weight.sum()
    for one in (positive, ~positive):
        balanced[one] *= whole / 2 / weight[one].sum()
    return balanced


def _scored(task: _Task, trust: float, weights: Floats) -> Floats:
    found: Floats = trust * task.base + WithBias(task.matrix) @ weights
    return found


@dataclass(slots=True)
class WithBias:
    """Features, with one more column of ones."""

    rows: Rows

    def __matmul__(self, weights: Floats) -> Floats:
        found: Floats = (self.rows @ weights[:-1]).astype(np.float64)
        found += weights[-1]
        return found

    @property
    def T(self) -> _Turned:  # noqa: N802  # As numpy has it.
        """The matrix turned, to be multiplied."""
        return _Turned(self.rows)


@dataclass(slots=True)
class _Turned:
    rows: Rows

    def __matmul__(self, values: Floats) -> Floats:
        return np.append(self.rows.turned(values), values.sum())


def _chosen(task: _Task) -> tuple[float, float]:
    """Trust and anchor with the least log-loss on labels drawn at random that a fit did not see.

    Of what is as good the first wins. The anchor is chosen first, then the trust, as long as less of it is better.
    """
    trusts, anchors = FREE if 2 * int(task.random.sum()) >= int(task.said.sum()) else CAUTIOUS
    chance = np.where(task.random, 0.0, 1.0) + np.random.default_rng(SEED).random(task.positive.size)
    first = np.argsort(np.where(task.said, chance, np.inf), kind="stable")[: min(CHOSEN_ON, int(task.said.sum()))]
    task = task.of(np.sort(first))
    parts = list(_parts(task, FOLDS_TO_CHOOSE))
    sign, weight = np.where(task.positive, 1.0, -1.0), _balanced(task.positive, task.weight) * task.random
    found: list[Floats | None] = [None] * len(parts)

    def lost(trust: float, anchor: float) -> float:
        # What the same labels gave with other choices is near.
        found[:] = learnt = _fitted_each(task, trust, anchor, parts, found, _ROUGHLY)
        loss = 0.0
        for test, weights in zip(parts, learnt, strict=True):
            loss += float(weight[test] @ np.logaddexp(0, -sign[test] * _scored(task, trust, weights)[test]))
        return loss

    (trust, *less), (anchor, *fewer) = trusts, anchors
    least = lost(trust, anchor)
    for other in fewer:
        if (now := lost(trust, other)) < CLEARLY * least:
            anchor, least = other, now
    for other in less:
        if (now := lost(other, anchor)) >= CLEARLY * least:
            break
        trust, least = other, now
    return trust, anchor


def _parts(task: _Task, count: int) -> Iterator[Bools]:
    """Folds with near-copies together and both classes spread evenly; none, if there is but one thing to learn."""
    if not count:
        return
    said = np.flatnonzero(task.said)
    number, first = np.unique(task.groups[said], return_index=True)
    if number.size < 2:
        return
    order = np.random.default_rng(SEED).permutation(number.size)
    order = order[np.argsort(task.positive[said[first[order]]], kind="stable")]
    many = said.size > MOST_FOLDED
    count = min(10, said.size // LEAST_FOLD) if many else count
    fold_of = np.empty(number.size, dtype=np.int64)
    fold_of[order] = np.arange(number.size) % min(count, number.size)
    folds = np.full(task.positive.size, -1)
    folds[said] = fold_of[np.searchsorted(number, task.groups[said])]
    for fold in range(1 if many else min(count, number.size)):
        yield folds == fold


def _calibrated(unseen: Floats, task: _Task) -> tuple[float, float]:
    """Platt scaling (Platt 1999) of unseen scores, held near no scaling at all."""
    told = ~np.isnan(unseen) & task.random
    positive, weight = task.positive[told], task.weight[told]
    if not _both(positive, weight):
        return 1.0, 0.0
    table = np.column_stack([unseen[told], np.ones(positive.size)])
    weight = _balanced(positive, weight)
    slope, intercept = fit(table, np.zeros(len(table)), positive, _PLATT, _PLATT_SPREAD, weight=weight).tolist()
    return max(slope, 0.05), intercept


def learnt_signals(labels: Weighed, spam: Correction | None) -> list[Learnt]:
    """What signals are worth beside the corrected text; nothing, if there are too few labels."""
    if spam is None:
        return []
    told = [
        ({**one.evidence, TEXT: float(logit)}, one.outcome)
        for one, logit in zip(labels.labels, spam.unseen.tolist(), strict=True)
        if TEXT in one.evidence and not np.isnan(logit)
    ]
    try:
        return learn(told)
    except TooFewLabels:
        return []


def folded_in(model: Model, adapted: Adapted) -> tuple[NDArray[np.float64], tuple[artifact.HeadManifest, ...]]:
    """The base model's weights [features, heads] with the corrections in them, and the heads that go with them."""
    heads = list(model.manifest.heads)
    stored = np.asarray(model.weights)
    weights = np.stack([stored[:, i] * head.scale for i, head in enumerate(heads)], axis=1)
    frequency = frequency_of(model)
    for i, head in enumerate(heads):
        one = adapted.corrections.get(head.name)
        if one is None:
            continue
        weights[:, i] = one.trust * head.slope * weights[:, i] + one.column * frequency
        heads[i] = msgspec.structs.replace(
            head,
            bias=round(one.slope * (one.trust * head.bias + one.bias) + one.intercept, 6),
            slope=round(one.slope, 6),
        )
    return weights, tuple(heads)


def frequency_of(model: Model) -> Floats:
    """The inverse document frequency of each row, which the last column holds squared."""
    found: Floats = np.sqrt(np.asarray(model.weights)[:, -1] * model.manifest.frequency_scale)
    return found


def base_logits(model: Model, matrix: Rows, heads: Sequence[str] = HEADS) -> Floats:
    """What a model says of comments [comments, heads], in log-odds, from their features."""
    stored, frequency = np.asarray(model.weights), frequency_of(model)
    out = np.zeros((matrix.shape[0], len(heads)))
    by_name = {head.name: (i, head) for i, head in enumerate(model.manifest.heads)}
    for k, name in enumerate(heads):
        i, head = by_name[name]
        out[:, k] = head.bias + head.slope * (matrix @ (stored[:, i] * head.scale / frequency))
    return out
