"""Phrases known from spam, as evidence: which of many thousand substrings stand in a text.

The phrases are not kept, only their hashes, sorted, with what each is worth; they are compiled into a model when it is
trained. Hashes are windows over the prefix hashes that the n-grams are made from, so finding them costs two table
look-ups for most places: a phrase is looked for only where its first five or eight characters may stand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation import compiled
from moderation.grams import INVERSE, PrefixHash, hash_string

SHORTEST, LONGEST = 5, 32
"""Lengths of phrases, in characters."""
HEADS = ((SHORTEST, range(SHORTEST, 8)), (8, range(8, LONGEST + 1)))
"""A phrase is looked for where its first characters stand: so many of them, for phrases of these lengths."""
HEAD_BITS, WHOLE_BITS = 21, 22
UNIT = 10.0
"""Worth is stored in tenths of log-odds."""

Index = NDArray[np.int64]

_LENGTHS = np.arange(SHORTEST, LONGEST + 1)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
_GATHER = np.uint64(pow(int(_SPREAD), -1, 1 << 64))
"""A product with ``_SPREAD`` spreads a hash over all bits, one with ``_GATHER`` takes it back."""
_FACTORS = np.array([INVERSE[1], _SPREAD], dtype=np.uint64)
_HEADS = np.array([head for head, _ in HEADS])
_LENGTHS_OF_HEADS = np.array([*(lengths.start for _, lengths in HEADS), HEADS[-1][1].stop])
_SPREAD_INVERSE = INVERSE * _SPREAD
"""Takes a difference of prefix hashes straight to a hash spread over all bits."""


@dataclass(slots=True)
class Found:
    """Phrases found: where each begins, its length in code points, its number in the list and its worth."""

    start: Index
    length: Index
    number: Index
    worth: NDArray[np.float32]


_NO_PLACES = np.zeros(0, dtype=np.int64)
_NOTHING = Found(_NO_PLACES, _NO_PLACES, _NO_PLACES, np.zeros(0, dtype=np.float32))


class _Map:
    """A set of hashes as ``2**bits`` bits: a hash whose bit is not set is not in the set.

    Bits, not bytes: small enough for the processor's cache, which is worth more than the steps to take one out.
    """

    def __init__(self, hashes: NDArray[np.uint64], bits: int) -> None:
        self._shift = np.uint64(64 - bits)
        self.bytes = np.zeros(1 << (bits - 3), dtype=np.uint8)
        place = ((hashes * _SPREAD) >> self._shift).view(np.int64)
        np.bitwise_or.at(self.bytes, place >> 3, np.left_shift(1, place & 7).astype(np.uint8))

    def may_hold(self, spread: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Whether each hash, times ``_SPREAD``, may be in the set."""
        place = (spread >> self._shift).view("<i8")
        bit = place.view(np.uint8)[..., ::8] & 7  # Every eighth byte: the lowest one of a number.
        place >>= 3
        byte = self.bytes.take(place)
        byte >>= bit
        byte &= 1
        return byte.view(np.bool_)


class Phrases:
    """A compiled list: ``hashes`` [n], sorted, ``worths`` [n] in tenths of log-odds, ``heads`` of the beginnings."""

    def __init__(self, hashes: NDArray[np.uint64], worths: NDArray[np.int8], heads: NDArray[np.uint64]) -> None:
        self.hashes, self.worths, self.heads = hashes, worths, heads
        # One map for heads of every length: a head of another length that falls on it only costs a look.
        self._head = _Map(heads, HEAD_BITS)
        self._whole = _Map(hashes, WHOLE_BITS)

    @classmethod
    def from_array(cls, array: NDArray[np.uint64]) -> Phrases:
        """Read the array of ``as_array``."""
        return cls(array[:, 0].copy(), array[:, 1].astype(np.int8), array[:, 2].copy())

    def as_array(self) -> NDArray[np.uint64]:
        """[n, 3]: hash, worth, hash of the first characters."""
        return np.stack([self.hashes, self.worths.astype(np.uint64), self.heads], axis=1)

    def find(self, hashed: PrefixHash) -> Found:
        """Every phrase in an array of code points."""
        if compiled.KERNELS is None:
            start, length, number = self._find(hashed)
        else:
            maps = self._head.bytes, HEAD_BITS, self._whole.bytes, WHOLE_BITS
            where = hashed.prefix, hashed.size, hashed.seams, _HEADS, _LENGTHS_OF_HEADS
            start, length, number = compiled.KERNELS.find_phrases(*where, *maps, _FACTORS, self.hashes)
        if not start.size:
            return _NOTHING
        return Found(start, length, number, self.worths[number].astype(np.float32) / np.float32(UNIT))

    def _find(self, hashed: PrefixHash) -> tuple[Index, Index, Index]:
        """Where phrases begin, their lengths and their numbers, with numpy alone."""
        begin = self._heads_in(hashed)
        # All lengths at once: [places, lengths].
        places = begin[:, None]
        whole = hashed.prefix.take(places + _LENGTHS)
        whole -= hashed.prefix.take(places)
        whole *= _SPREAD_INVERSE.take(places)
        flat = self._whole.may_hold(whole).ravel().nonzero()[0]
        wanted = whole.ravel().take(flat) * _GATHER
        number = self.hashes.searchsorted(wanted)
        sure = (self.hashes.take(number, mode="clip") == wanted).nonzero()[0] if self.hashes.size else _NO_PLACES
        row, column = np.divmod(flat[sure], _LENGTHS.size)
        start, length = begin[row], column + SHORTEST
        # Neither into the next text nor into the padding.
        last = np.minimum(np.append(hashed.seams, hashed.size)[hashed.seams.searchsorted(start)], hashed.size)
        inside = start + length <= last
        return start[inside], length[inside], number[sure[inside]]

    def _heads_in(self, hashed: PrefixHash) -> Index:
        """Places where the first characters of a phrase may stand."""
        prefix, size = hashed.prefix, hashed.size
        heads = np.empty((len(HEADS), size), dtype=np.uint64)
        for row, (head, _) in enumerate(HEADS):
            np.subtract(prefix[head : head + size], prefix[:size], out=heads[row])
        heads *= _SPREAD_INVERSE[:size]
        either: Index = np.logical_or(*self._head.may_hold(heads)).nonzero()[0]
        return either


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
