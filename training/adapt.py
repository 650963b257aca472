"""A site's own model: the base model as prior, and a correction learnt from the site's labels on top.

For each head that reviews speak of, ``logit = trust * base + bias + correction``. Reviews are of what was held, and of
little else, so a correction learnt from them alone would forget what ordinary comments look like. Two things hold it:
the base at full strength, and the seeds, learnt from again beside the labels. Where enough labels were drawn at random
(spot checks, or a whole history that was imported), it is measured on those whether less of either is better, by
cross-validation with near-copies kept together. What comes of it: ``python -m bench learning``.

The sum is folded into one weight matrix, so that a site's model costs what the base model costs. Nothing is random:
the same labels give the same bytes, and a label that is gone leaves no trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import msgspec
import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from moderation import artifact
from moderation.artifact import Model
from training.labels import HEADS, Weighed
from training.logistic import fit
from training.measures import SEED
from training.signals import TEXT, Learnt, TooFewLabels, learn

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Groups = NDArray[np.int64]
Rows = NDArray[np.int64]

TRUSTS = (1.0, 0.5, 0.25)
"""How far the base may be trusted: factors on its log-odds."""
ANCHORS = (1_000.0, 0.0)
"""For how many labels the seeds may count, all together."""
SPREAD = 3.0
"""How loosely the correction is held: the standard deviation of a feature's weight, in log-odds."""
BIAS_SPREAD = 1.0
ENOUGH, ENOUGH_OF_EACH = 40, 5
"""Labels drawn at random, and of either class, from which on trust is chosen and scores are calibrated anew."""
CHOSEN_ON = 1_000
"""Labels that trust is chosen with: more change nothing but the time it takes."""
FOLDS, FOLDS_TO_CHOOSE = 5, 3
MOST_FOLDED = 4_000
"""Labels from which on one tenth is kept aside instead of each fifth in turn."""
_TOLERANCE = 1e-5
"""Further steps would move scores by less than labels that come in a day do."""
_PLATT = np.array([1.0, 0.0])
_PLATT_SPREAD = np.array([0.5, 1.5])
"""Calibration starts from none at all, and few labels move it little."""


@dataclass(slots=True)
class Anchors:
    """Comments that are not the site's, learnt from beside its labels."""

    matrix: csr_matrix
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
    """[2**bits]: weights of the features of :class:`training.matrix.CommentVectorizer`, besides the base's."""
    unseen: Floats
    """[labels]: calibrated log-odds of each label by a fit that did not see it or its near-copies; NaN: not told."""
    labels: int
    """Labels that speak of this head."""

    def logits(self, base: Floats, matrix: csr_matrix) -> Floats:
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


def adapt(
    base: Floats,
    matrix: csr_matrix,
    labels: Weighed,
    anchors: Anchors | None = None,
    *,
    starts: Adapted | None = None,
    folds: int = FOLDS,
) -> Adapted:
    """Learn from labels: ``base`` [labels, heads of :data:`training.labels.HEADS`] is what the base says of them in
    log-odds, ``matrix`` [labels, 2**bits] their features.

    With ``folds`` = 0 nothing is scored unseen, and neither trust nor calibration is learnt. ``starts``: what was
    learnt from fewer of the same labels; its trust is taken over, and it is where the search begins.
    """
    corrections = {}
    groups, columns = labels.groups, _occurring(matrix, anchors)
    small = matrix[:, columns].astype(np.float32)
    if anchors is not None:
        anchors = Anchors(anchors.matrix[:, columns].astype(np.float32), anchors.base, anchors.targets)
    for number, head in enumerate(HEADS):
        said = ~np.isnan(labels.targets[:, number])
        if said.any():
            positive = labels.targets[said, number] >= 0.5
            task = _Task(small[said], base[said, number], positive, labels.weight[said], groups[said])
            task.random = labels.random[said]
            task.anchors = _of_head(anchors, number)
            known = starts.corrections.get(head) if starts is not None else None
            found, weights = _correct(head, task, said, folds, None if known is None else _Start(known, columns))
            found.column = np.zeros(matrix.shape[1])
            found.column[columns] = weights[:-1]
            corrections[head] = found
    return Adapted(corrections, learnt_signals(labels, corrections.get("spam")))


