"""Rules for words and phrases: looked up in folded text, where markup, look-alike letters and accents are gone."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from moderation.rules.patterns import Patterns
from moderation.rules.rule import MOST_SPANS, Hit, Rule
from moderation.signals.signal import Seen
from moderation.text import Folded, apart, fold, plain_links, revealed

_WORD = re.compile(r"[^\W_]+")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff\U00020000-\U0003ffff]"
)
"""Thai, Lao, Burmese, Khmer, Chinese, Japanese, Korean: words there do not stand between spaces."""
PREFIX = "*"
"""At the end of a rule's value: the last word only begins so."""

Phrase = tuple[str, ...]
Word = tuple[str, int, int]
"""A word and its place in the folded text."""


def words_of(text: str) -> list[str]:
    """Words of folded text."""
    return _WORD.findall(text)


def is_unspaced(text: str) -> bool:
    """Whether a text holds letters of a script that does not part words by spaces."""
    return _UNSPACED.search(text) is not None


@dataclass(slots=True)
class _Phrases:
    """Phrases by their first word."""

    rules: defaultdict[Phrase, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    sizes: defaultdict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    """By first word: of how many words the phrases that begin with it are."""

    def add(self, phrase: Phrase, rule: Rule) -> None:
        self.rules[phrase].append(rule)
        self.sizes[phrase[0]].add(len(phrase))

    def at(self, words: Sequence[Word], place: int) -> Iterator[tuple[Rule, int]]:
        """Rules whose phrase begins at a word, and its number of words."""
        for size in self.sizes.get(words[place][0], ()):
            if place + size <= len(words):
                phrase = tuple(word for word, _, _ in words[place : place + size])
                yield from ((rule, size) for rule in self.rules.get(phrase, ()))


@dataclass(slots=True)
class _Beginnings:
    """Phrases whose last word is only begun; by the words before it."""

    rules: defaultdict[Phrase, list[Rule]] = field(default_factory=lambda: defaultdict(list))
    shapes: defaultdict[str, set[tuple[int, int]]] = field(default_factory=lambda: defaultdict(set))
    """By first word, empty if that is the one begun: numbers of words, and of letters of the last."""

    def add(self, phrase: Phrase, rule: Rule) -> None:
        self.rules[phrase].append(rule)
        self.shapes[phrase[0] if len(phrase) > 1 else ""].add((len(phrase), len(phrase[-1])))

    def at(self, words: Sequence[Word], place: int) -> Iterator[tuple[Rule, int]]:
        """As of :class:`_Phrases`."""
        for size, letters in (*self.shapes.get("", ()), *self.shapes.get(words[place][0], ())):
            if place + size <= len(words):
                *whole, begun = (word for word, _, _ in words[place : place + size])
                yield from ((rule, size) for rule in self.rules.get((*whole, begun[:letters]), ()))


class WordTable:
    """Rules that look for words and phrases in the text, without its links."""

    def __init__(self, rules: Sequence[Rule]) -> None:
        self._phrases, self._beginnings = _Phrases(), _Beginnings()
        self._inside = [rule for rule in rules if is_unspaced(rule.value)]
        self._substrings = Patterns([rule.value.rstrip(PREFIX) for rule in self._inside], literal=True)
        for rule in rules:
            if is_unspaced(rule.value):
                continue
            index = self._beginnings if rule.value.endswith(PREFIX) else self._phrases
            index.add(tuple(words_of(rule.value)), rule)

    def find(self, seen: Seen) -> Iterator[Hit]:
        """See :class:`~moderation.rules.rule.Table`."""
        # Not seen.text: that has lost its words for groups of people, which are one word to the classifier.
        folded = fold(seen.comment.text)
        text = _without_links(folded.text)
        spans: dict[int, tuple[Rule, dict[tuple[int, int], None]]] = {}
        for rule, start, end in self._found(text, folded):
            _, places = spans.setdefault(rule.id, (rule, {}))
            if len(places) < MOST_SPANS:
                places[folded.span(start, end)] = None
        for rule, places in spans.values():
            yield Hit(rule, tuple(places))

    def _found(self, text: str, folded: Folded) -> Iterator[tuple[Rule, int, int]]:
        """Rules that are met, with places in the folded text."""
        yield from self._in(_plain_words(text, 0, len(text)))
        if hidden := revealed(text):
            yield from self._in(_unmasked(text, hidden, folded))
        if self._inside:
            for place in self._substrings.find(text):
                rule = self._inside[place]
                yield from ((rule, *span) for span in _everywhere(rule.value.rstrip(PREFIX), text))

    def _in(self, words: list[Word]) -> Iterator[tuple[Rule, int, int]]:
        for place, (_, start, _) in enumerate(words):
            for index in (self._phrases, self._beginnings):
                yield from ((rule, start, words[place + size - 1][2]) for rule, size in index.at(words, place))


def _plain_words(text: str, start: int, end: int) -> list[Word]:
    return [(match[0], *match.span()) for match in _WORD.finditer(text, start, end)]


def _without_links(text: str) -> str:
    """Folded text with its addresses blanked: those are for other kinds of rules."""
    pieces, at = [], 0
    for match in plain_links(text):
        pieces += [text[at : match.start()], " " * (match.end() - match.start())]
        at = match.end()
    return "".join([*pieces, text[at:]])


def _unmasked(text: str, hidden: list[tuple[str, list[int]]], folded: Folded) -> list[Word]:
    """All words of a text, those in leet or spaced-out letters as they are meant."""
    words: list[Word] = []
    at = 0
    for word, places in hidden:
        words += _plain_words(text, at, places[0])
        words += [(word[low:high], places[low], places[high - 1] + 1) for low, high in apart(places, folded)]
        at = places[-1] + 1
    return words + _plain_words(text, at, len(text))


def _everywhere(part: str, text: str) -> Iterator[tuple[int, int]]:
    start = text.find(part)
    for _ in range(MOST_SPANS):
        if start < 0:
            return
        yield start, start + len(part)
        start = text.find(part, start + len(part))
