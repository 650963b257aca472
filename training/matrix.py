"""Comments to a sparse matrix: the features of ``moderation``, behind scikit-learn's estimator contract."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack
from sklearn.base import BaseEstimator, TransformerMixin

from moderation.comment import Comment
from moderation.features import TOKEN_SCALE, extract

BATCH = 512


class CommentVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Turns comments (or plain strings) into rows of ``2**bits`` features. Stateless: nothing is learnt in ``fit``."""

    def __init__(self, *, bits: int = 18) -> None:
        self.bits = bits

    def fit(self, comments: Sequence[Comment | str], y: Any = None) -> Self:
        """Nothing to learn; notes the number of features."""
        self.n_features_out_ = 1 << self.bits
        return self

    def transform(self, comments: Sequence[Comment | str]) -> csr_matrix:
        """CSR matrix [comments, 2**bits], float32; the dot product with a weight column is the head's raw score."""
        rows = [Comment(text=comment) if isinstance(comment, str) else comment for comment in comments]
        if not rows:
            return csr_matrix((0, 1 << self.bits), dtype=np.float32)
        return vstack([_matrix(rows[i : i + BATCH], self.bits) for i in range(0, len(rows), BATCH)], format="csr")


def _matrix(comments: Sequence[Comment], bits: int) -> csr_matrix:
    features = extract(comments, bits)
    owners: list[NDArray[np.int64]] = [features.token_owner]
    rows: list[NDArray[np.int64]] = [features.token_rows]
    values: list[NDArray[np.float32]] = [np.full(features.token_rows.size, TOKEN_SCALE, dtype=np.float32)]
    for run in features.runs:
        sizes = np.diff(run.bounds)
        owners.append(run.owner.repeat(sizes))
        rows.append(run.rows)
        values.append(features.scale[run.owner, run.block].repeat(sizes))
    matrix = csr_matrix(
        (np.concatenate(values), (np.concatenate(owners), np.concatenate(rows))),
        shape=(len(comments), 1 << bits),
        dtype=np.float32,
    )
    matrix.sum_duplicates()
    return matrix
