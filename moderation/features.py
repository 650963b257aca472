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
    TABLE_SIZE,
    WORD,
    FoldedBatch,
    Link,
    as_text,
    fold_batch,
    revealed,
)
from moderation.tokens import Token, tokens_of

VERSION = 1
"""Raised whenever the same comment would give other features; a model of another version is refused."""

CHUNK = 1 << 15
"""Code points worked on at a time: the arrays stay in the processor's cache, whatever a comment's length."""

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


def hash_grams(codes: NDArray[np.uint32], bits: int) -> Grams:
    """Hash every n-gram of at most ``CHUNK`` code points that begin and end with a space or a seam.

    No n-gram crosses a space, and no pair of words crosses a seam.
    """
    size = codes.size
    shift = np.uint64(64 - bits)
    seam = codes == _SEAM
    codes = np.where(seam, np.uint32(_SPACE), codes)
    prefix = np.zeros(size + 6, dtype=np.uint64)
    np.cumsum(codes * _POWER[:size], out=prefix[1 : size + 1])

    spaces = np.flatnonzero(codes == _SPACE)
    # A window may begin or end with a space, but not run over one: `room` is the way to the next.
    room = np.zeros(size, dtype=np.int64)
    room[:-1] = np.repeat(spaces[1:], np.diff(spaces)) - np.arange(size - 1)
    valid = room[:, None] >= _SIZES - 1
    valid[spaces, 0] &= room[spaces] > 1
    # `prefix` is too short for windows that run past the end; `valid` leaves them out.
    windows = (prefix[_WINDOW_END[:size]] - prefix[:size, None]) * _WINDOW_INVERSE[:size]
    char = (windows[valid] >> shift).view(np.int64)
    char_at = np.flatnonzero(valid) >> 2  # Four sizes a place.

    inside = WORD[np.minimum(codes, TABLE_SIZE - 1)]
    edges = np.flatnonzero(inside[1:] != inside[:-1]) + 1
    start, end = edges[::2], edges[1::2]
    raw = (prefix[end] - prefix[start]) * _INVERSE[start]
    word = ((raw * _MIX_WORD) >> shift).view(np.int64)
    pair = (((raw[:-1] * _MIX_PAIR + raw[1:]) * _MIX_WORD) >> shift).view(np.int64)
    first = np.arange(pair.size)
    if seam[1:-1].any():
        text = np.cumsum(seam)[start]
        together = text[1:] == text[:-1]
        first, pair = first[together], pair[together]
    return Grams(char, char_at, word, start, end, pair, first)


def token_index(name: str, bits: int) -> int:
    """Row of a token such as ``link:domain=example.com``."""
    mixed = (zlib.crc32(name.encode("utf-8", "replace")) * _P) & 0xFFFFFFFFFFFFFFFF
    return mixed >> (64 - bits)


@dataclass(slots=True)
class Words:
    """Units of explanation: the words of one chunk.

    They stand at ``[start, end)`` of their comment's original text or, where ``surface`` is given, of that.
    """

    owner: Index
    start: Index
    end: Index
    surface: str | None


@dataclass(slots=True)
class Run:
    """The rows of one chunk: all its character n-grams, then its words, then its pairs.

    ``rows[bounds[i]:bounds[i + 1]]`` belong to comment ``owner[i]``, which comes up once for each kind.
    """

    rows: Index
    bounds: Index
    owner: Index
    names: bool
    words: Words
    grams: Grams


@dataclass(slots=True)
class Features:
    """A batch of comments as the classifier sees them.

    ``scale`` [size, 2] is what each row counts in the text (0) and the names (1) of each comment.
    """

    size: int
    runs: list[Run]
    scale: Floats
    tokens: list[list[Token]]
    token_rows: Index
    token_owner: Index
    links: list[tuple[Link, ...]]


def extract(comments: Sequence[Comment], bits: int) -> Features:
    """The features of a batch; deterministic, and the same for a comment alone or in company."""
    size = len(comments)
    folded = fold_batch([comment.text for comment in comments])
    text, links = _without_links(folded)
    runs: list[Run] = []
    squares = np.zeros((size, 2))
    _add_runs(runs, squares[:, 0], folded, np.arange(size), bits)
    if disguised := revealed(text):
        _add_revealed(runs, squares[:, 0], disguised, folded, bits)
    tokens: list[list[Token]] = []
    names: list[tuple[int, str]] = []
    for i, comment in enumerate(comments):
        found, words = tokens_of(comment, links[i], folded.evidence[i])
        tokens.append(found)
        if words:
            names.append((i, words))
    if names:
        owners = np.array([owner for owner, _ in names])
        of_names = fold_batch([words for _, words in names])
        _add_runs(runs, squares[:, 1], of_names, owners, bits, surface=as_text(of_names.codes))
    scale = (_SCALES / np.sqrt(np.maximum(squares, 1))).astype(np.float32)
    rows = [token_index(token.name, bits) for found in tokens for token in found]
    owner = [i for i, found in enumerate(tokens) for _ in found]
    return Features(size, runs, scale, tokens, np.array(rows, dtype=np.int64), np.array(owner, dtype=np.int64), links)


