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
from scipy.sparse import csr_matrix

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
MOST_COMPRESSED = 50_000
"""Labels from which on no column is left out for not occurring."""
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
        # In the matrix's own floats: with longer ones all of it would be copied.
        raw: Floats = self.trust * base + self.bias + matrix @ self.column.astype(matrix.dtype)
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
    groups, columns = labels.groups, _occurring(matrix, anchors)
    # Of many labels nearly every column occurs, and a copy would take as much memory again.
    small = matrix[:, columns].astype(np.float32) if columns.size < matrix.shape[1] else matrix
    if anchors is not None:
        anchors = Anchors(anchors.matrix[:, columns].astype(np.float32), anchors.base, anchors.targets)

    def learn(number: int, head: str) -> Correction | None:
        target = labels.targets[:, number]
        said = ~np.isnan(target)
        if not said.any():
            return None
        task = _Task(small, base[:, number], target >= 0.5, np.where(said, labels.weight, 0.0), groups)
        task.random = labels.random & said
        task.anchors = _of_head(anchors, number)
        known = starts.corrections.get(head) if starts is not None else None
        found, weights = _correct(head, task, folds, None if known is None else _Start(known, columns))
        found.column = np.zeros(matrix.shape[1])
        found.column[columns] = weights[:-1]
        return found

    # In threads: the time goes into sparse products, which let others run, and the matrix is shared.
    learnt = Parallel(n_jobs=-1, prefer="threads")(delayed(learn)(*one) for one in enumerate(HEADS))
    corrections = {one.head: one for one in learnt if one is not None}
    return Adapted(corrections, learnt_signals(labels, corrections.get("spam")))


def _occurring(matrix: csr_matrix, anchors: Anchors | None) -> Rows:
    """The columns in which anything stands; of many labels, all."""
    if matrix.shape[0] > MOST_COMPRESSED:
        return np.arange(matrix.shape[1])
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
    target = anchors.targets[:, head]
    weight = (~np.isnan(target)).astype(np.float64)
    task = _Task(anchors.matrix, anchors.base[:, head], target >= 0.5, weight, np.zeros(0, dtype=np.int64))
    return task if task.both else None


@dataclass(slots=True)
class _Task:
    """Labels of one head; those that do not speak of it have no weight."""

    matrix: csr_matrix
    base: Floats
    positive: Bools
    weight: Floats
    groups: Groups
    random: Bools = field(default_factory=lambda: np.zeros(0, dtype=bool))
    """Those that were drawn at random."""
    anchors: _Task | None = None

    def of(self, rows: Rows) -> _Task:
        """Some of the labels."""
        some = self.matrix[rows], self.base[rows], self.positive[rows], self.weight[rows], self.groups[rows]
        return _Task(*some, self.random[rows], self.anchors)

    @property
    def said(self) -> Bools:
        """Labels that speak of the head."""
        return self.weight > 0

    @property
    def both(self) -> bool:
        return _both(self.positive, self.weight)

    @property
    def enough(self) -> bool:
        """Whether enough was drawn at random to choose and to calibrate by."""
        drawn = self.positive[self.random]
        return drawn.size >= ENOUGH and min(int(drawn.sum()), int((~drawn).sum())) >= ENOUGH_OF_EACH


def _both(positive: Bools, weight: Floats) -> bool:
    there = positive[weight > 0]
    return bool(there.any() and not there.all())


def _correct(head: str, task: _Task, folds: int, start: _Start | None) -> tuple[Correction, Floats]:
    learns = folds > 0 and task.enough
    trust, anchor = TRUSTS[0], ANCHORS[0]
    if start is not None:
        trust, anchor = start.known.trust, start.known.anchor
    elif learns:
        trust, anchor = _chosen(task)
    weights = _fitted(task, trust, anchor, start=None if start is None else start.weights)
    unseen = np.full(task.positive.size, np.nan)
    for test, scores in _unseen(task, list(_parts(task, folds)), trust, anchor):
        unseen[test] = scores
    slope, intercept = _calibrated(unseen, task) if learns else (1.0, 0.0)
    told = slope * unseen + intercept
    bias = float(weights[-1])
    return Correction(head, trust, anchor, slope, intercept, bias, np.zeros(0), told, int(task.said.sum())), weights


