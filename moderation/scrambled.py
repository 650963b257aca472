"""Words whose letters were put in disorder: "pthaogropher". Some spam programs do so, that no two copies are alike.

A word is told by two sets that ``training.words`` counts over the seeds: words that are known, in any language, and
jumbles of common English words, that is their first letter with the others in order. One that is not known but whose
jumble is has been scrambled, unless two neighbouring letters merely changed places: people mistype so.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from zlib import crc32

import numpy as np

TABLE = Path(__file__).parent / "words.npz"
LEAST = 6
"""Letters of a word that can be told; of fewer, too many are anagrams of each other."""
MOST = 24

_WORD = re.compile(rf"(?<![\w'])[a-z]{{{LEAST},{MOST}}}(?![\w'])")
_table = np.load(TABLE, allow_pickle=False)
_known = frozenset(_table["known"].tolist())
_jumbles = frozenset(_table["jumbles"].tolist())


def number_of(word: str) -> int:
    """What a word is kept as: two of 100,000 share a number about once."""
    return crc32(word.encode())


def jumble_of(word: str) -> str:
    """The same for all words that have the same first letter and the same others, in whatever order."""
    return word[0] + "".join(sorted(word[1:]))


def words_of(text: str) -> Iterable[str]:
    """The words of a folded text that can be told."""
    return _WORD.findall(text)


def first_scrambled(text: str) -> str:
    """The first scrambled word of a folded text; empty if there is none."""
    return next((word for word in words_of(text) if _is_scrambled(word)), "")


def _is_scrambled(word: str) -> bool:
    if number_of(word) in _known or number_of(jumble_of(word)) not in _jumbles:
        return False
    swapped = (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1))
    return not any(number_of(one) in _known for one in swapped)
