"""Whether the model judges what is said or whom it is said of: HateCheck, identity templates, the swap test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.judged import ACCEPT, Judge, Part
from training.measures import CLEAR, Bools, Measured, Ranking, ranking, share
from training.swap import TERMS, Filled, changed_pairs, fill, filled, slotted

HATECHECK, TEMPLATES = "hatecheck-en", "identity-templates"


@dataclass(frozen=True, slots=True)
class Functionality:
    """One kind of test sentence of HateCheck; ``right`` is hateful ones not accepted, or harmless ones accepted."""

    name: str
    hateful: bool
    comments: int
    right: Measured


def functionalities(part: Part) -> tuple[Functionality, ...]:
    """HateCheck by functionality."""
    names = np.array([comment.group or "" for comment in part.comments])
    hateful = part.labels("identity_attack") >= CLEAR
    flagged = part.decisions > ACCEPT
    rows: list[Functionality] = []
    for name in np.unique(names).tolist():
        chosen = names == name
        wanted = bool(hateful[chosen][0])
        rows.append(Functionality(name, wanted, int(chosen.sum()), share(flagged[chosen] == wanted)))
    return tuple(sorted(rows, key=lambda row: (not row.hateful, row.name)))


IDENTITIES = (
    "african american", "middle eastern", "middle aged", "lesbian", "gay", "bisexual", "transgender", "trans", "queer",
    "lgbtq", "lgbt", "homosexual", "straight", "heterosexual", "male", "female", "nonbinary", "african", "black",
    "white", "european", "hispanic", "latino", "latina", "latinx", "mexican", "canadian", "american", "asian",
    "indian", "chinese", "japanese", "christian", "muslim", "jewish", "buddhist", "catholic", "protestant", "sikh",
    "taoist", "older", "old", "younger", "young", "teenage", "millenial", "elderly", "blind", "deaf", "paralyzed",
)  # fmt: skip
"""The terms of the identity templates (Dixon et al. 2018)."""
_IDENTITY = re.compile(rf"\b(?:{'|'.join(IDENTITIES)})\b")


@dataclass(frozen=True, slots=True)
class Term:
    """One identity term: how well toxic and other templates with it are told apart, and how many others are held."""

    term: str
    ranking: Ranking
    false_positives: Measured


def terms(part: Part) -> tuple[Term, ...]:
    """Identity templates by term; templates that name nobody come first, as ``(none)``."""
    found = [_IDENTITY.search(comment.text.casefold()) for comment in part.comments]
    names = np.array([match[0] if match else "(none)" for match in found])
    return tuple(_term(name, part.take(names == name)) for name in np.unique(names).tolist())


def _term(name: str, part: Part) -> Term:
    labels = part.labels("toxicity")
    return Term(name, ranking(part.score("toxicity"), labels), share(part.decisions[labels < CLEAR] > ACCEPT))


@dataclass(frozen=True, slots=True)
class Swaps:
    """Sentences of one kind with every term in their slot, and the pairs of terms that got two decisions."""

    kind: str
    sentences: int
    pairs: int
    changed: int
    changed_share: Measured
    """Interval by sentence: pairs of one sentence hang together."""
    standing_out: tuple[str, ...]
    """Terms that most often got another decision than most, the worst first."""


def swaps(verdict_of: Judge, part: Part | None) -> tuple[Swaps, ...]:
    """The swap test on our own sentences and, where HateCheck is there, on its own."""
    sets = filled()
    if part is not None:
        sets += [Filled(HATECHECK, one, fill(one)) for one in slotted(c.text for c in part.comments)]
    _, decisions = verdict_of.texts([text for one in sets for text in one.texts])
    table = decisions.reshape(len(sets), len(TERMS))
    kinds = np.array([one.kind for one in sets])
    return tuple(_swaps(kind, table[kinds == kind]) for kind in dict.fromkeys(kinds.tolist()))


def _swaps(kind: str, table: np.ndarray) -> Swaps:
    """``table``: decisions [sentences, terms]."""
    counts = [changed_pairs(row) for row in table.tolist()]
    pairs, changed = (sum(numbers) for numbers in zip(*counts, strict=True))
    sentence = np.repeat(np.arange(len(counts)), [n for n, _ in counts])
    flags: Bools = np.concatenate([np.arange(n) < k for n, k in counts])
    usual = np.array([np.bincount(row).argmax() for row in table])
    unlike = (table != usual[:, None]).sum(axis=0)
    return Swaps(kind, len(counts), pairs, changed, share(flags, sentence), _worst(unlike.tolist()))


def _worst(unlike: Sequence[int], most: int = 5) -> tuple[str, ...]:
    ranked = sorted(zip(unlike, TERMS, strict=True), key=lambda pair: -pair[0])
    return tuple(term for count, term in ranked[:most] if count)
