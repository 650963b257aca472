"""Canonical text: what a comment says once markup and disguise are folded away.

``fold`` turns the original into lower-case text without HTML, BBCode, entities, zero-width or bidi characters,
accents or look-alike letters, and keeps for every character left the place in the original it came from. What was
folded is evidence of its own and is counted. ``plainly`` puts words written in leet or spaced out as they are meant.

Everything works on a whole batch of texts at once with numpy; the only loops in Python are over pieces of markup.
Time is linear in the length of the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import accumulate, pairwise
from pathlib import Path
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from moderation import compiled

TABLES = Path(__file__).parent / "text_tables.npz"
TABLE_SIZE = 0x20000  # Planes 0 and 1; above them only rare ideographs and invisible tags.
EXPANSION = 0x110000  # Values from here on are numbers of multi-character foldings.
_TAGS_PLANE = 0xE0000

CLASS_LATIN, CLASS_CYRILLIC, CLASS_GREEK, CLASS_CJK, CLASS_LETTER, CLASS_DIGIT = 1, 2, 3, 4, 5, 6

MAX_RUN = 3  # "soooooo" and "sooo" are one word; "www" survives.

Codes = NDArray[np.uint32]
Offsets = NDArray[np.int32]
Index = NDArray[np.int64]

_tables = np.load(TABLES, allow_pickle=False)
_FOLD: Codes = _tables["fold"]
CLASSES: NDArray[np.uint8] = _tables["classes"]
_EXPANSION_START: NDArray[np.uint32] = _tables["expansion_start"]
_EXPANSION_CHARS: Codes = _tables["expansion_chars"]
WORD: NDArray[np.bool_] = CLASSES > 0
WORD[ord("'")] = True
_SPACE, _SEAM, _LAST_ASCII = 32, 10, 127
_HOW = (
    _FOLD,
    _EXPANSION_START,
    _EXPANSION_CHARS,
    np.array([TABLE_SIZE, EXPANSION, _TAGS_PLANE, _SPACE, _SEAM, MAX_RUN], dtype=np.uint32),
)


@dataclass(frozen=True, slots=True)
class Link:
    """A link in a comment: where it leads, what it shows, and its span in the original text."""

    url: str
    anchor: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What folding found, as counts a text."""

    hidden: int = 0
    """Zero-width, bidi and control characters removed."""
    lookalikes: int = 0
    """Places inside a word where Latin meets Cyrillic or Greek."""
    stacked: int = 0
    """Combining marks removed."""
    spaced: int = 0
    """Words written with gaps between their letters."""
    leet: int = 0
    """Words with digits and signs for letters."""
    tags: int = 0
    bbcode: int = 0
    entities: int = 0


NO_EVIDENCE = Evidence()
"""What most texts share."""


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

    def starts(self, places: list[int]) -> Offsets:
        """Where the originals of these characters begin."""
        return self.offsets[places]


@dataclass
class FoldedBatch:
    """Many texts, folded into one array of code points.

    Every text is led by a seam (a newline, which folded text never holds) and one more ends the batch: text ``i`` is
    ``codes[bounds[i] + 1:bounds[i + 1]]``. ``text`` is ``codes`` as a string.
    """

    codes: Codes
    text: str
    bounds: Index
    links: list[tuple[Link, ...]]
    evidence: list[Evidence]
    trace: Callable[[int], tuple[Offsets, Offsets]]
    """Works out of a text, by its number, where the original of each character begins and ends. It is asked of few."""

    _traced: dict[int, tuple[Offsets, Offsets]] = field(default_factory=dict, init=False)

    def traced(self, number: int) -> tuple[Offsets, Offsets]:
        """Of text ``number``: character ``i`` came from ``original[offsets[i]:ends[i]]``."""
        if number not in self._traced:
            self._traced[number] = self.trace(number)
        return self._traced[number]

    def number_at(self, place: int) -> int:
        """The number of the text that ``codes[place]`` is of."""
        return int(self.bounds.searchsorted(place, "right")) - 1

    def stretch(self, number: int) -> tuple[int, int]:
        """Where text ``number`` stands in ``codes``, [start, end)."""
        return int(self.bounds[number]) + 1, int(self.bounds[number + 1])

    def span(self, start: int, end: int) -> tuple[int, int]:
        """The span in the original that ``codes[start:end]``, a part of one text, came from."""
        number = self.number_at(start)
        begun, _ = self.stretch(number)
        offsets, ends = self.traced(number)
        return int(offsets[start - begun]), int(ends[end - 1 - begun])

    def starts(self, places: list[int]) -> Offsets:
        """Where the originals of these characters of one text begin."""
        number = self.number_at(places[0])
        begun, _ = self.stretch(number)
        offsets, _ = self.traced(number)
        return offsets.take(np.array(places) - begun)