def _without_links(folded: FoldedBatch) -> tuple[str, list[tuple[Link, ...]]]:
    """Blank links out of the code points, and keep them aside with their spans in the original."""
    text = as_text(folded.codes)
    if not PLAIN_LINK_HINT.search(text):
        return text, folded.links
    bounds = folded.bounds.tolist()
    found: dict[int, list[Link]] = {}
    codes = folded.codes
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


def _add_revealed(
    runs: list[Run],
    squares: NDArray[np.float64],
    disguised: list[tuple[str, list[int]]],
    folded: FoldedBatch,
    bits: int,
) -> None:
    """Add words found under a disguise to the text they were found in."""
    codes = np.frombuffer("\n".join(["", *(word for word, _ in disguised), ""]).encode("utf-32-le"), dtype=np.uint32)
    bounds = np.zeros(len(disguised) + 1, dtype=np.int64)
    np.cumsum([len(word) + 1 for word, _ in disguised], out=bounds[1:])
    # A seam's own place does not matter; the last one's is never asked for.
    places = np.array([place for _, where in disguised for place in (where[0], *where)] + [0], dtype=np.int64)
    owners = np.searchsorted(folded.bounds, [where[0] for _, where in disguised], "right") - 1
    view = FoldedBatch(codes, folded.offsets[places], folded.ends[places], bounds, [], [])
    _add_runs(runs, squares, view, owners, bits)


def _add_runs(
    runs: list[Run],
    squares: NDArray[np.float64],
    batch: FoldedBatch,
    owners: Index,
    bits: int,
    *,
    surface: str | None = None,
) -> None:
    """Hash the texts of a batch, which belong to the comments ``owners``, chunk by chunk."""
    codes, bounds = batch.codes, batch.bounds
    for low, high in _chunks(codes, bounds):
        piece, shift = codes[low:high], low
        if low or high < codes.size:  # Cut in the middle of a text: both ends need their space.
            piece, shift = np.concatenate([[_SPACE], piece, [_SPACE]]).astype(np.uint32), low - 1
        grams = hash_grams(piece, bits)
        first = int(np.searchsorted(bounds, low, "right")) - 1
        owner = owners[first : int(np.searchsorted(bounds, high, "left"))]
        edges = np.append(bounds[first : first + owner.size] - shift, piece.size)
        edges[0] = 0
        of_words = np.searchsorted(grams.start, edges)
        counts = np.diff(
            [
                np.searchsorted(grams.char_at, edges),
                of_words,
                np.searchsorted(grams.pair_first, of_words),
            ]
        )
        start, end = grams.start + shift, grams.end + shift
        if surface is None:
            start, end = batch.offsets[start].astype(np.int64), batch.ends[end - 1].astype(np.int64)
        words = Words(np.repeat(owner, counts[1]), start, end, surface)
        rows = np.concatenate([grams.char, grams.word, grams.pair])
        cuts = np.append(0, np.cumsum(counts))
        runs.append(Run(rows, cuts, np.tile(owner, 3), surface is not None, words, grams))
        np.add.at(squares, owner, _squares(counts, grams.word, bits))


def _squares(counts: Index, words: Index, bits: int) -> NDArray[np.float64]:
    """The squared norm of each text's n-gram counts: a word said a hundred times must not weigh a hundredfold.

    ``counts`` [kinds, texts] says how many n-grams there are; how often they repeat is taken from the words alone:
    sum(c**2) / sum(c) of the words stands for all. Exact while nothing repeats, and sorting words costs a twentieth
    of sorting n-grams.
    """
    texts = counts.shape[1]
    keys = words.copy() if texts == 1 else (np.repeat(np.arange(texts), counts[1]) << bits) | words
    keys.sort()
    first = np.flatnonzero(np.diff(keys, prepend=-1))
    often = np.diff(first, append=keys.size)
    total = np.bincount(keys[first] >> bits, often * often, texts)
    out: NDArray[np.float64] = counts.sum(axis=0) * np.maximum(total / np.maximum(counts[1], 1), 1)
    return out


def _chunks(codes: NDArray[np.uint32], bounds: Index) -> list[tuple[int, int]]:
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