def _unseen(task: _Task, parts: Sequence[Bools], trust: float, anchor: float) -> Iterator[tuple[Bools, Floats]]:
    """Labels of each part, and their scores by a fit on the others."""
    for test in parts:
        yield test, _scored(task, trust, _fitted(task, trust, anchor, without=test))[test]


def _fitted(
    task: _Task, trust: float, anchor: float, *, without: Bools | None = None, start: Floats | None = None
) -> Floats:
    """Weights [columns], and the bias behind them. Labels that are left out keep their row, and count for nothing."""
    weight = task.weight if without is None else np.where(without, 0.0, task.weight)
    blocks, offset, positive, weight = [task.matrix], trust * task.base, task.positive, _balanced(task.positive, weight)
    if anchor and task.anchors is not None:
        held = task.anchors
        blocks.append(held.matrix)
        offset = np.concatenate([offset, trust * held.base])
        positive = np.concatenate([positive, held.positive])
        amount = _balanced(held.positive, held.weight)
        weight = np.concatenate([weight, amount * (anchor / amount.sum())])
    prior = np.zeros(task.matrix.shape[1] + 1)
    spreads = np.full(prior.size, SPREAD)
    spreads[-1] = BIAS_SPREAD
    table = WithBias(blocks)
    return fit(table, offset, positive, prior, spreads, weight=weight, start=start, tolerance=_TOLERANCE)


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
    found: Floats = trust * task.base + WithBias([task.matrix]) @ weights
    return found


class WithBias:
    """Sparse matrices below each other, with one more column of ones; products in their own, shorter floats."""

    def __init__(self, blocks: Sequence[csr_matrix]) -> None:
        self._blocks = blocks

    def __matmul__(self, weights: Floats) -> Floats:
        short = weights[:-1].astype(np.float32)
        found: Floats = np.concatenate([block @ short for block in self._blocks]).astype(np.float64)
        found += weights[-1]
        return found

    @property
    def T(self) -> _Turned:  # noqa: N802  # As numpy has it.
        """The matrix turned, to be multiplied."""
        return _Turned(self._blocks)


@dataclass(slots=True)
class _Turned:
    blocks: Sequence[csr_matrix]

    def __matmul__(self, rows: Floats) -> Floats:
        out, low = np.zeros(self.blocks[0].shape[1] + 1), 0
        short = rows.astype(np.float32)
        for block in self.blocks:
            out[:-1] += block.T @ short[low : low + block.shape[0]]
            low += block.shape[0]
        out[-1] = rows.sum()
        return out


def _chosen(task: _Task) -> tuple[float, float]:
    """Trust and anchor with the least log-loss on labels drawn at random that a fit did not see.

    The more cautious wins where both are as good.
    """
    chance = np.where(task.random, 0.0, 1.0) + np.random.default_rng(SEED).random(task.positive.size)
    first = np.argsort(np.where(task.said, chance, np.inf), kind="stable")[: min(CHOSEN_ON, int(task.said.sum()))]
    task = task.of(np.sort(first))
    parts = list(_parts(task, FOLDS_TO_CHOOSE))
    sign, weight = np.where(task.positive, 1.0, -1.0), _balanced(task.positive, task.weight) * task.random
    best, least = (TRUSTS[0], ANCHORS[0]), np.inf
    for trust in TRUSTS:
        for anchor in ANCHORS if task.anchors is not None else (0.0,):
            lost = 0.0
            for test, scores in _unseen(task, parts, trust, anchor):
                lost += float(weight[test] @ np.logaddexp(0, -sign[test] * scores))
            if lost < 0.97 * least:
                best, least = (trust, anchor), lost
    return best


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
    fold_of = np.empty(number.size, dtype=np.int64)
    fold_of[order] = np.arange(number.size) % (10 if many else min(count, number.size))
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
        column = (stored[:, i] * head.scale / frequency).astype(matrix.dtype)
        out[:, k] = head.bias + head.slope * (matrix @ column)
    return out
