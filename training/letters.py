"""Builds ``moderation/letters.npy``: how surprising each letter is after another, in bits.

Counted over the different words of the harmless seeds, so that a common word counts no more than a rare one, and over
their authors' names and addresses. Rebuild with ``python -m training.letters`` when seeds in more languages have come.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from moderation.comment import LabelledComment
from moderation.letters import TABLE, numbers
from moderation.links import host_of
from moderation.text import fold_batch
from training.corpora import read_seeds

LETTERS = 27
"""With the edge of a word."""
DOUBT = 0.5
"""Added to every count."""
_WORD = re.compile(r"[a-z]{3,}")


def build(comments: Iterable[LabelledComment]) -> NDArray[np.float16]:
    """Bits [27, 27] of each letter (second axis) after another (first axis)."""
    ham = [comment for comment in comments if comment.labels.get("spam") == 0]
    authors = [comment.author for comment in ham if comment.author is not None]
    names = [" ".join((one.name or "", one.email or "", host_of(one.url or ""))) for one in authors]
    words = set(_WORD.findall(fold_batch([*(comment.text for comment in ham), *names]).text))
    counts = np.full((LETTERS, LETTERS), DOUBT)
    np.add.at(counts, tuple(np.array([pair for word in words for pair in pairwise(numbers(word))]).T), 1)
    bits: NDArray[np.float16] = -np.log2(counts / counts.sum(axis=1, keepdims=True)).astype(np.float16)
    return bits


if __name__ == "__main__":
    np.save(TABLE, build(read_seeds()))
