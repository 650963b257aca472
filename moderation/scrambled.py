"""Words whose letters were put in disorder: "pthaogropher". Some spam programs do so, that no two copies are alike.

A word is told by two sets that ``training.words`` counts over the seeds: words that are known, in any language, and
jumbles of common English words, that is their first letter with the others in order. One that is not known but whose
jumble is has been scrambled, unless two neighbouring letters merely changed places: people mistype so.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from zlib import crc32

import numpy as np

TABLE = Path(__file__).parent / "words.npz"
LEAST = 6
"""Letters of a word that can be told; of fewer, too many are anagrams of each other."""
MOST = 24

_WORD = re.compile(rf"(?<![\w'])[a-z]{{{LEAST},{MOST}}}(?![\w'])")
_LETTERS = re.compile(rf"[a-z]{{{LEAST},}}")
"""Finds every word and pieces of others, in half the time."""
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


def first_scrambled(texts: Sequence[str]) -> dict[int, str]:
    """The first scrambled word of each folded text that has one, by the text's number."""
    # Comments share most of their words, so those of all are looked at together.
    joined = "\n".join(texts)
    odd = {word for word in set(_LETTERS.findall(joined)) if len(word) <= MOST and _is_scrambled(word)}
    if not odd:
        return {}
    behind = list(accumulate(len(text) + 1 for text in texts))
    holding = {bisect_right(behind, match.start()) for word in odd for match in re.finditer(word, joined)}
    found = ((i, next((word for word in words_of(texts[i]) if word in odd), "")) for i in sorted(holding))
    return {i: word for i, word in found if word}


@lru_cache(maxsize=1 << 14)  # Most words come again.
def _is_scrambled(word: str) -> bool:
    if number_of(word) in _known or number_of(jumble_of(word)) not in _jumbles:
        return False
    swapped = (word[:i] + word[i + 1] + word[i] + word[i + 2 :] for i in range(1, len(word) - 1))
    return not any(number_of(one) in _known for one in swapped)
