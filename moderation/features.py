"""Features: what the classifier sees of a comment. The one definition for training and serving.

A comment becomes rows of one weight matrix:

- *text*: character 2-5-grams inside words and word 1-2-grams of the folded text, in which words in leet or
  spaced-out letters are written plainly;
- *names*: the same n-grams of the author's name and URL and of link addresses, so that what the text taught about
  "casino" also speaks of best-casino.example; nothing where a field is missing;
- *tokens*: facts with a name, such as ``link:tld=ru``, in a namespace of their own.

Text and names are TF-IDF vectors: an n-gram counts its inverse document frequency (Sparck Jones 1972), and each block
is scaled to a norm of its own. The frequencies come with the model.

Words for groups of people are one word to the classifier (``moderation.identity``): who is spoken of cannot move a
decision.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise

import numpy as np
from numpy.typing import NDArray

from moderation import identity
from moderation.comment import Comment
from moderation.compiled import Rows
from moderation.grams import CHUNK, Floats, Grams, Index, hash_grams, token_index
from moderation.phrases import NONE, Phrases
from moderation.text import (
    NO_EVIDENCE,
    Codes,
    FoldedBatch,
    Link,
    as_text,
    fold_batch,
    plain_links,
    plainly,
)
from moderation.tokens import SHORT_TEXT, Token, names_of, phrase_tokens, text_tokens, tokens_of

VERSION = 2
"""Raised whenever the same comment would give other features; a model of another version is refused."""

TEXT, NAMES = 0, 1
"""The blocks."""
BLOCKS, KINDS = 2, 3
SCALES = np.array([1.0, 0.5], dtype=np.float32)
"""Norm of each block."""
TOKEN_SCALE = 0.1
"""What a token counts, times its row's inverse document frequency, which for most is the highest there is."""
TOGETHER = 1 << 13
"""Code points of short texts worked on at a time."""
CHARACTER, WORD, PAIR = 0, 1, 2
"""The kinds of n-grams, in their order in a run."""
_FEW_WORDS = 64
_SPACE = 32
_ONE_SPACE = np.array([_SPACE], dtype=np.uint32)
_ONE_TEXT = np.zeros(KINDS, dtype=np.int64)
_NO_ROWS = np.zeros(0, dtype=np.int64)


@dataclass(slots=True)
class Pieces:
    """All texts of a batch in one array: the comments' own, their authors' names, and words of their links.

    Piece ``i`` is ``codes[bounds[i]:bounds[i + 1]]``; it belongs to comment ``owner[i]`` and to ``block[i]``, text or
    names. The first pieces are the folded texts; behind them stand the words of links.
    """

    codes: Codes
    bounds: Index
    owner: Index
    block: Index
    folded: FoldedBatch


@dataclass(slots=True)
class Run:
    """The rows of one chunk: all its character n-grams, then its words, then its pairs of words.

    ``rows[bounds[i]:bounds[i + 1]]`` belong to comment ``owner[i]`` and to ``block[i]``; both come up once for each
    kind. The grams' places count from ``shift``.
    """

    rows: Rows
    bounds: Index
    owner: Index
    block: Index
    grams: Grams
    shift: int

    def of_kind(self, kind: int) -> Index:
        """How many n-grams of a kind each text of the chunk has."""
        texts = self.owner.size // KINDS
        bounds = self.bounds[kind * texts : (kind + 1) * texts + 1]
        return bounds[1:] - bounds[:-1]

    @property
    def word_owner(self) -> Index:
        """The comment of each word."""
        counts = self.of_kind(WORD)
        return self.owner[: counts.size].repeat(counts)

    @property
    def word_block(self) -> Index:
        """The block of each word."""
        counts = self.of_kind(WORD)
        return self.block[: counts.size].repeat(counts)


