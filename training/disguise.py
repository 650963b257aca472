"""The disguise attack: what is still recognised under leet, homoglyphs, zero-width characters and spaced letters.

A disguise is a function of a text alone: the same text always gets the same one. Links stay as they are, since a
disguised link leads nowhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec
import numpy as np

from training.judged import Judge, Part
from training.measures import CLEAR, SEED, Measured, share

LINK = re.compile(
    r"https?://\S+|www\.\S+|\S+@\S+|\b[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b\S*|<[^>]*>|\[/?\w+[^\]]*\]|&#?\w+;"
)
"""What must keep its spelling to work: addresses, tags, entities."""
WORD = re.compile(r"[^\W\d_]{4,}")
"""Words worth a disguise; short ones carry little."""

LEET = str.maketrans("aeiostAEIOST", "43105743105" + "7")
HOMOGLYPHS = str.maketrans("aceopxyijsACEOPXHKMTB", "асеорхуіјѕАСЕОРХНКМТВ")
ZERO_WIDTH = "\u200b"

Disguise = Callable[[str], str]


def outside_links(text: str, change: Disguise) -> str:
    """Change every longer word of a text but its links."""
    out, end = [], 0
    for link in LINK.finditer(text):
        out += [_words(text[end : link.start()], change), link[0]]
        end = link.end()
    return "".join([*out, _words(text[end:], change)])


def _words(text: str, change: Disguise) -> str:
    return WORD.sub(lambda word: change(word[0]), text)


def leet(text: str) -> str:
    """Digits for every second letter that has one, as people write it: ``viagra`` to ``v1agr4``."""
    return outside_links(text, _leet_word)


def _leet_word(word: str) -> str:
    if not word.isascii():
        return word
    letters, turn = list(word), 0
    for place, letter in enumerate(letters):
        if (twin := letter.translate(LEET)) != letter:
            letters[place] = letter if turn % 2 else twin
            turn += 1
    return "".join(letters)


def homoglyphs(text: str) -> str:
    """Cyrillic letters that look like Latin ones."""
    return outside_links(text, lambda word: word.translate(HOMOGLYPHS) if word.isascii() else word)


def zero_width(text: str) -> str:
    """A zero-width space after every second letter."""
    return outside_links(text, lambda word: re.sub(r"(..)(?=.)", rf"\1{ZERO_WIDTH}", word))


def spaced(text: str) -> str:
    """``v i a g r a``, with a wider gap around each such word."""
    return outside_links(text, lambda word: f" {' '.join(word)} " if word.isascii() else word)


DISGUISES: dict[str, Disguise] = {
    "leet": leet,
    "homoglyphs": homoglyphs,
    "zero-width characters": zero_width,
    "spaced letters": spaced,
}

MOST = 2_000
"""Comments of a head that are put in disguise."""


@dataclass(frozen=True, slots=True)
class Disguised:
    """Positives that a head held undisguised, and the share it still holds in a disguise that changes them."""

    head: str
    disguise: str
    seen: bool
    caught: int
    still: Measured


def measure(verdict_of: Judge, parts: Sequence[Part]) -> tuple[Disguised, ...]:
    """Every disguise on what each deciding head catches."""
    heads = [head for head in verdict_of.classifier.heads if verdict_of.hold_at(head) is not None]
    rows = (_disguised(verdict_of, part, head, name) for head in heads for part in parts for name in DISGUISES)
    return tuple(row for row in rows if row.caught)


def _disguised(verdict_of: Judge, part: Part, head: str, name: str) -> Disguised:
    least = verdict_of.hold_at(head) or 0.0
    change = DISGUISES[name]
    caught = np.flatnonzero((part.labels(head) >= CLEAR) & (part.score(head) >= least))
    if caught.size > MOST:
        caught = np.sort(np.random.default_rng(SEED).choice(caught, MOST, replace=False))
    chosen = [part.comments[i] for i in caught]
    hidden = [msgspec.structs.replace(comment, text=change(comment.text)) for comment in chosen]
    changed = [new for old, new in zip(chosen, hidden, strict=True) if new.text != old.text]
    if not changed:
        return Disguised(head, name, part.seen, 0, None)
    scores = verdict_of.classifier.scores(changed)[:, verdict_of.classifier.heads.index(head)]
    return Disguised(head, name, part.seen, len(changed), share(scores >= least))
