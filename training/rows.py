"""Features of many comments: made side by side, kept on disk where they are many, so that memory stays small."""

from __future__ import annotations

import mmap
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, Self, TypeVar

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from moderation.comment import Comment
from moderation.grams import feature_count
from training.matrix import Vectorizer

T = TypeVar("T")

MANY = 20_000
"""Comments from which on more than one process works on them, and their features go to disk."""
BLOCK = 4_000_000
"""Features that a block in a file holds at least: 32 MB."""
_GIVE_BACK = getattr(mmap, "MADV_DONTNEED", None)  # Not every system has it.


class Rows:
    """Features of comments [comments, columns], float32, in blocks of rows that are worked on side by side.

    Blocks may lie in a file: what a product has read of it is given back at once, so that memory holds a few blocks
    and never all of them. How rows are cut does not depend on the machine, so sums are the same on any.
    """

    def __init__(self, blocks: Sequence[csr_matrix | _Stored], columns: int) -> None:
        self._blocks = blocks
        self._lows = np.cumsum([0, *(block.shape[0] for block in blocks)]).tolist()
        self.shape: tuple[int, int] = self._lows[-1], columns

    @classmethod
    def of(cls, matrix: csr_matrix) -> Self:
        """Rows in memory."""
        return cls([matrix], matrix.shape[1])

    def above(self, others: Rows) -> Rows:
        """These, and others below them."""
        return Rows([*self._blocks, *others._blocks], self.shape[1])

    def __matmul__(self, column: NDArray[np.floating]) -> NDArray[np.float32]:
        # In their own floats: with longer ones all of a block would be copied.
        short = column.astype(np.float32)
        return np.concatenate([np.zeros(0, np.float32), *self._each(lambda block, _: block @ short)])

    def turned(self, values: NDArray[np.floating]) -> NDArray[np.floating]:
        """The product of the transposed rows with ``values`` [comments]."""
        short = values.astype(np.float32)
        parts = self._each(lambda block, low: block.T @ short[low : low + block.shape[0]])
        if len(self._blocks) == 1:
            return next(parts)
        out = np.zeros(self.shape[1])
        for part in parts:
            out += part
        return out

    def __getitem__(self, rows: NDArray[np.int64]) -> csr_matrix:
        """Some rows, in memory, in the order asked for."""

        def wanted(block: csr_matrix, low: int) -> tuple[NDArray[np.int64], csr_matrix]:
            mine = np.flatnonzero((rows >= low) & (rows < low + block.shape[0]))
            return mine, block[rows[mine] - low]

        found = list(self._each(wanted))
        back = np.argsort(np.concatenate([np.zeros(0, np.int64), *(places for places, _ in found)]), kind="stable")
        none = csr_matrix((0, self.shape[1]), dtype=np.float32)
        return vstack([none, *(part for _, part in found)], format="csr")[back]

    def there(self) -> NDArray[np.int64]:
        """The columns in which anything stands, in order."""
        found = np.zeros(self.shape[1], dtype=bool)
        for columns in self._each(lambda block, _: np.unique(block.indices)):
            found[columns] = True
        return np.flatnonzero(found)

    def of_columns(self, columns: NDArray[np.int64]) -> Rows:
        """Some columns of all rows, in memory."""
        return Rows(list(self._each(lambda block, _: block[:, columns])), columns.size)

    def _each(self, work: Callable[[csr_matrix, int], T]) -> Iterator[T]:
        """What comes of each block and the number of its first row, in their order."""

        def done(place: tuple[csr_matrix | _Stored, int]) -> T:
            block, low = place
            if not isinstance(block, _Stored):
                return work(block, low)
            found = work(block.read(), low)
            block.give_back()
            return found

        places = zip(self._blocks, self._lows[:-1], strict=True)
        # Sparse products let other threads run.
        return map(done, places) if len(self._blocks) == 1 else _threads().map(done, places)


@cache
def _threads() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(thread_name_prefix="rows")


class _Stored:
    """A block whose columns and values lie in two files, mapped into memory."""

    def __init__(self, bounds: NDArray[np.int32], columns: Path, values: Path, first: int, width: int) -> None:
        self._bounds = bounds
        size = int(bounds[-1])
        # Mapped by the block: pages are given back by the mapping.
        self._columns = np.memmap(columns, dtype=np.int32, mode="r", offset=first * 4, shape=(size,))
        self._values = np.memmap(values, dtype=np.float32, mode="r", offset=first * 4, shape=(size,))
        self.shape = bounds.size - 1, width

    def read(self) -> csr_matrix:
        return csr_matrix((self._values, self._columns, self._bounds), shape=self.shape, copy=False)

    def give_back(self) -> None:
        if _GIVE_BACK is not None:
            for one in (self._columns, self._values):
                mapped: Any = one.base
                mapped.madvise(_GIVE_BACK)


def features(vectorizer: Vectorizer, parts: Iterable[Sequence[Comment]], expected: int, folder: Path) -> Rows:
    """Rows of all comments, part by part.

    If ``expected`` comments are many, several processes make them and the arrays are files in ``folder``.
    """
    width = feature_count(vectorizer.bits)
    if expected < MANY:
        rows = [vectorizer.transform(part) for part in parts]
        return Rows.of(vstack(rows, format="csr") if rows else csr_matrix((0, width), dtype=np.float32))
    made = Parallel(n_jobs=-1, return_as="generator", pre_dispatch="2*n_jobs")(
        delayed(vectorizer.transform)(part) for part in parts
    )
    return _on_disk(made, width, folder)


def _on_disk(made: Iterator[csr_matrix], width: int, folder: Path) -> Rows:
    blocks, first = [], 0
    columns, values = folder / "columns", folder / "values"
    with columns.open("wb") as places, values.open("wb") as numbers:
        for some in _blocks(made):
            for one in some:
                _append(places, one.indices.astype(np.int32))
                _append(numbers, one.data.astype(np.float32))
            sizes = np.concatenate([np.diff(one.indptr) for one in some])
            blocks.append((first, np.concatenate([[0], np.cumsum(sizes)]).astype(np.int32)))
            first += int(sizes.sum())
    return Rows([_block(columns, values, *one, width) for one in blocks], width)


def _block(columns: Path, values: Path, first: int, bounds: NDArray[np.int32], width: int) -> csr_matrix | _Stored:
    if bounds[-1]:
        return _Stored(bounds, columns, values, first, width)
    return csr_matrix((bounds.size - 1, width), dtype=np.float32)  # An empty file cannot be mapped.


def _blocks(made: Iterable[csr_matrix]) -> Iterator[list[csr_matrix]]:
    some: list[csr_matrix] = []
    for one in made:
        some.append(one)
        if sum(part.nnz for part in some) >= BLOCK:
            yield some
            some = []
    if some:
        yield some


def _append(file: BinaryIO, array: NDArray[np.generic]) -> None:
    file.write(array.tobytes())
