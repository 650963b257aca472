"""The classifier: linear heads over one weight matrix, calibrated, with exact explanations.

The logit of a head is ``bias + slope * sum(weight * scale)`` over the features of a comment, so every feature's part
in it is known: ``moderation.explain`` gathers those parts to words, links and author facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moderation import artifact, compiled
from moderation.artifact import Model
from moderation.comment import Comment
from moderation.compiled import Rows
from moderation.features import BLOCKS, SCALES, TOKEN_SCALE, Features, Run, extract
from moderation.grams import Floats, Index

MAX_LOGIT = 12.0
"""Scores stay inside [6e-6, 1 - 6e-6]: no evidence in text is worth more certainty than that."""

DIGITS = 6
"""Of a score are told and looked at; whoever sets thresholds must look at as many."""

_LEAST_NORM = np.float32(1e-6)
_TOKEN_SCALE = np.float32(TOKEN_SCALE)
_LONG = 500
"""Rows of a run on average, from which on runs are added up one by one."""


@dataclass(frozen=True, slots=True)
class Scored:
    """Calibrated log-odds [comments, heads], and what one count of a row weighs [comments, blocks]."""

    logits: Floats
    scale: Floats


class Classifier:
    """A loaded model. Cheap to share between threads: it is never written to."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.manifest = manifest = model.manifest
        self.name = manifest.name
        self.heads = tuple(head.name for head in manifest.heads)
        self._weights = np.asarray(model.weights)  # The same memory without the cost of the subclass.
        self._phrases = model.phrases
        self._bias = np.array([head.bias for head in manifest.heads], dtype=np.float32)
        self._slope = np.array([head.slope * head.scale for head in manifest.heads], dtype=np.float32)

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Load and verify a model folder; raises :class:`~moderation.errors.ArtifactError`."""
        return cls(artifact.read(folder))

    @property
    def sight(self) -> tuple[int, str]:
        """The same for all models that see the same in comments, which share their features."""
        return self.manifest.bits, self.manifest.sha256[artifact.PHRASES]

    def features(self, comments: Sequence[Comment]) -> Features:
        """What this model sees of the comments."""
        return extract(comments, self.manifest.bits, self._phrases)

    def scored(self, features: Features) -> Scored:
        """Score features: sums of the rows' columns, each block scaled to its norm."""
        sums = np.zeros((features.size * BLOCKS, self._weights.shape[1]))
        for run in features.runs:
            self._add_sums(sums, run)
        blocks = sums.astype(np.float32).reshape(features.size, BLOCKS, sums.shape[1])
        norm = np.sqrt(blocks[:, :, -1] * features.repeats * self.manifest.frequency_scale)
        scale = SCALES / np.maximum(norm, _LEAST_NORM)
        # [comments, 1, blocks] @ [comments, blocks, columns]
        out = (scale[:, None] @ blocks)[:, 0]
        if features.token_rows.size:
            np.add.at(out, features.token_owner, self._weights[features.token_rows] * _TOKEN_SCALE)
        logits = out[:, : len(self.heads)] * self._slope + self._bias
        return Scored(np.minimum(np.maximum(logits, -MAX_LOGIT), MAX_LOGIT), scale)

    def _add_sums(self, sums: NDArray[np.float64], run: Run) -> None:
        """Add to each comment's block [comments * blocks, columns] the sum of its rows of a run."""
        blocks = run.owner * BLOCKS + run.block
        if compiled.KERNELS is not None:
            compiled.KERNELS.add_rows(self._weights, run.rows, run.bounds, blocks, sums)
        else:
            self._add_rows(sums, run.rows, run.bounds, blocks)

    def _add_rows(self, sums: NDArray[np.float64], rows: Rows, bounds: Index, blocks: Index) -> None:
        """The same with numpy alone. Sums of whole numbers are exact, so that their order is of no matter."""
        if rows.size >= _LONG * blocks.size:
            for block, (low, high) in zip(blocks.tolist(), pairwise(bounds.tolist()), strict=True):
                # A product adds up columns several times faster than sum() or reduceat() does, once they are long.
                sums[block] += np.ones(high - low) @ self._weights.take(rows[low:high], axis=0).astype(np.float64)
            return
        weights = self._weights.take(rows, axis=0).astype(np.float64)
        filled = bounds[1:] > bounds[:-1]  # reduceat gives an empty run its neighbour's value.
        if filled.any():
            parts = np.add.reduceat(weights, bounds[:-1][filled], axis=0)
            np.add.at(sums, blocks[filled], parts)

    def scores(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Calibrated probabilities, [comments, heads]."""
        return sigmoid(self.scored(self.features(comments)).logits)

    def start(self, head: int) -> float:
        """The log-odds of a head before any evidence."""
        return float(self._bias[head])

    def effects(self, rows: Index | Rows, head: Index) -> Floats:
        """What one count of each row adds to the log-odds of the head beside it, before the scale of its block."""
        out: Floats = self._weights[rows, head].astype(np.float32) * self._slope[head]
        return out


def sigmoid(logits: NDArray[np.floating]) -> NDArray[np.float64]:
    """Log-odds to probabilities."""
    out: NDArray[np.float64] = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return out
