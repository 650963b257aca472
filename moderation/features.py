"""Features: what the classifier sees of a comment. The one definition for training and serving.

A comment becomes rows of one weight matrix, each counted with a scale:

- *text*: character 2-5-grams inside words and word 1-2-grams of the folded text and of the words revealed under
  leet and spacing, scaled by the L2 norm of their counts;
- *names*: the same n-grams of the author's name, e-mail domain and URL and of link addresses, so that what the
  text taught about "casino" also speaks of best-casino.example; a scale of their own, nothing where a field is missing;
- *tokens*: facts with a name, such as ``link:tld=ru``, in a namespace of their own with a fixed scale.

N-grams are hashed with a polynomial prefix hash over code points (Karp and Rabin 1987) modulo 2**64: with
H[i] = sum(c[j] * P**j for j < i), the window from i to k hashes to (H[k] - H[i]) * P**-i. One cumulative sum serves
windows of every length, so a whole batch is hashed without a Python loop over characters.
"""

from __future__ import annotations

import zlib
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from moderation.comment import Comment
from moderation.text import (
    PLAIN_LINK,
    PLAIN_LINK_HINT,
    WORD,
    Codes,
    FoldedBatch,
    Link,
    Offsets,
    as_text,
    fold_batch,
    revealed,
)
from moderation.tokens import Token, names_of, tokens_of

VERSION = 1
"""Raised whenever the same comment would give other features; a model of another version is refused."""

CHUNK = 1 << 15
"""Code points worked on at a time: the arrays stay in the processor's cache, whatever a comment's length."""

TEXT, NAMES = 0, 1
"""The blocks."""
BLOCKS, KINDS = 2, 3
TEXT_SCALE = 1.0
NAMES_SCALE = 0.5
TOKEN_SCALE = 0.3
_SCALES = np.array([TEXT_SCALE, NAMES_SCALE])

Index = NDArray[np.int64]
Floats = NDArray[np.float32]

_SIZES = np.array((2, 3, 4, 5), dtype=np.int64)
_P = 0x9E3779B97F4A7C15
_MIX_SIZE = np.array([0xBF58476D1CE4E5B9, 0x94D049BB133111EB, 0xD6E8FEB86659FD93, 0xA5CB3B8E6A5F7D4B], dtype=np.uint64)
_MIX_WORD = np.uint64(0xC2B2AE3D27D4EB4F)
_MIX_PAIR = np.uint64(0x165667B19E3779F9)
_SPACE, _SEAM = 32, 10


def _powers(base: int) -> NDArray[np.uint64]:
    out = np.full(CHUNK + 8, base, dtype=np.uint64)
    out[0] = 1
    return np.multiply.accumulate(out)


_POWER = _powers(_P)
_INVERSE = _powers(pow(_P, -1, 1 << 64))
_WINDOW_INVERSE = np.ascontiguousarray(_INVERSE[:, None] * _MIX_SIZE[None, :])
_COUNTING = np.arange(CHUNK)
_LEAST_ROOM = _SIZES - 2
_WINDOW_END = np.ascontiguousarray(np.arange(CHUNK)[:, None] + _SIZES[None, :])


@dataclass(slots=True)
class Grams:
    """The n-grams of one chunk of text, each kind in the order of its places."""

    char: Index
    char_at: Index
    """Place of each n-gram's first code point."""
    word: Index
    start: Index
    end: Index
    """Words stand at ``codes[start:end]``."""
    pair: Index
    pair_first: Index
    """Number of the first word of each pair; the second is the next."""


def hash_grams(codes: Codes, bits: int) -> Grams:
    """Hash every n-gram of at most ``CHUNK`` code points that begin and end with a space or a seam.

    No n-gram crosses a space, and no pair of words crosses a seam.
    """
    size = codes.size
    shift = np.uint64(64 - bits)
    spaces = np.flatnonzero(codes <= _SPACE)
    seams = spaces[codes[spaces] == _SEAM]
    if seams.size:
        codes = codes.copy()
        codes[seams] = _SPACE
    prefix = np.zeros(size + 6, dtype=np.uint64)
    np.multiply(codes, _POWER[:size], out=prefix[1 : size + 1])
    prefix.cumsum(out=prefix)

    # A window may begin or end with a space, but not run over one: `room` is the way to the next.
    gaps = spaces[1:] - spaces[:-1]
    room = np.zeros(size, dtype=np.int64)
    np.subtract(spaces[1:].repeat(gaps), _COUNTING[: size - 1], out=room[:-1])
    valid = room[:, None] > _LEAST_ROOM
    # Two spaces side by side are no n-gram.
    valid[spaces[:-1][gaps == 1], 0] = False
    # `prefix` is too short for windows that run past the end; `valid` leaves them out.
    windows = (prefix[_WINDOW_END[:size]] - prefix[:size, None]) * _WINDOW_INVERSE[:size]
    kept = valid.ravel().nonzero()[0]
    char = (windows.ravel()[kept] >> shift).view(np.int64)
    char_at = kept >> 2  # Four sizes a place.

    inside = WORD.take(codes, mode="clip")  # The last entry of the table is no letter.
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    start, end = edges[::2], edges[1::2]
    raw = (prefix[end] - prefix[start]) * _INVERSE[start]
    word = ((raw * _MIX_WORD) >> shift).view(np.int64)
    pair = (((raw[:-1] * _MIX_PAIR + raw[1:]) * _MIX_WORD) >> shift).view(np.int64)
    first = _COUNTING[: pair.size]
    inner = seams[(seams > 0) & (seams < size - 1)]
    if inner.size:
        text = inner.searchsorted(start)
        together = text[1:] == text[:-1]
        first, pair = first[together], pair[together]
    return Grams(char, char_at, word, start, end, pair, first)


