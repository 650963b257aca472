"""Learning what signals are worth on a site, from its own reviews.

Logistic regression beside the text's log-odds, around the weights that Hamlet ships.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.errors import HamletError
from moderation.past import Outcome
from moderation.signals import SIGNALS
from moderation.verdict import TEXT
from training.logistic import fit

Floats = NDArray[np.float64]

SPREAD = 1.0
"""Standard deviation of the prior, in log-odds: how far weights of sites are thought to differ."""
LEAST, LEAST_OF_EACH = 30, 5
"""Labels, and labels of ham and of spam, without which nothing is learnt."""
MOST = 8.0
"""No weight grows beyond it, whatever the labels say."""

Labelled = tuple[Mapping[str, float], Outcome]
"""What the signals found in a comment, by code, and what people said of it."""


class TooFewLabels(HamletError):
    """Not enough reviews to learn from."""

    hint = "until then the weights that Hamlet ships are used; review some comments, spam and ham, and try again"


@dataclass(frozen=True, slots=True)
class Learnt:
    """What was learnt of one signal."""

    code: str
    in_spam: int
    in_ham: int
    """Labelled comments in which it found something."""
    prior: float
    weight: float


def learn(labelled: Sequence[Labelled]) -> list[Learnt]:
    """The weights of all signals that found something; raises :class:`TooFewLabels`.

    Comments called abuse or other tell nothing about spam, nor do those that were judged before evidence was kept.
    """
    told = [one for one in labelled if TEXT in one[0] and one[1] in (Outcome.HAM, Outcome.SPAM)]
    used = [(found, outcome is Outcome.SPAM) for found, outcome in told]
    spam = np.array([is_spam for _, is_spam in used], dtype=bool)
    if spam.size < LEAST or min(spam.sum(), (~spam).sum()) < LEAST_OF_EACH:
        there_are = f"{spam.sum()} comments called spam and {(~spam).sum()} called ham"
        raise TooFewLabels(f"{there_are}: {LEAST} are needed, and {LEAST_OF_EACH} of each")
    strength = np.array([[found.get(one.code, 0.0) for one in SIGNALS] for found, _ in used])
    offset = np.array([found[TEXT] for found, _ in used])
    prior = np.array([one.weight for one in SIGNALS])
    weights = fit(strength, offset, spam, prior, SPREAD, most=MOST)
    there = strength != 0
    return [
        Learnt(one.code, int(there[spam, i].sum()), int(there[~spam, i].sum()), one.weight, round(float(weights[i]), 4))
        for i, one in enumerate(SIGNALS)
        if there[:, i].any()
    ]
