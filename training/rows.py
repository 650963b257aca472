"""Features of many comments: made side by side, kept on disk where they are many, so that memory stays small."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from moderation.comment import Comment
from training.matrix import CommentVectorizer

T = TypeVar("T")

MANY = 20_000
"""Comments from which on more than one process works on them, and their features go to disk."""


def features(
    vectorizer: CommentVectorizer, parts: Iterable[Sequence[Comment]], expected: int, folder: Path
) -> csr_matrix:
    """Rows of all comments, part by part, as float32 [comments, 2**bits].

    If ``expected`` comments are many, several processes make them and the arrays are files in ``folder``, mapped into
    memory: the system drops their pages when it needs the room.
    """
    if expected < MANY:
        rows = [vectorizer.transform(part) for part in parts]
        return vstack(rows, format="csr") if rows else csr_matrix((0, 1 << vectorizer.bits), dtype=np.float32)
    made = Parallel(n_jobs=-1, return_as="generator", pre_dispatch="2*n_jobs")(
        delayed(vectorizer.transform)(part) for part in parts
    )
    return _on_disk(made, 1 << vectorizer.bits, folder)


def _on_disk(made: Iterator[csr_matrix], columns: int, folder: Path) -> csr_matrix:
    bounds, last = [np.zeros(1, dtype=np.int64)], 0
    with (folder / "columns").open("wb") as places, (folder / "values").open("wb") as values:
        for one in made:
            _append(places, one.indices.astype(np.int32))
            _append(values, one.data.astype(np.float32))
            bounds.append(one.indptr[1:].astype(np.int64) + last)
            last += one.nnz
    indptr = np.concatenate(bounds)
    if not last:
        return csr_matrix((indptr.size - 1, columns), dtype=np.float32)
    data = np.memmap(folder / "values", dtype=np.float32, mode="r")
    indices = np.memmap(folder / "columns", dtype=np.int32, mode="r")
    matrix = csr_matrix((indptr.size - 1, columns), dtype=np.float32)
    if last <= np.iinfo(np.int32).max:
        matrix.data, matrix.indices, matrix.indptr = data, indices, indptr.astype(np.int32)
    else:  # Then scipy wants both kinds of indices long.
        matrix.data, matrix.indices, matrix.indptr = data, indices.astype(np.int64), indptr
    matrix.has_sorted_indices = False
    return matrix


def _append(file: BinaryIO, array: NDArray[np.generic]) -> None:
    file.write(array.tobytes())
