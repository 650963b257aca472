"""Phrases known from spam, as evidence: which of many thousand substrings stand in a text.

The phrases are not kept, only their hashes, sorted, with what each is worth; they are compiled into a model when it is
trained. Hashes are windows over the prefix hashes that the n-grams are made from, so finding them costs two table
look-ups for most places: one for the first characters, one for each length that a phrase beginning there could have.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.grams import PrefixHash, hash_string

SHORTEST, LONGEST = 5, 32
"""Lengths of phrases, in characters."""
HEADS = ((SHORTEST, range(SHORTEST, 8)), (8, range(8, LONGEST + 1)))
"""A phrase is looked for where its first characters stand: so many of them, for phrases of these lengths."""
HEAD_BITS = 18
WHOLE_BITS = 20
UNIT = 10.0
"""Worth is stored in tenths of log-odds."""

Index = NDArray[np.int64]


@dataclass(slots=True)
class Found:
    """Phrases found: where each begins, its length in code points, its number in the list and its worth."""

    start: Index
    length: Index
    number: Index
    worth: NDArray[np.float32]


class Phrases:
    """A compiled list: ``hashes`` [n], sorted, ``worths`` [n] in tenths of log-odds, ``heads`` of the beginnings."""

    def __init__(self, hashes: NDArray[np.uint64], worths: NDArray[np.int8], heads: NDArray[np.uint64]) -> None:
        self.hashes, self.worths, self.heads = hashes, worths, heads
        # One map for heads of every length: a head of another length that falls on it only costs a look.
        self._head = np.zeros(1 << HEAD_BITS, dtype=bool)
        self._head[_short(heads, HEAD_BITS)] = True
        self._whole = np.zeros(1 << WHOLE_BITS, dtype=bool)
        self._whole[_short(hashes, WHOLE_BITS)] = True

    @classmethod
    def from_array(cls, array: NDArray[np.uint64]) -> Phrases:
        """Read the array of ``as_array``."""
        return cls(array[:, 0].copy(), array[:, 1].astype(np.int8), np.unique(array[:, 2]))

    def as_array(self) -> NDArray[np.uint64]:
        """[n, 3]: hash, worth, hash of the first characters."""
        return np.stack([self.hashes, self.worths.astype(np.uint64), self.heads], axis=1)

    def find(self, hashed: PrefixHash) -> Found:
        """Every phrase in an array of code points."""
        parts = [self._find(hashed, head, np.array(lengths)) for head, lengths in HEADS]
        start, length, number = (np.concatenate(some) for some in zip(*parts, strict=True))
        return Found(start, length, number, self.worths[number].astype(np.float32) / np.float32(UNIT))

    def _find(self, hashed: PrefixHash, head: int, lengths: Index) -> tuple[Index, Index, Index]:
        """Starts, lengths and numbers of the phrases of some lengths."""
        size = hashed.size
        heads = hashed.windows(head)
        begin = self._head[_short(heads, HEAD_BITS)].nonzero()[0]
        # All lengths at once: [places, lengths].
        ends = begin[:, None] + lengths
        inside = ends <= size
        if hashed.seams.size:  # No phrase runs over into the next text.
            last = np.append(hashed.seams, size)[hashed.seams.searchsorted(begin)]
            inside &= ends <= last[:, None]
        row, column = inside.nonzero()
        whole = hashed.between(begin[row], ends[row, column])
        likely = self._whole[_short(whole, WHOLE_BITS)].nonzero()[0]
        wanted = whole[likely]
        place = np.minimum(self.hashes.searchsorted(wanted), max(self.hashes.size - 1, 0))
        sure = self.hashes[place] == wanted if self.hashes.size else np.zeros(0, dtype=bool)
        found = likely[sure]
        return begin[row[found]], lengths[column[found]], place[sure]


def _short(hashes: NDArray[np.uint64], bits: int) -> Index:
    mixed = hashes * np.uint64(0x9E3779B97F4A7C15)
    return (mixed >> np.uint64(64 - bits)).view(np.int64)


def _head_of(phrase: str) -> int:
    return next(head for head, lengths in HEADS if len(phrase) in lengths)


def compile_phrases(worth: Iterable[tuple[str, float]]) -> Phrases:
    """Compile folded phrases with their worth in log-odds; what is too short, too long or worth nothing is left out."""
    entries = {
        hash_string(phrase): (round(min(value * UNIT, 127)), hash_string(phrase[: _head_of(phrase)]))
        for phrase, value in worth
        if SHORTEST <= len(phrase) <= LONGEST and value * UNIT >= 0.5
    }
    hashes = np.array(sorted(entries), dtype=np.uint64)
    worths = np.array([entries[int(one)][0] for one in hashes], dtype=np.int8)
    heads = np.array([entries[int(one)][1] for one in hashes], dtype=np.uint64)
    return Phrases(hashes, worths, heads)


NONE = compile_phrases(())