# One piece of markup. Every repeat is bounded, so that matching stays linear.
_MARKUP = re.compile(
    r"<(?P<close>/?)(?P<tag>[a-zA-Z][a-zA-Z0-9]{0,15})(?P<attrs>(?:[\s/][^<>]{0,2000})?)>"
    r"|<!--[^<>]{0,2000}-->"
    r"|\[(?P<bbclose>/?)(?P<bb>url|link|img|email|b|i|u|s|quote|code|list|size|color|font|center|spoiler)"
    r"(?P<bbattrs>(?:[=\s][^\[\]]{0,2000})?)\]"
    r"|&(?P<entity>\#[0-9]{1,7}|\#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});",
    re.IGNORECASE,
)
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
    spans: list[tuple[int, int, int]]
    """Length in the result, start and end in the original; an end of 0: character by character from the start on."""
    links: list[tuple[str, int, int, int, int]]  # url, start and end in the original, start and end in the result
    tags: int
    bbcode: int
    entities: int

    def places(self) -> tuple[Offsets, Offsets]:
        """Where each character of the result came from: starts and ends."""
        length, start, end = np.array(self.spans, dtype=np.int32).reshape(-1, 3).T
        within = np.arange(len(self.text)) - (length.cumsum() - length).repeat(length)
        moves = (end == 0).repeat(length)
        offsets = start.repeat(length) + within * moves
        return offsets, np.where(moves, offsets + 1, end.repeat(length))


def _strip_markup(text: str) -> _Stripped:
    """HTML, BBCode and entities to text, with links kept aside."""
    pieces: list[str] = []
    spans: list[tuple[int, int, int]] = []
    links: list[tuple[str, int, int, int, int]] = []
    tags = bbcode = entities = 0
    opened: tuple[str, int, int] | None = None  # url, start in the original, start in the result
    length = at = 0

    def emit(piece: str, start: int, end: int = 0) -> None:
        """Add text: as it stands from ``start`` on or, with an ``end``, in place of ``text[start:end]``."""
        nonlocal length
        if piece:
            pieces.append(piece)
            spans.append((len(piece), start, end))
            length += len(piece)

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
    return _Stripped("".join(pieces), spans, links, tags, bbcode, entities)


def _target(tag: str, match: re.Match[str]) -> str:
    if tag == "a":
        found = _HREF.search(match["attrs"] or "")
        return html.unescape(next((g for g in found.groups() if g), "")) if found else ""
    return (match["bbattrs"] or "").strip().lstrip("=").strip("\"' ")


def as_codes(text: str) -> Codes:
    """A string to code points (not to be written to)."""
    # surrogatepass: a lone surrogate is folded away like any other invisible character, not an error.
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def _fold_codes(codes: Codes, starts: Index) -> tuple[Codes, Index | None, Index, Index]:
    """Fold joined texts, of which each is led by one of the places ``starts``.

    Returns the code points, the place each came from (None: nothing moved), those that folded to nothing, and where
    the texts begin now.
    """
    folded, origin = _folded(codes)
    folded[starts if origin is None else origin.searchsorted(starts)] = _SEAM
    gone = (folded == 0).nonzero()[0]
    hidden = gone if origin is None else origin[gone]
    folded, origin = _without(gone, folded, origin)
    folded, origin = _without(_squeezed(folded), folded, origin)
    return folded, origin, hidden, starts if origin is None else (folded == _SEAM).nonzero()[0]


