"""Words for groups of people: one word to the classifier.

Opinion is not abuse, and neither is naming somebody. A model learns from what people write, and people attack some
groups more than others; so the words themselves become suspects. Here all of them are folded into one, before the
n-grams are taken: a sentence is judged alike whichever group it speaks of, and swapping one for another changes no
decision. What is said of the group still counts, and slurs are not in the list: they are words of abuse.
"""

from __future__ import annotations

import re

import numpy as np

from moderation.text import FoldedBatch

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


def spans(text: str) -> list[tuple[int, int]]:
    """Where groups are named in folded text, with an article before them."""
    found: list[tuple[int, int]] = []
    for beginning in _BEGINNING.finditer(text):
        if found and beginning.start() < found[-1][1]:
            continue
        if match := _GROUP.match(text, beginning.start()):
            found.append(match.span())
    return found


def merged(folded: FoldedBatch, groups: list[tuple[int, int]]) -> FoldedBatch:
    """Put the placeholder for every group at these spans of the codes."""
    codes = folded.codes.copy()
    ends = folded.ends.copy()
    stay = np.ones(codes.size, dtype=bool)
    for start, end in groups:
        codes[start] = ord(PLACEHOLDER)
        ends[start] = ends[end - 1]
        stay[start + 1 : end] = False
    before = np.zeros(codes.size + 1, dtype=np.int64)
    np.cumsum(stay, out=before[1:])
    bounds = before[folded.bounds]
    return FoldedBatch(codes[stay], folded.offsets[stay], ends[stay], bounds, folded.links, folded.evidence)
