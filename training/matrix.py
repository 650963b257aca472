"""Comments to a sparse matrix: the features of ``moderation``, weighed by how rare they are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags, vstack

from moderation.comment import Comment
from moderation.features import BLOCKS, NAMES, SCALES, TEXT, TOKEN_SCALE, extract
from moderation.grams import feature_count
from moderation.phrases import NONE, Phrases

BATCH = 512


@dataclass(slots=True)
class Counts:
    """What stands in comments, before it is weighed: n-grams of text and names, tokens, and how words repeat."""

    grams: tuple[csr_matrix, csr_matrix]
    tokens: csr_matrix
    repeats: NDArray[np.float32]


class Vectorizer:
    """Turns comments (or plain strings) into TF-IDF rows of features, as the classifier weighs them.

    ``fit`` learns ``frequency_`` [features], the inverse document frequency of each row:
    log((n + 1) / (df + 1)) + 1.
    """

    def __init__(self, *, bits: int = 18, phrases: Phrases = NONE) -> None:
        self.bits = bits
        self.phrases = phrases

    def fit(self, comments: Sequence[Comment | str], y: Any = None, sample_weight: Any = None) -> Self:
        """Learn the document frequencies; ``sample_weight`` lets a document count for more or less than one."""
        self.fit_counts(self.counts(comments), sample_weight)
        return self

    def fit_counts(self, counts: Counts, sample_weight: NDArray[np.floating] | None = None) -> None:
        """Learn the document frequencies from counts."""
        text = counts.grams[TEXT]
        weight = np.ones(text.shape[0]) if sample_weight is None else np.asarray(sample_weight)
        rows = np.repeat(np.arange(text.shape[0]), np.diff(text.indptr))
        seen = np.bincount(text.indices, weight[rows], feature_count(self.bits))
        self.frequency_ = np.log((weight.sum() + 1) / (seen + 1)) + 1

    def transform(self, comments: Sequence[Comment | str]) -> csr_matrix:
        """CSR matrix [comments, features], float32; its product with a column of weights is the head's raw score."""
        return self.weigh(self.counts(comments))

    def weigh(self, counts: Counts) -> csr_matrix:
        """The rows of comments that were counted."""
        squares = (self.frequency_**2).astype(np.float32)
        weighed = counts.tokens * np.float32(TOKEN_SCALE)
        for block, grams in enumerate(counts.grams):
            norm = np.sqrt(np.maximum((grams @ squares) * counts.repeats[:, block], 1e-12))
            weighed = weighed + diags((SCALES[block] / norm).astype(np.float32)) @ grams
        return (weighed @ diags(self.frequency_.astype(np.float32))).tocsr().astype(np.float32)

    def counts(self, comments: Sequence[Comment | str]) -> Counts:
        """Count without weighing."""
        rows = [Comment(text=comment) if isinstance(comment, str) else comment for comment in comments]
        parts = [_counts(rows[i : i + BATCH], self.bits, self.phrases) for i in range(0, max(len(rows), 1), BATCH)]
        return joined(parts)


def joined(parts: Sequence[Counts]) -> Counts:
    """Counts of one list of comments after the other."""
    text, names = (vstack([part.grams[block] for part in parts], format="csr") for block in (TEXT, NAMES))
    tokens = vstack([part.tokens for part in parts], format="csr")
    return Counts((text, names), tokens, np.concatenate([part.repeats for part in parts]))


def _counts(comments: Sequence[Comment], bits: int, phrases: Phrases) -> Counts:
    features = extract(comments, bits, phrases)
    shape = len(comments), feature_count(bits)
    grams = []
    for block in range(BLOCKS):
        owners, rows = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
        for run in features.runs:
            sizes = np.diff(run.bounds)
            mine = (run.block == block).repeat(sizes)
            owners.append(run.owner.repeat(sizes)[mine])
            rows.append(run.rows[mine])
        grams.append(_ones(np.concatenate(owners), np.concatenate(rows), shape))
    return Counts(
        (grams[TEXT], grams[NAMES]), _ones(features.token_owner, features.token_rows, shape), features.repeats
    )


def _ones(owners: NDArray[np.int64], rows: NDArray[np.int64], shape: tuple[int, int]) -> csr_matrix:
    matrix = csr_matrix((np.ones(rows.size, dtype=np.float32), (owners, rows)), shape=shape)
    matrix.sum_duplicates()
    return matrix
