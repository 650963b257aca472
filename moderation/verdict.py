"""The verdict: what the machine said of a comment, and why."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct


class Decision(StrEnum):
    """What the site should do with the comment."""

    ACCEPT = "accept"
    HOLD = "hold"
    REJECT = "reject"


SEVERITY = {Decision.ACCEPT: 0, Decision.HOLD: 1, Decision.REJECT: 2}

TEXT = "text"
"""Among the evidence: the log-odds of spam from the text alone."""
UNSURE = "unsure"
"""Code of the reason that holds what a site's own model would reject and the base model would not."""


class Reason(Struct, frozen=True, omit_defaults=True):
    """One piece of why.

    The baseline of a head and the effects of its reasons add up to the logit of its score, exactly.
    """

    code: Annotated[
        str,
        Meta(
            description="words, names, phrases, link, author, disguise, rest; a signal's code; rule, mode, flood",
            examples=["words"],
        ),
    ]
    message: Annotated[str, Meta(description="A plain sentence", examples=["the word “viagra” is typical of spam"])]
    effect: Annotated[float, Meta(description="Log-odds added to the score of `head`", examples=[2.31])]
    head: Annotated[
        str, Meta(description="The head it speaks of; empty for what decides without a score", examples=["spam"])
    ]
    spans: Annotated[
        tuple[tuple[int, int], ...],
        Meta(description="Where in the original text, as [start, end) in Unicode code points"),
    ] = ()


class Verdict(Struct, frozen=True):
    """Decision, scores and reasons, with the model and the policy they came from."""

    decision: Decision
    scores: dict[str, float]
    baseline: dict[str, float]
    """Log-odds that every comment starts from, for each head that the reasons speak of."""
    reasons: tuple[Reason, ...]
    """Strongest first."""
    model: str
    policy: str
    evidence: dict[str, float] = {}
    """What signals found, by code, with its strength; :data:`TEXT` is among them."""