def token_index(name: str, bits: int) -> int:
    """Row of a token such as ``link:domain=example.com``."""
    mixed = (zlib.crc32(name.encode("utf-8", "replace")) * _P) & 0xFFFFFFFFFFFFFFFF
    return mixed >> (64 - bits)


@dataclass(slots=True)
class Pieces:
    """All texts of a batch in one array: the comments' own, their authors' names, and words found inside them.

    Piece ``i`` is ``codes[bounds[i]:bounds[i + 1]]``; it belongs to comment ``owner[i]`` and to ``block[i]``, text or
    names. ``offsets`` and ``ends`` lead from a code point to the original text it came from (text alone).
    """

    codes: Codes
    offsets: Offsets
    ends: Offsets
    bounds: Index
    owner: Index
    block: Index


@dataclass(slots=True)
class Run:
    """The rows of one chunk: all its character n-grams, then its words, then its pairs of words.

    ``rows[bounds[i]:bounds[i + 1]]`` belong to comment ``owner[i]`` and to ``block[i]``; both come up once for each
    kind. The grams' places count from ``shift``.
    """

    rows: Index
    bounds: Index
    owner: Index
    block: Index
    grams: Grams
    shift: int
    word_owner: Index
    word_block: Index


@dataclass(slots=True)
class Features:
    """A batch of comments as the classifier sees them.

    ``scale`` [size, 2] is what each row counts in the text (0) and the names (1) of each comment.
    """

    size: int
    pieces: Pieces
    runs: list[Run]
    scale: Floats
    tokens: list[list[Token]]
    token_rows: Index
    token_owner: Index
    links: list[tuple[Link, ...]]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``pieces.codes[start:end]`` stands in the original."""
        return int(self.pieces.offsets[start]), int(self.pieces.ends[end - 1])


def extract(comments: Sequence[Comment], bits: int) -> Features:
    """The features of a batch; deterministic, and the same for a comment alone or in company."""
    size = len(comments)
    named = [i for i, comment in enumerate(comments) if comment.author is not None]
    texts = [comment.text for comment in comments]
    folded = fold_batch([*texts, *(names_of(comments[i].author) for i in named)])
    text, links = _without_links(folded, size)
    tokens: list[list[Token]] = []
    extra: list[Extra] = []
    for i, comment in enumerate(comments):
        found, words = tokens_of(comment, links[i], folded.evidence[i])
        tokens.append(found)
        if words:
            extra.append((i, NAMES, words, []))
    for word, places in revealed(text):
        extra.append((int(folded.bounds.searchsorted(places[0], "right")) - 1, TEXT, word, places))
    pieces = _pieces(folded, size, named, extra)
    squares = np.zeros((size, 2))
    runs = _runs(pieces, squares, bits)
    scale = (_SCALES / np.sqrt(np.maximum(squares, 1))).astype(np.float32)
    rows = np.array([token_index(token.name, bits) for found in tokens for token in found], dtype=np.int64)
    owner = np.array([i for i, found in enumerate(tokens) for _ in found], dtype=np.int64)
    return Features(size, pieces, runs, scale, tokens, rows, owner, links)


def _without_links(folded: FoldedBatch, size: int) -> tuple[str, list[tuple[Link, ...]]]:
    """Blank the links out of the first ``size`` texts, and keep them aside with their spans in the original."""
    codes = folded.codes[: folded.bounds[size] + 1]
    text = as_text(codes)
    if not PLAIN_LINK_HINT.search(text):
        return text, folded.links
    bounds = folded.bounds.tolist()
    found: dict[int, list[Link]] = {}
    for match in PLAIN_LINK.finditer(text):
        owner = bisect_right(bounds, match.start()) - 1
        start, end = int(folded.offsets[match.start()]), int(folded.ends[match.end() - 1])
        codes[match.start() : match.end()] = _SPACE
        inside = bisect_right(folded.links[owner], start, key=lambda link: link.start)
        # The text of an anchor is often its address once more.
        if not inside or folded.links[owner][inside - 1].end <= start:
            found.setdefault(owner, []).append(Link(match[0].rstrip(".,;:!?)'"), "", start, end))
    links = [marked + tuple(found.get(i, ())) for i, marked in enumerate(folded.links)]
    return as_text(codes), links


Extra = tuple[int, int, str, list[int]]
"""A comment, a block, words found in it, and the places of the folded text they came from (text alone)."""


def _pieces(folded: FoldedBatch, size: int, named: list[int], extra: list[Extra]) -> Pieces:
    """Put the words found after folding behind the folded texts."""
    owner = [*range(size), *named, *(one[0] for one in extra)]
    block = [TEXT] * size + [NAMES] * len(named) + [one[1] for one in extra]
    codes, offsets, ends, bounds = folded.codes, folded.offsets, folded.ends, folded.bounds
    if extra:
        behind = "".join(f"{words}\n" for _, _, words, _ in extra)
        lengths = np.array([len(words) + 1 for _, _, words, _ in extra])
        # Names have no places; a seam's own does not matter.
        places = np.array(
            [i for _, _, words, where in extra for i in ((*where, 0) if where else (0,) * (len(words) + 1))]
        )
        codes = np.concatenate([codes, np.frombuffer(behind.encode("utf-32-le", "replace"), dtype=np.uint32)])
        offsets, ends = np.concatenate([offsets, offsets[places]]), np.concatenate([ends, ends[places]])
        bounds = np.concatenate([bounds, bounds[-1] + lengths.cumsum()])
    return Pieces(codes, offsets, ends, bounds, np.array(owner), np.array(block))


def _runs(pieces: Pieces, squares: NDArray[np.float64], bits: int) -> list[Run]:
    """Hash all pieces, chunk by chunk; adds to ``squares`` [comments, blocks] the squared norm of what was found."""
    codes, bounds = pieces.codes, pieces.bounds
    runs: list[Run] = []
    for low, high in _chunks(codes, bounds) if pieces.owner.size else []:
        part, shift = codes[low:high], low
        if low or high < codes.size:  # Cut in the middle of a text: both ends need their space.
            part, shift = np.concatenate([[_SPACE], part, [_SPACE]]).astype(np.uint32), low - 1
        grams = hash_grams(part, bits)
        if bounds.size == 2:  # One text: nothing to be told apart.
            owner, block = pieces.owner, pieces.block
            counts = np.array([[grams.char.size], [grams.word.size], [grams.pair.size]])
        else:
            first, last = int(bounds.searchsorted(low, "right")) - 1, int(bounds.searchsorted(high, "left"))
            owner, block = pieces.owner[first:last], pieces.block[first:last]
            edges = np.append(bounds[first : first + owner.size] - shift, part.size)
            edges[0] = 0
            of_words = grams.start.searchsorted(edges)
            cuts = np.array([grams.char_at.searchsorted(edges), of_words, grams.pair_first.searchsorted(of_words)])
            counts = cuts[:, 1:] - cuts[:, :-1]
        run_bounds = np.zeros(counts.size + 1, dtype=np.int64)
        counts.cumsum(out=run_bounds[1:])
        rows = np.concatenate([grams.char, grams.word, grams.pair])
        thrice = np.concatenate([owner] * KINDS), np.concatenate([block] * KINDS)
        runs.append(Run(rows, run_bounds, *thrice, grams, shift, owner.repeat(counts[1]), block.repeat(counts[1])))
        np.add.at(squares, (owner, block), _squares(counts, grams.word, bits))
    return runs


def _squares(counts: Index, words: Index, bits: int) -> NDArray[np.float64]:
    """The squared norm of each text's n-gram counts: a word said a hundred times must not weigh a hundredfold.

    ``counts`` [kinds, texts] says how many n-grams there are; how often they repeat is taken from the words alone:
    sum(c**2) / sum(c) of the words stands for all. Exact while nothing repeats, and sorting words costs a twentieth
    of sorting n-grams.
    """
    texts = counts.shape[1]
    keys = words.copy() if texts == 1 else (np.repeat(np.arange(texts), counts[1]) << bits) | words
    keys.sort()
    new = np.ones(keys.size + 1, dtype=bool)
    np.not_equal(keys[1:], keys[:-1], out=new[1:-1])
    first = new.nonzero()[0]
    often = first[1:] - first[:-1]
    total = np.bincount(keys[first[:-1]] >> bits, often * often, texts)
    out: NDArray[np.float64] = counts.sum(axis=0) * np.maximum(total / np.maximum(counts[1], 1), 1)
    return out


def _chunks(codes: Codes, bounds: Index) -> list[tuple[int, int]]:
    """Cut an array of texts between texts; a text longer than a chunk where a space allows it, else anywhere.

    A long text is cut by itself, so that it has the same features alone and in company.
    """
    room = CHUNK - 2
    if codes.size <= room:
        return [(0, codes.size)]
    cuts: list[tuple[int, int]] = []
    low = 0
    for start, end in pairwise(bounds.tolist()):
        if end - low > room and start > low:
            cuts.append((low, start))
            low = start
        while end - low > room:
            gaps = np.flatnonzero(codes[low + 1 : low + room] <= _SPACE)
            high = low + 1 + int(gaps[-1]) if gaps.size else low + room
            cuts.append((low, high))
            low = high
    return [*cuts, (low, codes.size)]
