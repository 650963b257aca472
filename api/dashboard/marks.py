"""A comment's text for the screen: as it was written, with what counts marked and what hides made visible."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from moderation.verdict import Reason

LEVELS = (0.2, 0.8, 2.0)
"""Log-odds from which a mark is faint, plain, strong."""
MOST_MARKS = 4
"""Combining marks on one letter that are shown; more of them cover the lines around."""
_SHOWN_CONTROLS = frozenset("\n\t")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text and how it is shown."""

    text: str
    level: int = 0
    """-3 (speaks strongly for the comment) to 3 (strongly against it)."""
    hidden: bool = False
    """A character that would not be seen, or would turn its neighbours round: its name is shown."""


def pieces(text: str, reasons: Sequence[Reason], most: int) -> tuple[Piece, ...]:
    """The first ``most`` characters of a text in pieces; joined, those not hidden are the text as written."""
    levels = _levels(text[:most], reasons)
    found: list[Piece] = []
    start = 0
    for place in range(1, len(levels) + 1):
        if place == len(levels) or levels[place] != levels[start]:
            found += _plain(text[start:place], levels[start])
            start = place
    return tuple(found)


def _levels(text: str, reasons: Sequence[Reason]) -> list[int]:
    """What the reasons make of each character: the sum of the effects of those that point at it."""
    sums = [0.0] * (len(text) + 1)
    for reason in reasons:
        for low, high in reason.spans:
            sums[min(low, len(text))] += reason.effect
            sums[min(high, len(text))] -= reason.effect
    levels, effect = [], 0.0
    for step in sums[:-1]:
        effect += step
        level = sum(abs(effect) >= least for least in LEVELS)
        levels.append(level if effect > 0 else -level)
    return levels


def _plain(text: str, level: int) -> Iterator[Piece]:
    """One piece, or more where characters hide."""
    start, marks = 0, 0
    for place, character in enumerate(text):
        combining = unicodedata.combining(character) != 0 or unicodedata.category(character) == "Me"
        marks = marks + 1 if combining else 0
        if not _hides(character) and marks <= MOST_MARKS:
            continue
        if place > start:
            yield Piece(text[start:place], level)
        start = place + 1
        if marks <= MOST_MARKS + 1:  # Of a tower of marks one name tells enough.
            yield Piece(_name(character), level, hidden=True)
    if start < len(text):
        yield Piece(text[start:], level)


def _hides(character: str) -> bool:
    category = unicodedata.category(character)
    if category in ("Cc", "Cf"):
        # Joiners make emoji and Indic letters: they hide nothing there, and showing them would break the text.
        return character not in _SHOWN_CONTROLS and character not in "\u200c\u200d\ufe0f"
    return category in ("Zl", "Zp", "Cn", "Co")


def _name(character: str) -> str:
    return f"U+{ord(character):04X}"