@dataclass(slots=True)
class Features:
    """A batch of comments as the classifier sees them.

    ``repeats`` [size, blocks] is how often the words of a block repeat, 1 where none does: sum(c**2) / sum(c).
    """

    size: int
    pieces: Pieces
    runs: list[Run]
    repeats: Floats
    tokens: list[list[Token]]
    token_rows: Index
    token_owner: Index
    links: list[tuple[Link, ...]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``pieces.codes[start:end]`` stands in the original (text alone)."""
        return self.pieces.folded.span(start, end)

    def texts(self) -> list[Codes]:
        """The folded text of each comment, without its links."""
        edges = self.pieces.bounds.tolist()
        return [self.pieces.codes[edges[i] + 1 : edges[i + 1]] for i in range(self.size)]


def extract(comments: Sequence[Comment], bits: int, phrases: Phrases = NONE) -> Features:
    """The features of a batch; deterministic, and the same for a comment alone or in company."""
    size = len(comments)
    named = [i for i, comment in enumerate(comments) if comment.author is not None]
    texts = [comment.text for comment in comments]
    folded = fold_batch([*texts, *(names_of(comments[i].author) for i in named)])
    links = _without_links(folded, size)
    folded = plainly(folded, int(folded.bounds[size]) + 1)
    text = folded.text[: int(folded.bounds[size]) + 1]
    if groups := identity.spans(text):
        folded = identity.merged(folded, groups)
    tokens: list[list[Token]] = [[] for _ in comments]
    extra: list[Extra] = []
    for i, comment in enumerate(comments):
        if not links[i] and comment.author is None and folded.evidence[i] is NO_EVIDENCE:
            continue
        tokens[i], words = tokens_of(comment, links[i], folded.evidence[i])
        if words:
            extra.append((i, words))
    pieces = _pieces(folded, size, named, extra)
    runs = [_run(pieces, low, high, bits) for low, high in _chunks(pieces.codes, pieces.bounds)] if size else []
    features = Features(size, pieces, runs, _repeats(runs, size, bits), tokens, _NO_ROWS, _NO_ROWS, links)
    _add_of_words(folded, texts, tokens)
    if phrases.hashes.size:
        _find_phrases(features, phrases)
    if any(tokens):
        rows = [(token_index(one.name, bits), i) for i, found in enumerate(tokens) for one in found]
        features.token_rows, features.token_owner = np.array(rows, dtype=np.int64).T
    return features


def _add_of_words(folded: FoldedBatch, originals: list[str], tokens: list[list[Token]]) -> None:
    """Add tokens for the words of the short texts."""
    bounds = folded.bounds[: len(originals) + 1].tolist()
    short = [i for i, (start, end) in enumerate(pairwise(bounds)) if end - start <= SHORT_TEXT]
    texts = [folded.text[bounds[i] + 1 : bounds[i + 1]] for i in short]
    for i, text, found in zip(short, texts, text_tokens(texts, [originals[i] for i in short]), strict=True):
        for token in found:
            place = text.find(token.about)
            start = bounds[i] + 1 + place
            tokens[i].append(replace(token, place=(start, start + len(token.about))) if place >= 0 else token)


def _find_phrases(features: Features, phrases: Phrases) -> None:
    """Add a token for the phrases found in each comment."""
    pieces = features.pieces
    worth = np.zeros(features.size, dtype=np.float32)
    shown: dict[int, tuple[float, int, int]] = {}
    for run in features.runs:
        found = phrases.find(run.grams.hashed)
        if not found.start.size:
            continue
        start = found.start + run.shift
        piece = pieces.bounds.searchsorted(start, "right") - 1
        owner = pieces.owner[np.minimum(piece, pieces.owner.size - 1)]
        np.add.at(worth, owner, found.worth)
        for i, at, length, amount in zip(
            owner.tolist(), start.tolist(), found.length.tolist(), found.worth.tolist(), strict=True
        ):
            if (amount, length) > shown.get(i, (0.0, 0, 0))[::2]:
                shown[i] = amount, at, length
    for i, (_, at, length) in shown.items():
        words = as_text(pieces.codes[at : at + length])
        in_text = pieces.block[min(int(pieces.bounds.searchsorted(at, "right")) - 1, pieces.block.size - 1)] == TEXT
        place = (at, at + length) if in_text else None
        features.tokens[i].extend(phrase_tokens(float(worth[i]), words, place))


def _without_links(folded: FoldedBatch, size: int) -> list[tuple[Link, ...]]:
    """Blank the links out of the first ``size`` texts, and keep them aside with their spans in the original."""
    end = int(folded.bounds[size]) + 1
    text = folded.text[:end]
    matches = plain_links(text)
    if not matches:
        return folded.links
    codes = folded.codes[:end]
    found: dict[int, list[Link]] = {}
    for match in matches:
        low, high = match.span()
        first, last = folded.span(low, high)
        owner = folded.number_at(low)
        codes[low:high] = _SPACE
        inside = bisect_right(folded.links[owner], first, key=lambda link: link.start)
        # The text of an anchor is often its address once more.
        if not inside or folded.links[owner][inside - 1].end <= first:
            found.setdefault(owner, []).append(Link(match[0].rstrip(".,;:!?)'"), "", first, last))
    links = [marked + tuple(found.get(i, ())) for i, marked in enumerate(folded.links)]
    folded.text = as_text(folded.codes)
    return links


Extra = tuple[int, str]
"""A comment, and words of the addresses it links to."""


def _pieces(folded: FoldedBatch, size: int, named: list[int], extra: list[Extra]) -> Pieces:
    """Put the words of links behind the folded texts."""
    owner = [*range(size), *named, *(i for i, _ in extra)]
    block = [TEXT] * size + [NAMES] * (len(named) + len(extra))
    codes, bounds = folded.codes, folded.bounds
    if extra:
        behind = "".join(f"{words}\n" for _, words in extra)
        codes = np.concatenate([codes, np.frombuffer(behind.encode("utf-32-le", "replace"), dtype=np.uint32)])
        bounds = np.append(bounds, [bounds[-1] + end for end in accumulate(len(words) + 1 for _, words in extra)])
    return Pieces(codes, bounds, np.array(owner), np.array(block), folded)


def _run(pieces: Pieces, low: int, high: int, bits: int) -> Run:
    """Hash one chunk."""
    codes, bounds = pieces.codes, pieces.bounds
    part, shift = codes[low:high], low
    if low or high < codes.size:  # Cut in the middle of a text: both ends need their space.
        part, shift = np.concatenate([_ONE_SPACE, part, _ONE_SPACE]), low - 1
    if bounds.size == 2:  # One text: nothing to be told apart.
        grams = hash_grams(part, bounds - shift, bits)
        run_bounds = np.array([0, grams.characters, grams.characters + grams.start.size, grams.rows.size])
        return Run(grams.rows, run_bounds, _ONE_TEXT, _ONE_TEXT, grams, shift)
    first, last = int(bounds.searchsorted(low, "right")) - 1, int(bounds.searchsorted(high))
    grams = hash_grams(part, bounds[first:last] - shift, bits)
    owner, block = pieces.owner[first:last], pieces.block[first:last]
    edges = np.empty(owner.size + 1, dtype=np.int64)
    edges[0], edges[-1] = 0, part.size
    np.subtract(bounds[first + 1 : first + owner.size], shift, out=edges[1:-1])
    of_words = grams.start.searchsorted(edges)
    starts = [
        grams.before.take(edges[:-1]),
        of_words[:-1] + grams.characters,
        grams.pair_first.searchsorted(of_words[:-1]) + (grams.characters + grams.start.size),
    ]
    run_bounds = np.concatenate([*starts, [grams.rows.size]])
    return Run(grams.rows, run_bounds, np.concatenate([owner] * KINDS), np.concatenate([block] * KINDS), grams, shift)


def _repeats(runs: list[Run], size: int, bits: int) -> Floats:
    """How often words repeat [size, blocks]."""
    if len(runs) == 1 and runs[0].owner.size == KINDS:
        return _repeats_of_one(runs[0].grams.word)
    said, squares = np.zeros(size * BLOCKS), np.zeros(size * BLOCKS)
    for run in runs:
        counts = run.of_kind(WORD)
        blocks = (run.owner * BLOCKS + run.block)[: counts.size]
        said += np.bincount(blocks, counts, said.size)
        squares += np.bincount(blocks, _squares(counts, run.grams.word, bits), said.size)
    return np.maximum(squares / np.maximum(said, 1), 1).astype(np.float32).reshape(size, BLOCKS)


def _repeats_of_one(words: Rows) -> Floats:
    """The same for a batch of one text."""
    if words.size < _FEW_WORDS:  # Counting takes less than sorting does.
        squares = sum(often * often for often in Counter(words.tolist()).values())
    else:
        squares = int(_squares(np.array([words.size]), words, 62)[0])
    return np.array([[squares / words.size if squares else 1, 1]], dtype=np.float32)


def _squares(counts: Index, words: Rows, bits: int) -> NDArray[np.float64]:
    """Sum of the squared counts of each text's words, of which there are ``counts``.

    A word said a hundred times must not weigh a hundredfold. How often n-grams repeat is taken from the words alone:
    sorting those costs a twentieth of sorting all.
    """
    keys = (np.arange(counts.size).repeat(counts) << bits) | words
    keys.sort()
    new = np.ones(keys.size + 1, dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:-1])
    first = new.nonzero()[0]
    often = first[1:] - first[:-1]
    often *= often
    return np.bincount(keys[first[:-1]] >> bits, often, counts.size).astype(np.float64)


def _chunks(codes: Codes, bounds: Index) -> list[tuple[int, int]]:
    """Cut an array of texts between texts; a text longer than a chunk where a space allows it, else anywhere.

    A long text is cut by itself, so that it has the same features alone and in company.
    """
    room = CHUNK - 2
    if codes.size <= TOGETHER:
        return [(0, codes.size)]
    cuts: list[tuple[int, int]] = []
    low = 0
    for start, end in pairwise(bounds.tolist()):
        if end - low > TOGETHER and start > low:
            cuts.append((low, start))
            low = start
        while end - low > room:
            gaps = np.flatnonzero(codes[low + 1 : low + room] <= _SPACE)
            high = low + 1 + int(gaps[-1]) if gaps.size else low + room
            cuts.append((low, high))
            low = high
    return [*cuts, (low, codes.size)]
