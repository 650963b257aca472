"""Sentences of a text, and places in it as JavaScript counts them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

MOST = 500
"""Sentences that are told apart; what comes after them belongs to the last."""
# No part may begin with what it can have many of: a run of spaces would take time that grows with the square.
_END = re.compile(r"(?<=[.!?…])[\"')\]»”’]*\s+|(?<=[。！？])|\n\s*")
Span = tuple[int, int]


def sentences(text: str) -> list[Span]:
    """Where the sentences of a text begin and end, without the space around them; a text of space alone is one."""
    found: list[Span] = []
    begin = 0
    for mark in _END.finditer(text):
        end = mark.start() + len(mark[0].rstrip())
        if text[begin:end].strip() and len(found) < MOST - 1:
            found.append(_trimmed(text, begin, end))
            begin = mark.end()
    if text[begin:].strip() or not found:
        found.append(_trimmed(text, begin, len(text)))
    return found


def _trimmed(text: str, begin: int, end: int) -> Span:
    piece = text[begin:end]
    if not piece.strip():
        return begin, end
    return begin + len(piece) - len(piece.lstrip()), begin + len(piece.rstrip())


def utf16(text: str, spans: Iterable[Span]) -> Iterator[Span]:
    """Spans of code points, in their order, as UTF-16 units: a character beyond the basic plane counts twice."""
    place = units = 0
    for span in spans:
        both = []
        for point in span:
            units += len(text[place:point].encode("utf-16-le")) // 2
            place = point
            both.append(units)
        yield both[0], both[1]
