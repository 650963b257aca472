"""Canonical text: what a comment says once markup and disguise are folded away.

``fold`` turns the original into lower-case text without HTML, BBCode, entities, zero-width or bidi characters,
accents or look-alike letters, and keeps for every character left the place in the original it came from. What was
folded is evidence of its own and is counted. ``revealed`` is the second view: words written in leet or spaced out.

Everything works on a whole batch of texts at once with numpy; the only loops in Python are over pieces of markup.
Time is linear in the length of the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

TABLES = Path(__file__).parent / "text_tables.npz"
TABLE_SIZE = 0x20000  # Planes 0 and 1; above them only rare ideographs and invisible tags.
EXPANSION = 0x110000  # Values from here on are numbers of multi-character foldings.
_TAGS_PLANE = 0xE0000

CLASS_LATIN, CLASS_CYRILLIC, CLASS_GREEK, CLASS_CJK, CLASS_LETTER, CLASS_DIGIT = 1, 2, 3, 4, 5, 6

MAX_RUN = 3  # "soooooo" and "sooo" are one word; "www" survives.

Codes = NDArray[np.uint32]
Offsets = NDArray[np.int32]

_tables = np.load(TABLES, allow_pickle=False)
_FOLD: Codes = _tables["fold"]
CLASSES: NDArray[np.uint8] = _tables["classes"]
_EXPANSION_START: NDArray[np.uint32] = _tables["expansion_start"]
_EXPANSION_CHARS: Codes = _tables["expansion_chars"]
WORD: NDArray[np.bool_] = CLASSES > 0
WORD[ord("'")] = True
_SPACE, _SEAM = 32, 10


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a comment: where it leads, what it shows, and its span in the original text."""

    url: str
    anchor: str
    start: int
    end: int


@dataclass(slots=True)
class Evidence:
    """What folding found, as counts a text."""

    hidden: int = 0
    """Zero-width, bidi and control characters removed."""
    lookalikes: int = 0
    """Places inside a word where Latin meets Cyrillic or Greek."""
    stacked: int = 0
    """Combining marks removed."""
    tags: int = 0
    bbcode: int = 0
    entities: int = 0