def _occurring(matrix: csr_matrix, anchors: Anchors | None) -> Rows:
    """The columns in which anything stands."""
    there = np.zeros(matrix.shape[1], dtype=bool)
    there[matrix.indices] = True
    if anchors is not None:
        there[anchors.matrix.indices] = True
    return np.flatnonzero(there)


@dataclass(slots=True)
class _Start:
    """Where a search begins."""

    known: Correction
    columns: Rows

    @property
    def weights(self) -> Floats:
        return np.append(self.known.column[self.columns], self.known.bias)


def _of_head(anchors: Anchors | None, head: int) -> _Task | None:
    if anchors is None:
        return None
    known = ~np.isnan(anchors.targets[:, head])
    positive = anchors.targets[known, head] >= 0.5
    task = _Task(anchors.matrix[known], anchors.base[known, head], positive, np.ones(positive.size), np.zeros(0, int))
    return task if task.both else None


@dataclass(slots=True)
class _Task:
    """Labels of one head."""

    matrix: csr_matrix
    base: Floats
    positive: Bools
    weight: Floats
    groups: Groups
    random: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))
    """Those that were drawn at random."""
    anchors: _Task | None = None

    def of(self, rows: Bools | Rows) -> _Task:
        return _Task(
            self.matrix[rows],
            self.base[rows],
            self.positive[rows],
            self.weight[rows],
            self.groups[rows],
            self.random[rows],
            self.anchors,
        )

    @property
    def both(self) -> bool:
        return bool(self.positive.any() and not self.positive.all())

    @property
    def enough(self) -> bool:
        """Whether enough was drawn at random to choose and to calibrate by."""
        drawn = self.positive[self.random]
        return drawn.size >= ENOUGH and min(int(drawn.sum()), int((~drawn).sum())) >= ENOUGH_OF_EACH


def _correct(head: str, task: _Task, said: Bools, folds: int, start: _Start | None) -> tuple[Correction, Floats]:
    learns = folds > 0 and task.enough
    trust, anchor = TRUSTS[0], ANCHORS[0]
    if start is not None:
        trust, anchor = start.known.trust, start.known.anchor
    elif learns:
        trust, anchor = _chosen(task)
    weights = _fitted(task, trust, anchor, None if start is None else start.weights)
    unseen = np.full(task.positive.size, np.nan)
    for test, scores in _unseen(task, list(_parts(task, folds)), trust, anchor, weights):
        unseen[test] = scores
    slope, intercept = _calibrated(unseen, task) if learns else (1.0, 0.0)
    told = np.full(said.size, np.nan)
    told[said] = slope * unseen + intercept
    found = Correction(head, trust, anchor, slope, intercept, float(weights[-1]), np.zeros(0), told, int(said.sum()))
    return found, weights


def _unseen(
    task: _Task, parts: Sequence[Bools], trust: float, anchor: float, start: Floats | None
) -> Iterator[tuple[Bools, Floats]]:
    """Labels of each part, and their scores by a fit on the others. Parts are worked on side by side.

    In threads: the time goes into sparse products, which let others run, and the matrix is shared.
    """
    some = [test for test in parts if test.any() and not test.all()]

    def score(test: Bools) -> Floats:
        return _scored(task.of(test), trust, _fitted(task.of(~test), trust, anchor, start))

    yield from zip(some, Parallel(n_jobs=-1, prefer="threads")(delayed(score)(test) for test in some), strict=True)


def _fitted(task: _Task, trust: float, anchor: float, start: Floats | None = None) -> Floats:
    """Weights [columns], and the bias behind them."""
    matrix, offset, positive, weight = task.matrix, trust * task.base, task.positive, _balanced(task)
    if anchor and task.anchors is not None:
        held = task.anchors
        matrix = vstack([matrix, held.matrix], format="csr")
        offset = np.concatenate([offset, trust * held.base])
        positive = np.concatenate([positive, held.positive])
        weight = np.concatenate([weight, _balanced(held) * (anchor / held.positive.size)])
    prior = np.zeros(matrix.shape[1] + 1)
    spreads = np.full(prior.size, SPREAD)
    spreads[-1] = BIAS_SPREAD
    return fit(WithBias(matrix), offset, positive, prior, spreads, weight=weight, start=start, tolerance=_TOLERANCE)


