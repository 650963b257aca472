"""Builds ``moderation/words.npz``: the words that ``moderation.scrambled`` tells scrambled ones from.

Known are the words of the harmless seeds in all languages, and those that several spam seeds share. Rebuild with
``python -m training.words`` when many seeds have come.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from moderation.comment import LabelledComment
from moderation.scrambled import TABLE, jumble_of, number_of, words_of
from moderation.text import fold
from training.corpora import read_seeds

COMMON = 3
"""Harmless comments that a word is in, before its letters in disorder are told; and spam that may share a word."""


def build(comments: Iterable[LabelledComment]) -> dict[str, NDArray[np.uint32]]:
    """Numbers of the known words, and of the jumbles of the common ones in English; sorted."""
    known: Counter[str] = Counter()
    english: Counter[str] = Counter()
    for comment in comments:
        words = set(words_of(fold(comment.text).text))
        harmless = comment.labels.get("spam") == 0
        known.update(dict.fromkeys(words, COMMON if harmless else 1))
        if harmless and comment.language == "en":
            english.update(words)
    return {
        "known": _numbers(word for word, count in known.items() if count >= COMMON),
        "jumbles": _numbers(jumble_of(word) for word, count in english.items() if count >= COMMON),
    }


def _numbers(words: Iterable[str]) -> NDArray[np.uint32]:
    return np.array(sorted({number_of(word) for word in words}), dtype=np.uint32)


if __name__ == "__main__":
    built = build(read_seeds())
    np.savez_compressed(TABLE, known=built["known"], jumbles=built["jumbles"])