def _folded(codes: Codes) -> tuple[Codes, Index | None]:
    """Fold code points; the second array gives the place each came from (None: nothing moved)."""
    if int(codes.max()) < TABLE_SIZE:
        folded = _FOLD.take(codes)
    else:
        beyond = np.where(codes < _TAGS_PLANE, codes, 0).astype(np.uint32)
        folded = np.where(codes < TABLE_SIZE, _FOLD.take(codes, mode="clip"), beyond)
    many = (folded >= EXPANSION).nonzero()[0]
    if not many.size:
        return folded, None
    begin = _EXPANSION_START[folded[many] - EXPANSION].astype(np.int64)
    length = _EXPANSION_START[folded[many] - EXPANSION + 1] - begin
    room = np.ones(folded.size, dtype=np.int64)
    room[many] = length
    origin = np.arange(folded.size).repeat(room)
    spread = folded[origin]
    within = np.arange(int(length.sum())) - (length.cumsum() - length).repeat(length)
    spread[spread >= EXPANSION] = _EXPANSION_CHARS[begin.repeat(length) + within]
    return spread, origin


def _squeezed(folded: Codes) -> Index:
    """Places of the characters that go when runs are squeezed; squeezing what stays changes nothing."""
    repeats = folded[1:] == folded[:-1]
    again = repeats.nonzero()[0]
    same = folded.take(again)
    goes = same == _SPACE
    if _LONG_RUN in repeats.tobytes():
        # Empty texts put seams side by side.
        side_by_side = again[MAX_RUN - 1 :] - again[: 1 - MAX_RUN] == MAX_RUN - 1
        goes[MAX_RUN - 1 :] |= side_by_side & (same[MAX_RUN - 1 :] != _SEAM)
    out: Index = again[goes]
    return out + 1


def _without(places: Index, codes: Codes, origin: Index | None) -> tuple[Codes, Index | None]:
    """Take out the code points at some places."""
    if not places.size:
        return codes, origin
    stays = np.ones(codes.size, dtype=bool)
    stays[places] = False
    kept = stays.nonzero()[0]
    return codes[kept], kept if origin is None else origin[kept]


# ASCII is folded byte by byte; one byte says "nothing", one "beyond ASCII", and the separator becomes a seam.
_SEPARATOR = "\x1e"
_NOTHING, _BEYOND, _SEAM_BYTE = 0, 0xFF, b"\n"
_FOLD_ASCII = bytes(
    _SEAM if chr(i) == _SEPARATOR else min(code, _BEYOND) for i, code in enumerate(_FOLD[:256].tolist())
)
_LONG_RUN = bytes([True] * MAX_RUN)
"""What so many repeats side by side look like, one more of a character than may stay."""


def _fold_plain(texts: Sequence[str]) -> FoldedBatch | None:
    """Fold texts of which every character becomes one other character; None if they are not such texts."""
    joined = _SEPARATOR.join(["", *texts, ""])
    if not joined.isascii():
        return None
    data = joined.encode("ascii").translate(_FOLD_ASCII)
    if b"  " in data or _NOTHING in data or _BEYOND in data or data.count(_SEAM_BYTE) != len(texts) + 1:
        return None
    narrow = np.frombuffer(data, dtype=np.uint8)
    if _LONG_RUN in (narrow[1:] == narrow[:-1]).tobytes():
        return None
    bounds = np.array([0, *accumulate(len(text) + 1 for text in texts)])
    trace = partial(_trace, None, bounds, bounds, {})
    size = len(texts)
    codes = narrow.astype(np.uint32)
    return FoldedBatch(codes, data.decode("ascii"), bounds, [()] * size, [NO_EVIDENCE] * size, trace)


