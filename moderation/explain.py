"""Why a comment scored as it did, in exact parts.

A score is a sum, so it can be taken apart: every n-gram's part goes to the word it stands in (a pair of words gives
half to each), every token's to its link or author field. The strongest parts are named, the others are one rest, and
``start + parts + rest`` is the logit of the score.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.classifier import Classifier, Scored
from moderation.comment import Comment
from moderation.features import BLOCKS, CHARACTER, KINDS, TEXT, TOKEN_SCALE, WORD, Features, Run
from moderation.grams import Index
from moderation.text import as_text

MOST = 5
"""Words named for each comment."""
WEAK = 0.05
"""Log-odds under which a part is not worth a sentence."""
MAX_SPANS = 10
_OF_WORDS = ("words", "names")

Span = tuple[int, int]


@dataclass(slots=True)
class Part:
    """One thing's part in a score."""

    group: str
    """``words``, ``names``, ``phrases``, ``link``, ``author`` or ``disguise``."""
    about: str
    effect: float
    spans: tuple[Span, ...] = ()


@dataclass(slots=True)
class Explanation:
    """Why one head scored as it did; ``start``, the parts and ``rest`` add up to ``logit``."""

    logit: float
    start: float
    parts: list[Part]
    rest: float


def explain(
    classifier: Classifier,
    comments: Sequence[Comment],
    features: Features,
    scored: Scored,
    head: Index,
) -> list[Explanation]:
    """Explain head number ``head[i]`` of each comment ``i``, strongest part first."""
    parts: list[dict[tuple[str, str], Part]] = [{} for _ in comments]
    for run in features.runs:
        if run.grams.word.size:
            _name_words(comments, features, run, _word_effects(classifier, scored, run, head), parts)
    _name_tokens(classifier, features, head, parts)
    out = []
    for i, found in enumerate(parts):
        strong = _strongest(found.values())
        logit, start = float(scored.logits[i, head[i]]), classifier.start(int(head[i]))
        rest = logit - start - sum(part.effect for part in strong)
        out.append(Explanation(logit, start, strong, rest))
    return out


def _strongest(parts: Iterable[Part]) -> list[Part]:
    """The parts worth a sentence, strongest first; of words, which each chunk named some of, so many as are asked."""
    strong = sorted((part for part in parts if abs(part.effect) >= WEAK), key=lambda part: -abs(part.effect))
    too_many = [id(part) for part in strong if part.group in _OF_WORDS][MOST:]
    return [part for part in strong if id(part) not in too_many]


def _word_effects(classifier: Classifier, scored: Scored, run: Run, head: Index) -> NDArray[np.float64]:
    """The part of every word of a chunk in its comment's score."""
    grams, count = run.grams, run.grams.word.size
    sizes = run.bounds[1:] - run.bounds[:-1]
    heads = head[run.owner].repeat(sizes)
    part = classifier.effects(run.rows, heads) * scored.scale[run.owner, run.block].repeat(sizes)
    chars, singles = grams.characters, grams.characters + count
    # The space before a word belongs to it, signs to the word before them or, at the beginning, behind them.
    places = np.arange(grams.before.size - 1).repeat(grams.before[1:] - grams.before[:-1])
    word = grams.start.searchsorted(places + 1, "right") - 1
    if run.owner.size > KINDS:
        piece = np.arange(run.owner.size // KINDS)
        of_char, of_word = piece.repeat(run.of_kind(CHARACTER)), piece.repeat(run.of_kind(WORD))
        word += (word < 0) | (of_word[word] != of_char)
        word = np.minimum(word, count - 1)
        mine = of_word[word] == of_char  # A text may have signs and no words.
        total = np.bincount(word[mine], part[:chars][mine], count).astype(np.float64)
    else:
        total = np.bincount(np.maximum(word, 0), part[:chars], count).astype(np.float64)
    total += part[chars:singles]
    half = part[singles:] / 2
    first = grams.pair_first
    total += np.bincount(first, half, count) + np.bincount(first + 1, half, count)
    return total


def _name_words(
    comments: Sequence[Comment],
    features: Features,
    run: Run,
    effects: NDArray[np.float64],
    parts: list[dict[tuple[str, str], Part]],
) -> None:
    # The same word twice is one part with two places.
    word_owner, word_block = run.word_owner, run.word_block
    belongs = word_owner * BLOCKS + word_block
    _, first, number = np.unique((belongs << 32) | run.grams.word, return_index=True, return_inverse=True)
    effect = np.bincount(number, effects)
    owner = word_owner[first]
    order = np.lexsort((-np.abs(effect), owner))
    ordered = owner[order]
    rank = np.arange(order.size) - ordered.searchsorted(ordered)
    often = np.bincount(number)
    named = order[(rank < MOST) & (np.abs(effect[order]) >= WEAK)]
    in_text = (word_block[first[named]] == TEXT).tolist()
    for k, text, i, amount in zip(named.tolist(), in_text, owner[named].tolist(), effect[named].tolist(), strict=True):
        places = [int(first[k])] if often[k] == 1 else np.flatnonzero(number == k)[:MAX_SPANS].tolist()
        where = [(int(run.grams.start[p]) + run.shift, int(run.grams.end[p]) + run.shift) for p in places]
        if text:
            spans = tuple(features.span(start, end) for start, end in where)
            low, high = spans[0]
            _add(parts[i], Part("words", comments[i].text[low:high], amount, spans))
        else:
            start, end = where[0]
            _add(parts[i], Part("names", as_text(features.pieces.codes[start:end]), amount))


def _name_tokens(
    classifier: Classifier, features: Features, head: Index, parts: list[dict[tuple[str, str], Part]]
) -> None:
    if not features.token_rows.size:
        return
    effects = classifier.effects(features.token_rows, head[features.token_owner]) * TOKEN_SCALE
    tokens = (token for found in features.tokens for token in found)
    for i, token, effect in zip(features.token_owner.tolist(), tokens, effects.tolist(), strict=True):
        span = token.span if token.place is None else features.span(*token.place)
        _add(parts[i], Part(token.group, token.about, effect, (span,) if span else ()))


def _add(parts: dict[tuple[str, str], Part], part: Part) -> None:
    """Add a part to those of its comment; one that is named already grows."""
    known = parts.setdefault((part.group, part.about.casefold()), part)
    if known is not part:
        known.effect += part.effect
        known.spans = tuple(dict.fromkeys(known.spans + part.spans))[:MAX_SPANS]
