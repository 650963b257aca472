"""Words for groups of people: one word to the classifier.

Opinion is not abuse, and neither is naming somebody. A model learns from what people write, and people attack some
groups more than others; so the words themselves become suspects. Here all of them are folded into one, before the
n-grams are taken: a sentence is judged alike whichever group it speaks of, and swapping one for another changes no
decision. What is said of the group still counts, and slurs are not in the list: they are words of abuse.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from functools import partial
from itertools import accumulate
from string import ascii_lowercase

import numpy as np
from numpy.typing import NDArray

from moderation.text import FoldedBatch, Offsets, as_codes, classified, eights

PLACEHOLDER = "ꙮ"
"""A letter that nobody writes with (multiocular O), standing for any group."""

_ADJECTIVES = """
lesbian gay bisexual bi transgender transgendered transsexual trans queer lgbt lgbtq lgbtqia lgbti homosexual straight
heterosexual nonbinary non-binary cis cisgender intersex asexual
african african-american afro-american black white european caucasian hispanic latino latina latinx arab arabic asian
indian pakistani bangladeshi middle-eastern mexican canadian american chinese japanese korean vietnamese thai filipino
russian ukrainian polish german french italian spanish portuguese brazilian british english irish scottish turkish greek
iranian persian iraqi syrian afghan israeli palestinian egyptian moroccan nigerian somali ethiopian kenyan jamaican
cuban puerto-rican colombian venezuelan romanian hungarian czech serbian croatian albanian swedish norwegian danish
dutch finnish swiss austrian belgian australian indigenous aboriginal native-american roma romani gypsy kurdish tibetan
uyghur jewish muslim islamic christian catholic protestant evangelical mormon orthodox buddhist hindu sikh taoist
atheist agnostic religious secular
male female old older young younger teenage teenaged millennial millenial elderly middle-aged
blind deaf paralyzed paralysed disabled handicapped autistic wheelchair-bound
immigrant migrant refugee foreign
""".split()

_NOUNS = """
women woman men man girls girl boys boy ladies lady females males
blacks whites asians africans african-americans europeans americans mexicans canadians indians pakistanis arabs latinos
latinas hispanics russians ukrainians germans italians greeks turks brits koreans iranians iraqis syrians afghans
israelis palestinians egyptians nigerians somalis cubans romanians hungarians serbs croats albanians swedes norwegians
danes australians brazilians poles
jews jew muslims christians catholics protestants evangelicals mormons buddhists hindus sikhs atheists
gays lesbians bisexuals homosexuals heterosexuals transsexuals
immigrants migrants refugees foreigners
teenagers teens millennials boomers seniors
""".split()

_PEOPLE = "(?:people|persons?|folks?|m[ae]n|wom[ae]n|guys?|girls?|boys?|kids?|children|community|communities|lives)"
_TERMS = {re.escape(word).replace(r"\-", "[- ]?") for word in _ADJECTIVES + _NOUNS}
_SINGLE = "|".join(sorted(_TERMS, key=len, reverse=True))

_GROUP = re.compile(
    rf"(?:an? )?(?:(?:{_SINGLE})(?: (?:{_SINGLE}))?(?: {_PEOPLE})?"
    rf"|people (?:of colou?r|with (?:a )?disabilit(?:y|ies)|in wheelchairs?)|wheelchair users?|disability)(?!\w)"
)
# The pattern has hundreds of branches: it is tried only where a word of the text begins one of them, and those
# beginnings are looked for letter by letter.


def _letter_by_letter(words: set[str]) -> str:
    """A pattern that matches just these words, branching at every letter (a trie)."""
    branches: dict[str, set[str]] = {}
    for word in words:
        if word:
            branches.setdefault(word[0], set()).add(word[1:])
    tails = [letter + _letter_by_letter(rest) for letter, rest in sorted(branches.items())]
    if not tails:
        return ""
    joined = "|".join(tails)
    return f"(?:{joined})?" if "" in words else f"(?:{joined})" if len(tails) > 1 else joined


_BEGINNINGS = {re.split(r"\W", word)[0] for word in _ADJECTIVES + _NOUNS} | {"people", "wheelchair", "disability"}
_BEGINNING = re.compile(rf"(?<![\w'])(?:an? )?{_letter_by_letter(_BEGINNINGS)}(?![a-z])")
_ARTICLE = re.compile(r"(?<![\w'])an? ")

# Most words are ruled out by their first four letters, all places at once: a gap and the letters behind it are five
# bytes of a number, which a product hashes to a place of this map. What is no letter is a zero.
_LETTERS = bytes(code if chr(code) in ascii_lowercase else 0 for code in range(256))
_MAP_BITS = 17
_FIVE_BYTES = np.uint64(0x9E3779B97F << 24)  # In the product of a number with this, its last three bytes are lost.
_MAP_SHIFT = np.uint64(64 - _MAP_BITS)


def _map_of(words: set[str]) -> NDArray[np.bool_]:
    """Where the hashes of these words' first four letters fall; a shorter word may have any letter behind its end."""
    starts = {(f"{word}\0{behind}")[:4] for word in words for behind in "\0" + ascii_lowercase}
    keys = np.array([int.from_bytes(b"\0" + start.encode(), "little") for start in starts], dtype=np.uint64)
    known = np.zeros(1 << _MAP_BITS, dtype=bool)
    known[(keys * _FIVE_BYTES) >> _MAP_SHIFT] = True
    return known


