"""How unlike a word of any language a name is: "fwucqvmdxn" is no word that anybody speaks.

A word's surprise is the mean information of its letters, each after the one before it, in bits: a Markov chain of
letters (Shannon 1951, "Prediction and Entropy of Printed English"). The chain was counted over harmless comments in
many languages; ``training.letters`` builds its table.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

TABLE = Path(__file__).parent / "letters.npy"
LEAST = 6
"""Letters of a word that can be told; of fewer, "xml" and "rgb" are as odd as any."""
MOST = 40
EDGE = 0
"""Stands before and behind a word; ``a`` is 1."""

_NO_LETTER = re.compile(r"[^a-z]+")
_bits: list[list[float]] = np.load(TABLE, allow_pickle=False).astype(float).tolist()


def numbers(word: str) -> list[int]:
    """The letters of a word, ``a`` to ``z``, with its edges."""
    return [EDGE, *(ord(letter) - 96 for letter in word), EDGE]


@lru_cache(maxsize=4_096)
def oddest(text: str) -> tuple[float, str]:
    """The most surprising word of a text in lower case, and its bits a letter; 0 where none is long enough.

    Other signs are left out of words first, so that "x3k9vq2wz" is one.
    """
    words = ((word, _NO_LETTER.sub("", word)[:MOST]) for word in text.split())
    return max(((_mean(plain), word) for word, plain in words if len(plain) >= LEAST), default=(0.0, ""))


def _mean(word: str) -> float:
    signs = numbers(word)
    return sum(_bits[one][two] for one, two in pairwise(signs)) / (len(signs) - 1)
