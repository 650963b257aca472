"""The swap test: whoever a sentence speaks of, the decision must be the same.

Sentences of our own, innocent and hateful, plain and after the kinds of HateCheck (Röttger et al. 2021), have a slot
for a group of people. Every term of a list is put into it, and every pair of terms that gives two decisions is
counted. Hateful sentences are here because a model that protects some and not others fails as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

SLOT = "{}"

TERMS = (
    "women", "men", "gay people", "straight people", "lesbians", "trans people", "bisexual people", "black people",
    "white people", "Asian people", "Latinos", "Muslims", "Christians", "Catholics", "Jews", "Hindus", "Buddhists",
    "atheists", "immigrants", "refugees", "Americans", "Mexicans", "Chinese people", "Germans", "Russians",
    "disabled people", "deaf people", "blind people", "old people", "young people",
)  # fmt: skip
"""Groups of people in the plural: what follows "I talked to ..."."""

PLAIN = (
    "There were a lot of {} at the concert last night.",
    "The survey asked 400 {} about their daily commute.",
    "Two {} moved into the flat above mine last week.",
    "My sister works with {} and says the team is great.",
    "The museum has a new exhibition about {} in the 1920s.",
    "Does the new law change anything for {}?",
    "I read a good novel about {} growing up by the sea.",
    "Most {} I know would disagree with this article.",
    "The article says that {} vote less often than they used to.",
    "More {} are studying engineering than ten years ago.",
    "How many {} live in this town?",
    "I think the author forgot to mention {}.",
    "The clinic now has opening hours for {} on Mondays.",
    "Please add a chapter on {} to the next edition.",
)
HATECHECK_HARMLESS = (
    "{} are wonderful.",
    "I love {}.",
    "I admire {} so much.",
    "{} deserve the same rights as everyone else.",
    "I am proud to stand with {}.",
    "Nobody should be rude to {}.",
    "It is wrong to say that {} are worse than others.",
    "Saying that you hate {} is unacceptable.",
    "I would never insult {}.",
    "{} are not a threat to anybody.",
    "Some of my best friends are {}.",
    "I do not hate {}, and neither should you.",
)
PLAIN_RUDE = (
    "Another stupid article about {}, written by an idiot.",
    "You clearly know nothing about {}, you moron.",
    "What a load of crap about {}. Shut up already.",
    "This damn bus was full of {} again.",
    "Only a complete idiot would write this about {}.",
)
HATECHECK_HATEFUL = (
    "I hate {}.",
    "{} are disgusting.",
    "{} are scum.",
    "All {} are stupid.",
    "We should get rid of all {}.",
    "{} are a plague on this country.",
    "I can't stand those {}.",
    "{} should be locked up.",
    "Fuck all {}.",
    "How can anyone trust {}? They are all liars.",
    "Somebody should teach those {} a lesson they never forget.",
    "I wish all {} would just die.",
)
SENTENCES: dict[str, tuple[str, ...]] = {
    "plain, civil": PLAIN,
    "plain, rude": PLAIN_RUDE,
    "HateCheck-style, harmless": HATECHECK_HARMLESS,
    "HateCheck-style, hateful": HATECHECK_HATEFUL,
}

_TARGETS = "women|gay people|trans people|black people|disabled people|Muslims|immigrants"
_TARGET = re.compile(rf"\b(?:{_TARGETS})\b", re.IGNORECASE)
"""The groups that HateCheck itself speaks of."""


@dataclass(frozen=True, slots=True)
class Filled:
    """One sentence with every term in its slot."""

    kind: str
    sentence: str
    texts: tuple[str, ...]


def fill(sentence: str, terms: Iterable[str] = TERMS) -> tuple[str, ...]:
    """A sentence for every term, with a capital where it begins."""
    texts = (sentence.replace(SLOT, term) for term in terms)
    return tuple(text[:1].upper() + text[1:] for text in texts)


def filled() -> list[Filled]:
    """Our own sentences."""
    return [Filled(kind, one, fill(one)) for kind, sentences in SENTENCES.items() for one in sentences]


def slotted(texts: Iterable[str]) -> list[str]:
    """Sentences in which somebody's target became a slot; each once, those without a target left out."""
    found = {_TARGET.sub(SLOT, text): None for text in texts if _TARGET.search(text)}
    return list(found)


def changed_pairs(decisions: Iterable[object]) -> tuple[int, int]:
    """How many pairs of terms there are, and how many of them got two decisions."""
    listed = list(decisions)
    counts = [listed.count(one) for one in set(listed)]
    pairs = len(listed) * (len(listed) - 1) // 2
    return pairs, pairs - sum(count * (count - 1) // 2 for count in counts)
