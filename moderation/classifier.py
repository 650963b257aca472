"""The classifier: linear heads over one weight matrix, calibrated, with exact explanations.

The logit of a head is ``bias + slope * sum(weight * scale)`` over the features of a comment, so every feature's part
in it is known: ``moderation.explain`` gathers those parts to words, links and author facts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moderation import artifact
from moderation.artifact import Manifest
from moderation.comment import Comment
from moderation.features import TOKEN_SCALE, Features, Floats, Index, extract

MAX_LOGIT = 12.0
"""Scores stay inside [6e-6, 1 - 6e-6]: no evidence in text is worth more certainty than that."""


class Classifier:
    """A loaded model. Cheap to share between threads: it is never written to."""

    def __init__(self, manifest: Manifest, weights: NDArray[np.int16]) -> None:
        self.manifest = manifest
        self.name = manifest.name
        self.heads = tuple(head.name for head in manifest.heads)
        self._weights = np.asarray(weights)  # The same memory without the cost of the subclass.
        self._bias = np.array([head.bias for head in manifest.heads], dtype=np.float32)
        self._slope = np.array([head.slope * head.scale for head in manifest.heads], dtype=np.float32)

    @classmethod
    def load(cls, folder: Path) -> Classifier:
        """Load and verify a model folder; raises :class:`~moderation.errors.ArtifactError`."""
        return cls(*artifact.read(folder))

    def features(self, comments: Sequence[Comment]) -> Features:
        """What this model sees of the comments."""
        return extract(comments, self.manifest.bits)

    def logits(self, features: Features) -> Floats:
        """Calibrated log-odds, [comments, heads]."""
        out = np.zeros((features.size, self._weights.shape[1]), dtype=np.float32)
        for run in features.runs:
            scale = features.scale[run.owner, run.block]
            _add_sums(out, self._weights.take(run.rows, axis=0), run.bounds, run.owner, scale)
        if features.token_rows.size:
            np.add.at(out, features.token_owner, self._weights[features.token_rows].astype(np.float32) * TOKEN_SCALE)
        logits: Floats = out[:, : len(self.heads)] * self._slope + self._bias
        return logits.clip(-MAX_LOGIT, MAX_LOGIT, out=logits)

    def scores(self, comments: Sequence[Comment]) -> NDArray[np.float64]:
        """Calibrated probabilities, [comments, heads]."""
        return sigmoid(self.logits(self.features(comments)))

    def start(self, head: int) -> float:
        """The log-odds of a head before any evidence."""
        return float(self._bias[head])

    def effects(self, rows: NDArray[np.int64], head: NDArray[np.int64]) -> NDArray[np.float32]:
        """What one count of each row adds to the log-odds of the head beside it."""
        out: NDArray[np.float32] = self._weights[rows, head].astype(np.float32) * self._slope[head]
        return out


def _add_sums(out: Floats, gathered: NDArray[np.int16], bounds: Index, owner: Index, scale: Floats) -> None:
    """Add to each owner the scaled sum of its run of gathered rows."""
    if out.shape[0] == 1:
        # A product adds up columns several times faster than sum() or reduceat() does.
        out[0] += scale.repeat(bounds[1:] - bounds[:-1]) @ gathered.astype(np.float32)
        return
    filled = bounds[1:] > bounds[:-1]  # reduceat gives an empty run its neighbour's value.
    if filled.any():
        sums = np.add.reduceat(gathered.astype(np.float32), bounds[:-1][filled], axis=0)
        np.add.at(out, owner[filled], sums * scale[filled, None])


def sigmoid(logits: Floats) -> NDArray[np.float64]:
    """Log-odds to probabilities."""
    out: NDArray[np.float64] = 1 / (1 + np.exp(-logits.astype(np.float64)))
    return out