def fold_batch(texts: Sequence[str]) -> FoldedBatch:
    """Fold many texts at once. Never raises on any ``str``."""
    stripped = {i: _strip_markup(text) for i, text in enumerate(texts) if "<" in text or "[" in text or "&" in text}
    if not stripped and (plain := _fold_plain(texts)):
        return plain
    bare = [stripped[i].text if i in stripped else text for i, text in enumerate(texts)] if stripped else texts
    codes = as_codes("\0".join(["", *bare, ""]))
    starts = np.array([0, *accumulate(len(text) + 1 for text in bare)])
    if compiled.KERNELS is None:
        folded, origin, hidden, bounds = _fold_codes(codes, starts)
    else:
        folded, origin, hidden, bounds = compiled.KERNELS.fold(codes, starts, *_HOW)
    trace = partial(_trace, origin, starts, bounds, stripped)
    batch = FoldedBatch(folded, as_text(folded), bounds, [()] * len(bare), [NO_EVIDENCE] * len(bare), trace)
    disguise = _disguise(codes, hidden)
    if stripped or disguise:
        _add_found(batch, stripped, disguise, starts)
    return batch


def _trace(
    origin: Index | None, starts: Index, bounds: Index, stripped: dict[int, _Stripped], number: int
) -> tuple[Offsets, Offsets]:
    """Starts and ends in the original of one of several joined texts, from places in them without markup."""
    low, high = int(bounds[number]) + 1, int(bounds[number + 1])
    places = np.arange(low, high) if origin is None else origin[low:high]
    offsets = (places - (int(starts[number]) + 1)).astype(np.int32)
    if number in stripped:
        begins, ends = stripped[number].places()
        return begins[offsets], ends[offsets]
    return offsets, offsets + np.int32(1)


def _add_found(
    batch: FoldedBatch, stripped: dict[int, _Stripped], disguise: list[tuple[str, Index]], starts: Index
) -> None:
    """Add the links that stood in markup, and count the evidence of each text."""
    counts: dict[int, dict[str, int]] = {}
    for i, piece in stripped.items():
        counts[i] = {"tags": piece.tags, "bbcode": piece.bbcode, "entities": piece.entities}
        batch.links[i] = tuple(
            Link(url or piece.text[begun:ended].strip(), piece.text[begun:ended], start, end)
            for url, start, end, begun, ended in piece.links
        )
    for name, places in disguise:
        number = np.bincount(starts.searchsorted(places, "right") - 1)
        for i in number.nonzero()[0].tolist():
            counts.setdefault(i, {})[name] = int(number[i])
    for i, found in counts.items():
        batch.evidence[i] = Evidence(**found)


def _disguise(codes: Codes, hidden: Index) -> list[tuple[str, Index]]:
    """Kinds of disguise with the places they are found at; ``hidden`` are those that folded to nothing."""
    found: list[tuple[str, Index]] = []
    if hidden.size:
        mark = CLASSES.take(codes[hidden], mode="clip") > 0
        found += [("hidden", hidden[~mark]), ("stacked", hidden[mark])]
    foreign = (codes > _LAST_ASCII).nonzero()[0]
    classes = CLASSES.take(codes.take(foreign), mode="clip")
    # The number of Greek follows that of Cyrillic; smaller ones wrap around to large ones.
    other = foreign[classes - np.uint8(CLASS_CYRILLIC) <= CLASS_GREEK - CLASS_CYRILLIC]
    if other.size:
        # The seams at both ends keep the neighbours inside.
        before, behind = (CLASSES.take(codes.take(other + step), mode="clip") == CLASS_LATIN for step in (-1, 1))
        found.append(("lookalikes", np.concatenate([other[before] - 1, other[behind]])))
    return [(name, places) for name, places in found if places.size]


def fold(text: str) -> Folded:
    """Fold one text. Folding what was folded changes nothing."""
    batch = fold_batch([text])
    return Folded(batch.text[1:-1], *batch.traced(0), batch.links[0], batch.evidence[0])


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
# Every plain link has one of these, and they are found several times faster: both begin with a letter of their own.
_LINK_DOT = re.compile(r"\.(?:(?<=[a-z0-9-]\.)[a-z]|(?<=www\.))")
_LINK_SCHEME = re.compile(r":(?=//)")


def plain_links(text: str) -> list[re.Match[str]]:
    """Links written plainly in folded text."""
    signs = [match.start() for match in _LINK_DOT.finditer(text)]
    if "://" in text:
        signs += [match.start() for match in _LINK_SCHEME.finditer(text)]
    if not signs:
        return []
    return [match for span in _words_at(text, sorted(signs)) for match in PLAIN_LINK.finditer(text, *span)]


