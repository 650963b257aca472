"""What a site's own model can promise, and from which scores it holds and rejects.

The promise rests on comments that were drawn at random when they came, whatever was decided of them, and on every
second of those only: the others teach. So the scores it is read from are of comments like the ones to come, by a
model that has never seen them, and the exact bound of :mod:`moderation.guarantee` holds as it is. A comment is
rejected from the same score on by either head, so it is the higher of both that the bound speaks of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderation.artifact import HeadManifest
from moderation.classifier import DIGITS
from moderation.guarantee import Bound, threshold_below, threshold_for
from moderation.policy import Choices
from training.labels import HEADS

Floats = NDArray[np.float64]
LEAST_REJECT = 0.9
"""Never reject below this score, whatever the labels say."""
MOST_HELD = 0.2
"""A promise about missed spam is not worth holding more than this share of the ham."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Thresholds of a site's own model, and what they rest on."""

    hold_at: float | None
    """Of both heads; None: as the base has it."""
    reject_at: float | None
    reject: Bound | None
    accept: Bound | None
    ham: int
    """Ham and other comments that the bounds could be read from."""
    bad: int
    day: str

    @property
    def told(self) -> tuple[str, ...]:
        """In sentences."""
        return self._rejecting(), self._accepting()

    def _rejecting(self) -> str:
        if self.reject is None:
            return (
                f"Too few ham comments were drawn at random to promise anything ({self.ham:,}): Hamlet rejects only"
                " what the base model rejects as well, and holds the rest"
            )
        return (
            f"With {1 - self.reject.delta:.0%} confidence at most {share(self.reject.alpha)} ham comments is rejected"
            f" (n = {self.reject.n:,}, {self.day})"
        )

    def _accepting(self) -> str:
        if self.accept is None:
            return f"Nothing can be promised about spam that is missed (n = {self.bad:,})"
        return (
            f"With {1 - self.accept.delta:.0%} confidence at most {share(self.accept.alpha)} spam or abusive comments"
            f" is accepted (n = {self.accept.n:,}, {self.day})"
        )


def share(alpha: float) -> str:
    """0.002 as people say it: 1 in 500; never fewer than that."""
    return f"1 in {int(1 / alpha + 1e-6):,}"


def promise(scores: Floats, bad: NDArray[np.bool_], choices: Choices, now: int) -> Promise:
    """The promise that labels kept aside allow: ``scores`` [labels, heads], ``bad`` [labels] spam or abuse."""
    highest = scores.max(axis=1, initial=0.0).round(DIGITS)
    ham, evil = highest[~bad], highest[bad]
    reject = threshold_for(ham, choices.most_ham_rejected)
    if reject is not None and reject.threshold > 1:  # Too much ham has the highest score there is.
        reject = None
    accept = threshold_below(evil, choices.most_spam_accepted)
    if accept is not None and ham.size and (ham >= accept.threshold).mean() > MOST_HELD:
        accept = None
    day = datetime.fromtimestamp(now / 1000, UTC).date().isoformat()
    reject_at = None if reject is None else min(1.0, max(reject.threshold, LEAST_REJECT))
    hold_at = None if accept is None else min(max(accept.threshold, 0.0), 1.0)
    return Promise(hold_at, reject_at, reject, accept, ham.size, evil.size, day)


def with_limits(heads: Sequence[HeadManifest], found: Promise) -> tuple[HeadManifest, ...]:
    """The heads with the thresholds of a promise."""
    return tuple(_with_limits(head, found) if head.name in HEADS else head for head in heads)


def _with_limits(head: HeadManifest, found: Promise) -> HeadManifest:
    hold_at = head.hold_at if found.hold_at is None else found.hold_at
    reject_at = head.reject_at if found.reject_at is None else found.reject_at
    if hold_at is not None and reject_at is not None:
        hold_at = min(hold_at, reject_at)
    return msgspec.structs.replace(head, hold_at=hold_at, reject_at=reject_at, evidence="; ".join(found.told))
