"""N-grams of many texts at once, as hashes.

N-grams are hashed with a polynomial prefix hash over code points (Karp and Rabin 1987) modulo 2**64: with
H[i] = sum(c[j] * P**j for j < i), the window from i to k hashes to (H[k] - H[i]) * P**-i. One cumulative sum serves
windows of every length, so a whole batch is hashed without a Python loop over characters.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from moderation import compiled
from moderation.compiled import Rows
from moderation.text import WORD, Codes

CHUNK = 1 << 15
"""Code points worked on at a time: the arrays stay in the processor's cache, whatever a comment's length."""

Index = NDArray[np.int64]
Floats = NDArray[np.float32]

SIZES = 4
"""Lengths of character n-grams, from two on."""
_SHORTEST = 2
_MASK = (1 << 64) - 1
_P = 0x9E3779B97F4A7C15
_MIX_SIZE = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA5CB3B8E6A5F7D4B], dtype=np.uint64)
_MIX_WORD = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_PAIR = np.uint64(0x165667B19E3779F9)
_FACTORS = np.array([_P, pow(_P, -1, 1 << 64), _MIX_WORD, _MIX_PAIR], dtype=np.uint64)
_LETTERS = WORD.view(np.uint8)
"""Whether a code point is of words; of those beyond the table, the last says it."""
_SPACE = 32


def _powers(base: int) -> NDArray[np.uint64]:
    out = np.full(CHUNK + 8, base, dtype=np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


_POWER = _powers(_P)
INVERSE = _powers(pow(_P, -1, 1 << 64))
_WINDOW_INVERSE = np.ascontiguousarray(INVERSE[:, None] * _MIX_SIZE[None, :])
_COUNTING = np.arange(CHUNK)
_PADDING = 40
"""Room behind prefix hashes, so that windows of up to so many characters may be taken anywhere."""


@dataclass(slots=True)
class PrefixHash:
    """Prefix hashes of one chunk of ``size`` code points, and padding; a seam counts as a space.

    ``seams`` may also hold one before the chunk and one behind it.
    """

    prefix: NDArray[np.uint64]
    size: int
    seams: Index

    def between(self, start: Index, end: Index) -> NDArray[np.uint64]:
        """Hashes of the windows ``[start, end)``, wherever in a chunk they stand."""
        out: NDArray[np.uint64] = (self.prefix[end] - self.prefix[start]) * INVERSE[start]
        return out


def hash_string(text: str) -> int:
    """The hash a window with this text has."""
    total, power = 0, 1
    for char in text:
        total += ord(char) * power
        power = power * _P & _MASK
    return total & _MASK


@dataclass(slots=True)
class Grams:
    """The n-grams of one chunk of text: of characters, then words, then pairs, each in the order of their places."""

    rows: Rows
    before: NDArray[np.int32]
    """How many n-grams of characters begin before each place [size + 1]."""
    start: Index
    end: Index
    """Words stand at ``codes[start:end]``."""
    pair_first: Index
    """Number of the first word of each pair; the second is the next."""
    hashed: PrefixHash

    @property
    def characters(self) -> int:
        """How many n-grams of characters there are; behind their rows stand those of the words."""
        return int(self.before[-1])

    @property
    def word(self) -> Rows:
        """Rows of the words."""
        return self.rows[self.characters : self.characters + self.start.size]


def hash_grams(codes: Codes, seams: Index, bits: int) -> Grams:
    """Hash every n-gram of at most ``CHUNK`` code points that begin and end with a space or one of the seams.

    No n-gram crosses a space, and no pair of words crosses a seam.
    """
    if compiled.KERNELS is None:
        return _hash_grams(codes, seams, bits)
    made = compiled.KERNELS.hash_grams(codes, seams, _LETTERS, _FACTORS, _MIX_SIZE, bits, _PADDING)
    return Grams(*made[1:], PrefixHash(made[0], codes.size, seams))


def _hash_grams(codes: Codes, seams: Index, bits: int) -> Grams:
    """The same with numpy alone."""
    shift = np.uint64(64 - bits)
    spaced = np.maximum(codes, np.uint32(_SPACE))  # The seam is the one code point below the space.
    prefix = np.zeros(codes.size + 1 + _PADDING, dtype=np.uint64)
    sums = prefix[1 : codes.size + 1]
    np.multiply(spaced, _POWER[: codes.size], out=sums)
    np.add.accumulate(sums, out=sums)
    char, before = _hash_characters(spaced, prefix, shift)

    start, end = _words(codes)
    # The words and behind them the pairs of words, which end in the same steps.
    words = np.empty(max(2 * start.size - 1, 0), dtype=np.uint64)
    single, double = words[: start.size], words[start.size :]
    np.subtract(prefix.take(end), prefix.take(start), out=single)
    single *= INVERSE.take(start)
    np.multiply(single[:-1], _MIX_PAIR, out=double)
    double += single[1:]
    words *= _MIX_WORD
    words >>= shift
    word, pair, first = single, double, _COUNTING[: double.size]
    if seams.size > 2 or seams[-1] < codes.size - 1:
        text = seams.searchsorted(start)
        first = (text[1:] == text[:-1]).nonzero()[0]
        pair = pair[first]
    rows = np.concatenate([char, word, pair]).astype(np.int32)
    return Grams(rows, before, start, end, first, PrefixHash(prefix, codes.size, seams))


def _words(codes: Codes) -> tuple[Index, Index]:
    """Where words start and end."""
    inside = WORD.take(codes, mode="clip")  # The last entry of the table is no letter.
    edges = (inside[1:] != inside[:-1]).nonzero()[0]
    edges += 1
    return edges[::2], edges[1::2]


def _hash_characters(
    spaced: Codes, prefix: NDArray[np.uint64], shift: np.uint64
) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Rows of the windows of all sizes that hold no space but at their ends, and how many begin before each place."""
    places = spaced.size - 1
    solid = np.zeros(places + SIZES, dtype=bool)
    np.not_equal(spaced, _SPACE, out=solid[: places + 1])
    windows = np.empty((places, SIZES), dtype=np.uint64)
    valid = np.empty((places, SIZES), dtype=bool)
    # Windows of two may be anything but two spaces, longer ones have the next one's inside and one character more.
    inner = solid[1 : places + 1]
    np.logical_or(solid[:places], inner, out=valid[:, 0])
    valid[:, 1] = inner
    for column in range(SIZES):
        length = column + _SHORTEST
        np.subtract(prefix[length : places + length], prefix[:places], out=windows[:, column])
        if column > 1:
            np.logical_and(valid[:, column - 1], solid[column : places + column], out=valid[:, column])
    windows *= _WINDOW_INVERSE[:places]
    windows >>= shift
    before = np.zeros(spaced.size + 1, dtype=np.int32)
    np.add.accumulate(np.add.reduce(valid, axis=1, dtype=np.int32), out=before[1 : places + 1])
    before[-1] = before[places]
    return windows[valid], before


TOKENS = 3
"""Tokens have a row to every 2**TOKENS of the n-grams."""


def feature_count(bits: int) -> int:
    """Rows of the weight matrix: 2**bits of n-grams and, behind them, those of tokens.

    Were tokens to share the n-grams' rows, a domain that nobody has seen would weigh what some n-gram does.
    """
    return (1 << bits) + (1 << _token_bits(bits))


def _token_bits(bits: int) -> int:
    return max(bits - TOKENS, 1)


@lru_cache(maxsize=4_096)
def token_index(name: str, bits: int) -> int:
    """Row of a token such as ``link:domain=example.com``."""
    mixed = (zlib.crc32(name.encode("utf-8", "replace")) * _P) & _MASK
    return (1 << bits) + (mixed >> (64 - _token_bits(bits)))
