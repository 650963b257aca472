"""Regular expressions in linear time and bounded memory: google-re2, many at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import re2

from moderation.rules.rule import MOST_SPANS, Hit, Rule, Spans
from moderation.signals.signal import Seen

PatternError: type[Exception] = re2.error
ONE = 1 << 20
"""Bytes that one expression may take, compiled and with the automaton it grows while matching."""
MANY = 8 << 20, 64 << 20
"""Bytes that a set of expressions may take: what is mostly enough, and the most."""
_ALWAYS = b""
"""First in every set. A set that does not even find this has run out of memory, and its answer is worth nothing."""


class Patterns:
    """Many expressions that are looked for at once."""

    def __init__(self, patterns: Sequence[str], *, literal: bool = False) -> None:
        self._patterns = [as_bytes(pattern) for pattern in patterns]
        self._literal = literal
        self._sets = list(_sets(self._patterns, 0, literal)) if patterns else []

    def find(self, text: str) -> Iterator[int]:
        """Which expressions are found in a text, by their places."""
        data = as_bytes(text)
        for first, count, one in self._sets:
            found = one.Match(data)
            if found:
                yield from sorted(first + place - 1 for place in found if place)
            else:
                yield from self._one_by_one(range(first, first + count), data)

    def _one_by_one(self, places: range, data: bytes) -> Iterator[int]:
        for place in places:
            if compiled(self._patterns[place], literal=self._literal).search(data):
                yield place


class RegexTable:
    """Rules that look for an expression in text, name, home page and e-mail address, as the author wrote them."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._patterns = Patterns([rule.value for rule in rules])

    def find(self, seen: Seen) -> Iterator[Hit]:
        """See :class:`~moderation.rules.rule.Table`."""
        text = seen.comment.text
        in_text = set(self._patterns.find(text)) if text else set()
        beside = {place for field in _fields(seen) for place in self._patterns.find(field)}
        for place in in_text | beside:
            rule = self._rules[place]
            yield Hit(rule, spans_of(rule.value, text) if place in in_text else ())


def _fields(seen: Seen) -> Iterator[str]:
    author = seen.comment.author
    if author is not None:
        yield from (field for field in (author.name, author.url, author.email) if field)


def spans_of(pattern: str, text: str) -> Spans:
    """Where an expression is found in a text; empty matches are nowhere."""
    # One character for one: half a surrogate pair is no UTF-8.
    sendable = as_bytes(text).decode()
    matches = compiled(pattern).finditer(sendable)
    return tuple(span for match in islice(matches, MOST_SPANS) if (span := match.span())[0] < span[1])


def as_bytes(text: str) -> bytes:
    """UTF-8, with a question mark for each half of a surrogate pair."""
    return text.encode("utf-8", "replace")


def compiled(pattern: str | bytes, *, literal: bool = False) -> Any:
    """One expression, out of re2's own cache of 128; raises ``re2.error``."""
    return re2.compile(pattern, _options(ONE, literal))


def _options(memory: int, literal: bool) -> Any:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    options.never_capture = True
    options.literal = literal
    options.max_mem = memory
    return options


def _sets(patterns: list[bytes], first: int, literal: bool) -> Iterator[tuple[int, int, Any]]:
    """Sets of expressions, each with the place of its first and their number; as few as the memory allows."""
    for memory in MANY:
        one = re2.Set.SearchSet(_options(memory, literal))
        one.Add(_ALWAYS)
        for pattern in patterns:
            one.Add(pattern)
        try:
            one.Compile()
        except re2.error:
            continue
        yield first, len(patterns), one
        return
    half = len(patterns) // 2
    if half == 0:
        return  # Cannot be: what compiles alone in a megabyte compiles in sixty-four.
    yield from _sets(patterns[:half], first, literal)
    yield from _sets(patterns[half:], first + half, literal)