def _balanced(task: _Task) -> Floats:
    """Weights by which either class counts for half of the whole, as for the base model.

    What people review is no measure of how common spam is.
    """
    if not task.both:
        return task.weight
    weight, whole = task.weight.copy(), task.weight.sum()
    for one in (task.positive, ~task.positive):
        weight[one] *= whole / 2 / weight[one].sum()
    return weight


def _scored(task: _Task, trust: float, weights: Floats) -> Floats:
    found: Floats = trust * task.base + WithBias(task.matrix) @ weights
    return found


class WithBias:
    """A sparse matrix with one more column of ones; products in the matrix's own, shorter floats."""

    def __init__(self, matrix: csr_matrix) -> None:
        self._matrix = matrix

    def __matmul__(self, weights: Floats) -> Floats:
        found: Floats = (self._matrix @ weights[:-1].astype(self._matrix.dtype)).astype(np.float64) + weights[-1]
        return found

    @property
    def T(self) -> _Turned:  # noqa: N802  # As numpy has it.
        """The matrix turned, to be multiplied."""
        return _Turned(self._matrix)


@dataclass(slots=True)
class _Turned:
    matrix: csr_matrix

    def __matmul__(self, rows: Floats) -> Floats:
        return np.append(self.matrix.T @ rows.astype(self.matrix.dtype), rows.sum())


def _chosen(task: _Task) -> tuple[float, float]:
    """Trust and anchor with the least log-loss on labels drawn at random that a fit did not see.

    The more cautious wins where both are as good.
    """
    if task.positive.size > CHOSEN_ON:
        chance = np.where(task.random, 0.0, 1.0) + np.random.default_rng(SEED).random(task.positive.size)
        task = task.of(np.sort(np.argsort(chance, kind="stable")[:CHOSEN_ON]))
    parts = list(_parts(task, FOLDS_TO_CHOOSE))
    sign, weight = np.where(task.positive, 1.0, -1.0), _balanced(task) * task.random
    best, least = (TRUSTS[0], ANCHORS[0]), np.inf
    for trust in TRUSTS:
        for anchor in ANCHORS if task.anchors is not None else (0.0,):
            lost = 0.0
            for test, scores in _unseen(task, parts, trust, anchor, None):
                lost += float(weight[test] @ np.logaddexp(0, -sign[test] * scores))
            if lost < 0.97 * least:
                best, least = (trust, anchor), lost
    return best


def _parts(task: _Task, count: int) -> Iterator[Bools]:
    """Folds with near-copies together and both classes spread evenly."""
    if not count:
        return
    number, first = np.unique(task.groups, return_index=True)
    order = np.random.default_rng(SEED).permutation(number.size)
    order = order[np.argsort(task.positive[first[order]], kind="stable")]
    fold_of = np.empty(number.size, dtype=np.int64)
    many = task.positive.size > MOST_FOLDED
    fold_of[order] = np.arange(number.size) % (10 if many else count)
    folds = fold_of[np.searchsorted(number, task.groups)]
    for fold in range(1 if many else count):
        yield folds == fold


def _calibrated(unseen: Floats, task: _Task) -> tuple[float, float]:
    """Platt scaling (Platt 1999) of unseen scores, held near no scaling at all."""
    told = ~np.isnan(unseen) & task.random
    some = task.of(told)
    if not some.both:
        return 1.0, 0.0
    table = np.column_stack([unseen[told], np.ones(int(told.sum()))])
    positive, weight = some.positive, _balanced(some)
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
    """The base model's weights [2**bits, heads] with the corrections in them, and the heads that go with them."""
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


def base_logits(model: Model, matrix: csr_matrix, heads: Sequence[str] = HEADS) -> Floats:
    """What a model says of comments [comments, heads], in log-odds, from their features."""
    stored, frequency = np.asarray(model.weights), frequency_of(model)
    out = np.zeros((matrix.shape[0], len(heads)))
    by_name = {head.name: (i, head) for i, head in enumerate(model.manifest.heads)}
    for k, name in enumerate(heads):
        i, head = by_name[name]
        out[:, k] = head.bias + head.slope * (matrix @ (stored[:, i] * head.scale / frequency))
    return out