_KNOWN = _map_of(_BEGINNINGS)


def spans(text: str) -> list[tuple[int, int]]:
    """Where groups are named in folded text, with an article before them."""
    places = ((eights(classified(text, _LETTERS)) * _FIVE_BYTES) >> _MAP_SHIFT).view(np.int64)
    found: list[tuple[int, int]] = []
    end = 0
    for place in _KNOWN.take(places).nonzero()[0].tolist():
        if place < end:
            continue
        start = _with_article(text, place)
        if start >= end and _BEGINNING.match(text, start) and (match := _GROUP.match(text, start)):
            found.append(match.span())
            end = match.end()
    return found


def _with_article(text: str, place: int) -> int:
    """Where a group named at a place begins, with the article before it."""
    if text[place - 2 : place] == "a " and _ARTICLE.match(text, place - 2):
        return place - 2
    if text[place - 3 : place] == "an " and _ARTICLE.match(text, place - 3):
        return place - 3
    return place


def merged(folded: FoldedBatch, groups: list[tuple[int, int]]) -> FoldedBatch:
    """Put the placeholder for every group at these spans of the codes."""
    text = folded.text
    edges = [0, *(edge for span in groups for edge in span), len(text)]
    text = PLACEHOLDER.join(text[low:high] for low, high in zip(edges[::2], edges[1::2], strict=True))
    # How many characters of each group go, with all before it.
    gone = np.array([0, *accumulate(end - start - 1 for start, end in groups)])
    before = np.array(edges[1:-1:2]).searchsorted(folded.bounds)
    bounds = folded.bounds - gone.take(before)
    return FoldedBatch(as_codes(text), text, bounds, folded.links, folded.evidence, partial(_trace, folded, groups))


def _trace(folded: FoldedBatch, groups: list[tuple[int, int]], number: int) -> tuple[Offsets, Offsets]:
    begun, end = folded.stretch(number)
    offsets, ends = folded.traced(number)
    ends = ends.copy()
    stays = bytearray(b"\1") * offsets.size  # Its slices are set ten times faster than those of an array.
    for low, high in groups[bisect_left(groups, (begun,)) : bisect_left(groups, (end,))]:
        stays[low - begun + 1 : high - begun] = bytes(high - low - 1)
        ends[low - begun] = ends[high - begun - 1]
    kept = np.frombuffer(stays, dtype=bool).nonzero()[0]
    return offsets.take(kept), ends.take(kept)
