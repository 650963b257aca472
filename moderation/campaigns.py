"""Campaigns: near-copies found by MinHash (Broder 1997), with constant work a comment.

A comment's sketch is the least hash of its shingles (pairs of neighbouring words of the folded text) under each of
sixteen hash functions: two comments agree in as large a share of them as their sets of shingles overlap (Jaccard).
Pairs of neighbours are banded to eight keys that the store indexes, so whoever shares half of its shingles shares a key
with nine chances in ten; how alike two sketches are then decides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.features import TEXT, WORD, Features
from moderation.past import DAY

WINDOW = 30 * DAY
"""How long after its last comment a campaign is remembered, in milliseconds."""
LEAST_WORDS = 5
"""Shorter texts are alike by chance."""
ALIKE = 0.4
"""Share of a sketch that near-copies agree in."""
BANDS, ROWS = 8, 2
SHINGLE = 2
PORTION = 10_000
"""Shingles hashed at once."""

_FUNCTIONS = BANDS * ROWS
_random = np.random.default_rng(0x48414D)
_FACTORS = _random.integers(1, 1 << 63, _FUNCTIONS, dtype=np.uint64) | np.uint64(1)
_TERMS = _random.integers(0, 1 << 63, _FUNCTIONS, dtype=np.uint64)
_MIX = np.uint64(0x9E3779B97F4A7C15)

Words = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Sketch:
    """A comment's sketch: keys to find near-copies by, and what to compare them with."""

    bands: tuple[int, ...]
    """[BANDS], each from 0 to 2**63 - 1."""
    signature: bytes
    """[BANDS * ROWS] 32-bit numbers, little-endian."""


def alike(one: bytes, other: bytes) -> float:
    """How far two signatures agree, from 0 to 1: an estimate of how much their shingles overlap."""
    first, second = np.frombuffer(one, dtype="<u4"), np.frombuffer(other, dtype="<u4")
    return float((first == second).mean()) if first.size == second.size else 0.0


def sketches(features: Features) -> list[Sketch | None]:
    """A sketch of each comment of a batch; None for texts of fewer than five words."""
    words: list[list[Words]] = [[] for _ in range(features.size)]
    for run in features.runs:
        at = 0
        for count, owner, block in zip(
            run.of_kind(WORD).tolist(), run.owner.tolist(), run.block.tolist(), strict=False
        ):
            if block == TEXT and count:
                words[owner].append(run.grams.word[at : at + count])
            at += count
    found = [np.concatenate(some) if some else None for some in words]
    return [_sketch(some) if some is not None and some.size >= LEAST_WORDS else None for some in found]


def _sketch(words: Words) -> Sketch:
    mixed = words.astype(np.uint64) * _MIX
    count = words.size - SHINGLE + 1
    shingles = mixed[:count].copy()
    for i in range(1, SHINGLE):
        shingles = (shingles ^ (shingles >> np.uint64(29))) * _MIX + mixed[i : i + count]
    shingles ^= shingles >> np.uint64(32)
    # A portion at a time: a megabyte of words would take sixteen.
    portions = (shingles[low : low + PORTION] for low in range(0, count, PORTION))
    least = np.min([(portion[:, None] * _FACTORS + _TERMS).min(axis=0) for portion in portions], axis=0)
    # The high bits of a product are the well-mixed ones.
    signature = (least >> np.uint64(32)).astype("<u4")
    pairs = signature.reshape(BANDS, ROWS).astype(np.uint64)
    keys = pairs[:, 0] * _MIX ^ (pairs[:, 1] * _FACTORS[1]) ^ (np.arange(1, BANDS + 1, dtype=np.uint64) * _TERMS[0])
    keys = (keys ^ (keys >> np.uint64(31))) * _MIX
    return Sketch(tuple((keys >> np.uint64(1)).tolist()), signature.tobytes())