@dataclass(slots=True)
class Folded:
    """One text, folded. ``text[i]`` came from ``original[offsets[i]:ends[i]]``."""

    text: str
    offsets: Offsets
    ends: Offsets
    links: tuple[Link, ...]
    evidence: Evidence

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original that ``text[start:end]`` came from."""
        if start >= end:
            return (0, 0)
        return int(self.offsets[start]), int(self.ends[end - 1])


@dataclass(slots=True)
class FoldedBatch:
    """Many texts, folded into one array of code points.

    Every text is led by a seam (a newline, which folded text never holds) and one more ends the batch: text ``i`` is
    ``codes[bounds[i] + 1:bounds[i + 1]]``. Beside ``codes`` run ``offsets`` and ``ends``: each character came from
    ``original[offset:end]``.
    """

    codes: Codes
    offsets: Offsets
    ends: Offsets
    bounds: NDArray[np.int64]
    links: list[tuple[Link, ...]]
    evidence: list[Evidence]


# One piece of markup. Every repeat is bounded, so that matching stays linear.
_MARKUP = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]{0,15})(?P<attrs>(?:[\s/][^<>]{0,2000})?)>"
    r"|<!--[^<>]{0,2000}-->"
    r"|\[(?P<bbclose>/?)(?P<bb>url|link|img|email|b|i|u|s|quote|code|list|size|color|font|center|spoiler)"
    r"(?P<bbattrs>(?:[=\s][^\[\]]{0,2000})?)\]"
    r"|&(?P<entity>\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});",
    re.IGNORECASE,
)
_MARKUP_SIGN = re.compile(r"[<\[&]")
_HREF = re.compile(
    r"href\s{0,8}=\s{0,8}(?:\"([^\"<>]{0,2000})\"|'([^'<>]{0,2000})'|([^\s\"'<>]{1,2000}))", re.IGNORECASE
)
_INLINE = frozenset(
    {"a", "b", "i", "u", "s", "em", "strong", "span", "font", "small", "big", "sub", "sup", "tt", "code", "mark"}
    | {"abbr", "cite", "del", "ins", "wbr"}
)


@dataclass(slots=True)
class _Stripped:
    text: str
    offsets: Offsets
    ends: Offsets
    links: list[tuple[str, int, int, int, int]]  # url, start and end in the original, start and end in the result
    tags: int
    bbcode: int
    entities: int


def _strip_markup(text: str) -> _Stripped:
    """HTML, BBCode and entities to text, with links kept aside."""
    pieces: list[str] = []
    spans: list[Offsets] = []
    ends: list[Offsets] = []
    links: list[tuple[str, int, int, int, int]] = []
    tags = bbcode = entities = 0
    opened: tuple[str, int, int] | None = None  # url, start in the original, start in the result
    length = at = 0

    def emit(piece: str, start: int, end: int = 0) -> None:
        """Add text: as it stands from ``start`` on or, with an ``end``, in place of ``text[start:end]``."""
        nonlocal length
        if not piece:
            return
        n = len(piece)
        places = np.full(n, start, dtype=np.int32) if end else np.arange(start, start + n, dtype=np.int32)
        pieces.append(piece)
        spans.append(places)
        ends.append(np.full(n, end, dtype=np.int32) if end else places + np.int32(1))
        length += n

    for match in _MARKUP.finditer(text):
        emit(text[at : match.start()], at)
        at = match.end()
        if match["entity"]:
            meant = html.unescape(match[0])
            known = meant != match[0]
            entities += known
            emit(meant, match.start(), match.end() if known else 0)
            continue
        tag = (match["tag"] or match["bb"] or "").lower()
        closing = bool(match["close"] or match["bbclose"])
        if match["bb"]:
            bbcode += 1
        else:
            tags += 1
        if tag not in _INLINE and tag not in ("url", "link"):
            emit(" ", match.start(), match.end())
        if tag not in ("a", "url", "link"):
            continue
        if opened:
            url, start, begun = opened
            links.append((url, start, match.end() if closing else match.start(), begun, length))
            opened = None
        if not closing:
            opened = (_target(tag, match), match.start(), length)
    emit(text[at:], at)
    if opened:
        links.append((opened[0], opened[1], len(text), opened[2], length))
    nothing = np.zeros(0, dtype=np.int32)
    offsets, stops = np.concatenate([nothing, *spans]), np.concatenate([nothing, *ends])
    return _Stripped("".join(pieces), offsets, stops, links, tags, bbcode, entities)


def _target(tag: str, match: re.Match[str]) -> str:
    if tag == "a":
        found = _HREF.search(match["attrs"] or "")
        return html.unescape(next((g for g in found.groups() if g), "")) if found else ""
    return (match["bbattrs"] or "").strip().lstrip("=").strip("\"' ")


def _codes(text: str) -> Codes:
    # surrogatepass: a lone surrogate is folded away like any other invisible character, not an error.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _fold_codes(codes: Codes) -> tuple[Codes, NDArray[np.int64] | None]:
    """Fold code points; the second array gives the place each came from (None: nothing moved)."""
    if codes.size and int(codes.max()) >= TABLE_SIZE:
        inside = np.minimum(codes, TABLE_SIZE - 1)
        folded = np.where(codes < TABLE_SIZE, _FOLD[inside], np.where(codes < _TAGS_PLANE, codes, 0)).astype(np.uint32)
    else:
        folded = _FOLD[codes]
    if not folded.size or int(folded.max()) < EXPANSION:
        return folded, None
    number = np.where(folded >= EXPANSION, folded - EXPANSION, 0).astype(np.int64)
    size = np.where(folded >= EXPANSION, _EXPANSION_START[number + 1] - _EXPANSION_START[number], 1).astype(np.int64)
    origin = np.repeat(np.arange(folded.size), size)
    within = np.arange(origin.size) - np.repeat(np.cumsum(size) - size, size)
    spread = folded[origin]
    chars = _EXPANSION_CHARS[np.minimum(_EXPANSION_START[number[origin]] + within, _EXPANSION_CHARS.size - 1)]
    return np.where(spread >= EXPANSION, chars, spread).astype(np.uint32), origin


def _keep(folded: Codes) -> NDArray[np.bool_]:
    """Which characters stay when runs are squeezed; what stays would stay a second time."""
    equal = folded[1:] == folded[:-1]
    keep = np.ones(folded.size, dtype=bool)
    if not equal.any():
        return keep
    keep[1:] = ~(equal & (folded[1:] == _SPACE))
    if folded.size > MAX_RUN:
        keep[MAX_RUN:] &= ~(equal[: -(MAX_RUN - 1)] & equal[1:-1] & equal[MAX_RUN - 1 :])
    return keep


def fold_batch(texts: Sequence[str]) -> FoldedBatch:
    """Fold many texts at once. Never raises on any ``str``."""
    bare = list(texts)
    stripped: dict[int, _Stripped] = {}
    for i, text in enumerate(texts):
        if _MARKUP_SIGN.search(text):
            stripped[i] = piece = _strip_markup(text)
            bare[i] = piece.text
    joined = "\0".join(["", *bare, ""])
    codes = _codes(joined)
    starts = np.zeros(len(bare) + 1, dtype=np.int64)
    np.cumsum([len(text) + 1 for text in bare], out=starts[1:])
    plain = joined.isascii()
    folded, origin = (_FOLD[codes], None) if plain else _fold_codes(codes)
    seams = starts if origin is None else np.searchsorted(origin, starts)
    folded[seams] = _SEAM
    there = None if folded.all() else np.flatnonzero(folded)
    keep = _keep(folded if there is None else folded[there])
    keep[seams if there is None else np.searchsorted(there, seams)] = True  # Empty texts put seams side by side.
    kept = np.flatnonzero(keep) if there is None else there[keep]
    bounds = seams if kept.size == folded.size else np.searchsorted(kept, seams)
    source = kept if origin is None else origin[kept]
    begun = starts + 1 if len(bare) == 0 else np.repeat(starts + 1, np.diff(bounds, append=kept.size))
    offsets = (source - begun).astype(np.int32)
    evidence = [Evidence() for _ in bare]
    batch = FoldedBatch(folded[kept], offsets, offsets + np.int32(1), bounds, [()] * len(bare), evidence)
    if not plain or there is not None:
        _count_disguise(codes, starts, batch.evidence)
    for i, piece in stripped.items():
        _put_back(batch, i, piece)
    return batch


def _put_back(batch: FoldedBatch, i: int, piece: _Stripped) -> None:
    """Lead the offsets of a text that had markup back to the original, and add what its markup held."""
    low, high = int(batch.bounds[i]) + 1, int(batch.bounds[i + 1])
    source = batch.offsets[low:high]
    batch.offsets[low:high], batch.ends[low:high] = piece.offsets[source], piece.ends[source]
    evidence = batch.evidence[i]
    evidence.tags, evidence.bbcode, evidence.entities = piece.tags, piece.bbcode, piece.entities
    batch.links[i] = tuple(
        Link(url or piece.text[begun:ended].strip(), piece.text[begun:ended], start, end)
        for url, start, end, begun, ended in piece.links
    )


def _count_disguise(codes: Codes, starts: NDArray[np.int64], evidence: list[Evidence]) -> None:
    inside = np.minimum(codes, TABLE_SIZE - 1)
    classes = CLASSES[inside]
    vanished = np.where(codes < TABLE_SIZE, _FOLD[inside] == 0, codes >= _TAGS_PLANE)
    vanished[starts] = False  # The seams.
    mark = vanished & (classes > 0)
    latin, other = classes == CLASS_LATIN, (classes == CLASS_CYRILLIC) | (classes == CLASS_GREEK)
    meets = (latin[:-1] & other[1:]) | (other[:-1] & latin[1:])
    for name, places in (("hidden", vanished & ~mark), ("stacked", mark), ("lookalikes", meets)):
        found = np.flatnonzero(places)
        if found.size:
            counts = np.bincount(np.searchsorted(starts, found, "right") - 1, minlength=len(evidence))
            for i in np.flatnonzero(counts):
                setattr(evidence[i], name, int(counts[i]))


def fold(text: str) -> Folded:
    """Fold one text. Folding what was folded changes nothing."""
    batch = fold_batch([text])
    return Folded(as_text(batch.codes[1:-1]), batch.offsets[1:-1], batch.ends[1:-1], batch.links[0], batch.evidence[0])


def as_text(codes: Codes) -> str:
    """Code points to a string."""
    return codes.tobytes().decode("utf-32-le", "replace")


# Links written plainly, found in folded text.
_TOP_LEVEL = (
    "com|net|org|info|biz|ru|cn|xyz|shop|store|online|site|top|club|vip|icu|co|io|me|us|uk|de|fr|es|it|pl|in|eu|br|jp"
    "|tk|ml|ga|cf|ws|cc|tv|live|pro|life|blog|link|click|space|website|tech|app|dev|ly"
)
PLAIN_LINK = re.compile(
    r"(?:https?|hxxps?|ftp)://[^\s‹›\"⁅⁆]{1,2000}"
    r"|(?<![\w@.])www\.[^\s‹›\"⁅⁆]{1,2000}"
    r"|(?<![\w@./-])(?:[a-z0-9][a-z0-9-]{0,62}\.){1,4}(?:" + _TOP_LEVEL + r")(?![\w.@-])(?:/[^\s‹›\"⁅⁆]{0,2000})?"
)
PLAIN_LINK_HINT = re.compile(r"://|www\.|[a-z0-9-]\.[a-z]")
"""Whatever ``PLAIN_LINK`` finds, this finds in it: where it finds nothing the slower pattern need not look."""

_LEET = {
    "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b",
    "@": "a", "$": "s", "!": "i", "+": "t", "|": "l", "*": "",
}  # fmt: skip
_LEET_WORD = re.compile(
    r"(?<![\w@$!|*+.,/:#'-])(?=[a-z]{0,30}[0134578@$!|*+])[a-z0-9@$!|*+]{3,30}(?![\w@$|*+]|[.'-]\w)"
)
_LEET_INSIDE = re.compile(r"[a-z@$!|*][0134578@$!|*+]{1,4}[a-z]|^[0134578@$]{1,2}[a-z]{2}")
_LEET_HINT = re.compile(r"[a-z@$!|*][0134578@$!|*+]|[0134578@$][a-z]")
"""Whatever ``_LEET_INSIDE`` finds, this finds in it."""
_NO_LEET = re.compile(r"\d+[a-z]{1,3}|[a-z]{1,4}\d+|[a-z]+[!+*]+|[$@][a-z0-9]+|[a-z0-9]+@[a-z0-9]+")
_SPACED = re.compile(
    r"(?<![\w'])[a-z0-9@$]([ .\-_*·,/\\|~+])(?=[a-z0-9@$](?!\w))(?:[a-z0-9@$]\1){1,28}[a-z0-9@$](?![\w'])"
)


def revealed(text: str) -> list[tuple[str, list[int]]]:
    """The second view of folded text: words in leet or spaced-out letters, joined and spelt plainly.

    Returns each word with the places in ``text`` its characters came from. What looks like an address, an ordinal, a
    code name or a shout is left alone.
    """
    found: list[tuple[str, list[int]]] = []
    covered = 0
    words = [match for match in _LEET_WORD.finditer(text) if _is_leet(match[0])] if _LEET_HINT.search(text) else []
    for match in sorted([*_SPACED.finditer(text), *words], key=lambda match: match.start()):
        if match.start() < covered:
            continue
        spaced = match.re is _SPACED
        places = list(range(*match.span(), 2 if spaced else 1))
        if not any(text[i].isalpha() for i in places):
            continue
        covered = match.end()
        pairs = [(_LEET.get(text[i], text[i]), i) for i in places]
        word = "".join(letter for letter, _ in pairs)
        if len(set(word)) >= 3:
            found.append((word, [place for letter, place in pairs if letter]))
    return found


def _is_leet(word: str) -> bool:
    # "h264", "2nd" and "c++" are not leet; "v1agra" and "sh!t" are.
    letters = sum("a" <= letter <= "z" for letter in word)
    return (
        letters >= 2 and 3 * letters >= len(word) and bool(_LEET_INSIDE.search(word)) and not _NO_LEET.fullmatch(word)
    )
