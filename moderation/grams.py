"""N-grams of many texts at once, as hashes.

N-grams are hashed with a polynomial prefix hash over code points (Karp and Rabin 1987) modulo 2**64: with
H[i] = sum(c[j] * P**j for j < i), the window from i to k hashes to (H[k] - H[i]) * P**-i. One cumulative sum serves
windows of every length, so a whole batch is hashed without a Python loop over characters.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.text import WORD, Codes

CHUNK = 1 << 15
"""Code points worked on at a time: the arrays stay in the processor's cache, whatever a comment's length."""

Index = NDArray[np.int64]
Floats = NDArray[np.float32]

_SIZES = np.array((2, 3, 4, 5), dtype=np.int64)
_MASK = (1 << 64) - 1
_P = 0x9E3779B97F4A7C15
_MIX_SIZE = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA5CB3B8E6A5F7D4B], dtype=np.uint64)
_MIX_WORD = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_PAIR = np.uint64(0x165667B19E3779F9)
_SPACE, _SEAM = 32, 10


def _powers(base: int) -> NDArray[np.uint64]:
    out = np.full(CHUNK + 8, base, dtype=np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


_POWER = _powers(_P)
_INVERSE = _powers(pow(_P, -1, 1 << 64))
_WINDOW_INVERSE = np.ascontiguousarray(_INVERSE[:, None] * _MIX_SIZE[None, :])
_COUNTING = np.arange(CHUNK)
_LEAST_ROOM = _SIZES - 2
_WINDOW_END = np.ascontiguousarray(np.arange(CHUNK)[:, None] + _SIZES[None, :])


@dataclass(slots=True)
class PrefixHash:
    """Prefix hashes of one chunk; a seam counts as a space."""

    prefix: NDArray[np.uint64]
    size: int
    seams: Index

    def windows(self, length: int) -> NDArray[np.uint64]:
        """Hashes of all windows of one length."""
        count = max(self.size - length + 1, 0)
        out: NDArray[np.uint64] = (self.prefix[length : length + count] - self.prefix[:count]) * _INVERSE[:count]
        return out

    def between(self, start: Index, end: Index) -> NDArray[np.uint64]:
        """Hashes of the windows ``[start, end)``, wherever in a chunk they stand."""
        out: NDArray[np.uint64] = (self.prefix[end] - self.prefix[start]) * _INVERSE[start]
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
    """The n-grams of one chunk of text, each kind in the order of its places."""

    char: Index
    char_at: Index
    """Place of each n-gram's first code point."""
    word: Index
    start: Index
    end: Index
    """Words stand at ``codes[start:end]``."""
    pair: Index
    pair_first: Index
    """Number of the first word of each pair; the second is the next."""
    hashed: PrefixHash


def hash_grams(codes: Codes, bits: int) -> Grams:
    """Hash every n-gram of at most ``CHUNK`` code points that begin and end with a space or a seam.

    No n-gram crosses a space, and no pair of words crosses a seam.
    """
    size = codes.size
    shift = np.uint64(64 - bits)
    spaces = np.flatnonzero(codes <= _SPACE)
    seams = spaces[codes[spaces] == _SEAM]
    if seams.size:
        codes = codes.copy()
        codes[seams] = _SPACE
    prefix = np.zeros(size + 6, dtype=np.uint64)
    np.multiply(codes, _POWER[:size], out=prefix[1 : size + 1])
    prefix.cumsum(out=prefix)

    # A window may begin or end with a space, but not run over one: `room` is the way to the next.
    gaps = spaces[1:] - spaces[:-1]
    room = np.zeros(size, dtype=np.int64)
    np.subtract(spaces[1:].repeat(gaps), _COUNTING[: size - 1], out=room[:-1])
    valid = room[:, None] > _LEAST_ROOM
    # Two spaces side by side are no n-gram.
    valid[spaces[:-1][gaps == 1], 0] = False
    # `prefix` is too short for windows that run past the end; `valid` leaves them out.
    windows = (prefix[_WINDOW_END[:size]] - prefix[:size, None]) * _WINDOW_INVERSE[:size]
    kept = valid.ravel().nonzero()[0]
    char = (windows.ravel()[kept] >> shift).view(np.int64)
    char_at = kept >> 2  # Four sizes a place.

    inside = WORD.take(codes, mode="clip")  # The last entry of the table is no letter.
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    start, end = edges[::2], edges[1::2]
    raw = (prefix[end] - prefix[start]) * _INVERSE[start]
    word = ((raw * _MIX_WORD) >> shift).view(np.int64)
    pair = (((raw[:-1] * _MIX_PAIR + raw[1:]) * _MIX_WORD) >> shift).view(np.int64)
    first = _COUNTING[: pair.size]
    inner = seams[(seams > 0) & (seams < size - 1)]
    if inner.size:
        text = inner.searchsorted(start)
        together = text[1:] == text[:-1]
        first, pair = first[together], pair[together]
    return Grams(char, char_at, word, start, end, pair, first, PrefixHash(prefix, size, seams))


def token_index(name: str, bits: int) -> int:
    """Row of a token such as ``link:domain=example.com``."""
    mixed = (zlib.crc32(name.encode("utf-8", "replace")) * _P) & _MASK
    return mixed >> (64 - bits)