_REST_OF_WORD = re.compile(r"[^ \n]*")


def _words_at(text: str, places: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Spans of what stands between spaces around some places, given in their order; each span once."""
    end = 0
    for place in places:
        if place >= end:
            start = max(text.rfind(" ", end, place), text.rfind("\n", end, place), end - 1) + 1
            end = _REST_OF_WORD.match(text, place).end()  # type: ignore[union-attr]  # It matches anywhere.
            yield start, end


_LEET = {
    "0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "8": "b",
    "@": "a", "$": "s", "!": "i", "+": "t", "|": "l", "*": "",
}  # fmt: skip
_LEET_WORD = re.compile(
    r"(?<![\w@$!|*+.,/:#'-])(?=[a-z]{0,30}[0134578@$!|*+])[a-z0-9@$!|*+]{3,30}(?![\w@$|*+]|[.'-]\w)"
)
_LEET_INSIDE = re.compile(r"[a-z@$!|*][0134578@$!|*+]{1,4}[a-z]|^[0134578@$]{1,2}[a-z]{2}")
# Whatever ``_LEET_INSIDE`` finds holds a sign with a letter behind it, and bytes are looked through much faster.
_LEET_CLASSES = bytes((chr(i) in "0134578@$!|*+") + 2 * (chr(i) in ascii_lowercase) for i in range(256))
_LEET_SIGN = b"\1\2"
_DENSE = 16
"""With a sign to fewer characters than this, looking through all is faster than looking at the signs' words."""
_NO_LEET = re.compile(
    r"\d+[a-z]{1,3}|[a-z]{1,4}\d+|[a-z]+[!+*]+|[$@][a-z0-9]+|[a-z0-9]+@[a-z0-9]+"
    r"|.*[a-z]{3}[!|+]+[a-z]{3}.*"  # Two words without a space: "lovely!this".
)
_SPACED = re.compile(
    r"(?<![\w'])[a-z0-9@$]([ .\-_*·,/\\|~+])(?=[a-z0-9@$](?!\w))(?:[a-z0-9@$]\1){1,200}[a-z0-9@$](?![\w'])"
)


_BEFORE_SIGN = re.compile(r" [.,;:!?)]")
"""Behind a spaced-out word, whose gaps end there: "f r e e  !" means "free!"."""

# What ``_SPACED`` looks for, in bits: gaps (neither letter nor apostrophe), letters, and signs that may be both.
_GAP, _LETTER = 1, 2
_SPACED_BITS = bytes(
    _LETTER * (chr(code) in "abcdefghijklmnopqrstuvwxyz0123456789@$")
    | _GAP * (not chr(code).isalnum() and chr(code) not in "_'")
    for code in range(256)
)
_TWO_LETTERS = bytes([_GAP, _LETTER, _GAP, _LETTER, _GAP])
_THREE_APART = np.uint64(int.from_bytes(bytes([_GAP, _LETTER] * 3 + [_GAP]), "little"))


def classified(text: str, table: bytes) -> bytes:
    """A byte for each character, by ``table``, and room for ``eights``.

    Those outside ASCII are taken for a question mark; before and behind the text stand newlines.
    """
    return (b"\n%b\n\n\n\n\n\n\n" % text.encode("ascii", "replace")).translate(table)


def eights(data: bytes) -> NDArray[np.uint64]:
    """Classified text read eight bytes at a time, so that eight characters are compared at once: number ``i``
    [len(text) + 1] begins with the byte of the character before place ``i``, its lowest.
    """
    return np.ndarray(len(data) - 7, dtype="<u8", buffer=data, strides=(1,))


def _spaced(text: str) -> Iterator[re.Match[str]]:
    """Spaced-out words."""
    data = classified(text, _SPACED_BITS)
    # Finding bytes is several times faster, but does not know of signs that are both.
    if _GAP | _LETTER not in data and _TWO_LETTERS not in data:
        return
    end = 0
    for start in ((eights(data) & _THREE_APART) == _THREE_APART).nonzero()[0].tolist():
        if start >= end and (match := _SPACED.match(text, start)):
            end = match.end()
            yield match


def _leet(text: str) -> Iterator[re.Match[str]]:
    """Words in leet."""
    signs = text.encode("ascii", "replace").translate(_LEET_CLASSES)
    many = signs.count(_LEET_SIGN)
    if many * _DENSE > len(text):
        spans: Iterable[tuple[int, int]] = ((0, len(text)),)
    else:
        spans = _words_at(text, _places_of(_LEET_SIGN, signs)) if many else ()
    for span in spans:
        yield from (match for match in _LEET_WORD.finditer(text, *span) if _is_leet(match[0]))


def _places_of(sign: bytes, data: bytes) -> Iterator[int]:
    place = data.find(sign)
    while place >= 0:
        yield place
        place = data.find(sign, place + 1)


def apart(places: list[int], folded: Folded | FoldedBatch) -> list[tuple[int, int]]:
    """Where a revealed word is to be cut ("c h e a p   p i l l s"): the original has more room between words.

    ``places`` are those that :func:`revealed` gives. Returns the parts as [start, end) of the word's letters.
    """
    # Letters that touch are one word in leet, however far markup has moved them apart.
    if places[-1] - places[0] < 2 * (len(places) - 1):
        return [(0, len(places))]
    steps = np.diff(folded.starts(places))
    return list(pairwise([0, *((steps > steps.min()).nonzero()[0] + 1).tolist(), len(places)]))


def revealed(text: str) -> list[tuple[str, list[int]]]:
    """Words of folded text in leet or spaced-out letters, joined and spelt plainly.

    Returns each word with the places in ``text`` its characters came from. What looks like an address, an ordinal, a
    code name or a shout is left alone.
    """
    found: list[tuple[str, list[int]]] = []
    covered = 0
    for match in sorted([*_spaced(text), *_leet(text)], key=lambda match: match.start()):
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


def plainly(folded: FoldedBatch, end: int) -> FoldedBatch:
    """The batch with what ``revealed`` finds before ``codes[end]`` written plainly, in its place, and counted.

    Beside the disguised spelling the plain one would be drowned: what is left of "c h e a p" is nine words of noise.
    """
    words = revealed(folded.text[:end])
    if not words:
        return folded
    codes, evidence = folded.codes.copy(), list(folded.evidence)
    stays = np.ones(codes.size, dtype=bool)
    for word, places in words:
        parts = apart(places, folded)
        stays[places[0] : places[-1]] = False
        stays[places] = True
        for low, high in parts:
            if high - low > 1:  # A digit by itself is one.
                codes[places[low:high]] = [ord(letter) for letter in word[low:high]]
        gaps = [places[low] - 1 for low, _ in parts[1:]]
        codes[gaps], stays[gaps] = _SPACE, True
        if _BEFORE_SIGN.match(folded.text, places[-1] + 1):
            stays[places[-1] + 1] = False
        owner = folded.number_at(places[0])
        kind = "leet" if places[-1] - places[0] < 2 * (len(places) - 1) else "spaced"
        evidence[owner] = replace(evidence[owner], **{kind: getattr(evidence[owner], kind) + 1})
    kept = stays.nonzero()[0]
    codes, bounds = codes[kept], kept.searchsorted(folded.bounds)
    trace = partial(_trace_kept, folded, kept, bounds)
    return FoldedBatch(codes, as_text(codes), bounds, folded.links, evidence, trace)


def _trace_kept(folded: FoldedBatch, kept: Index, bounds: Index, number: int) -> tuple[Offsets, Offsets]:
    begun, _ = folded.stretch(number)
    inside = kept[int(bounds[number]) + 1 : int(bounds[number + 1])] - begun
    offsets, ends = folded.traced(number)
    return offsets.take(inside), ends.take(inside)


def _is_leet(word: str) -> bool:
    # "h264", "2nd" and "c++" are not leet; "v1agra" and "sh!t" are.
    letters = sum("a" <= letter <= "z" for letter in word)
    return (
        letters >= 2 and 3 * letters >= len(word) and bool(_LEET_INSIDE.search(word)) and not _NO_LEET.fullmatch(word)
    )
