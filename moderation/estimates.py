"""How often the machine is wrong on a site, from what people said of comments that were drawn at random.

What was held is looked at in full; of what was accepted and rejected only the comments that were drawn, each of which
stands for as many as the chance it was drawn with says (Horvitz, Thompson 1952). Shares inside one decision have exact
intervals; shares across decisions have those of a bootstrap over comments (Efron 1979).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from moderation.guarantee import LEAST, Share, known_share, share_of
from moderation.past import BAD, Outcome
from moderation.verdict import Decision

RESAMPLES, SEED = 500, 20261122


@dataclass(frozen=True, slots=True)
class Looked:
    """A comment that was decided, looked at by a person, and the chance it had to be."""

    decision: Decision
    outcome: Outcome
    share: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A share of all comments of a kind, estimated from ``n`` that were looked at, with a 95 % interval."""

    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True, slots=True)
class Errors:
    """How often the machine is wrong. None: too few comments were looked at to say.

    Of comments that were held alone nothing follows for all of them: shares across decisions need drawn ones, too.
    """

    accepted: int
    rejected: int
    held: int
    """Comments of each decision that were looked at, and drawn at random where they were not held."""
    bad_of_accepted: Share | None
    ham_of_rejected: Share | None
    ham_rejected: Rate | None
    """Share of all ham that is rejected."""
    bad_accepted: Rate | None
    """Share of all spam and abuse that is accepted."""
    ham_held: Rate | None


def errors(looked: Iterable[Looked]) -> Errors:
    """Estimate from comments that were held, and from those that were drawn of the others."""
    rows = [one for one in looked if one.outcome is not Outcome.OTHER and one.share > 0]
    decision = np.array([one.decision.value for one in rows], dtype=object)
    bad = np.array([one.outcome in BAD for one in rows], dtype=bool)
    weight = np.array([1.0 if one.decision is Decision.HOLD else 1 / one.share for one in rows])
    accepted, rejected, held = (decision == one.value for one in (Decision.ACCEPT, Decision.REJECT, Decision.HOLD))
    across = _rate if int(accepted.sum() + rejected.sum()) >= LEAST else _unknown
    return Errors(
        int(accepted.sum()),
        int(rejected.sum()),
        int(held.sum()),
        _share(bad[accepted]),
        _share(~bad[rejected]),
        across(rejected & ~bad, ~bad, weight),
        across(accepted & bad, bad, weight),
        across(held & ~bad, ~bad, weight),
    )


def _share(hits: NDArray[np.bool_]) -> Share | None:
    return known_share(int(hits.sum()), hits.size)


def _unknown(*_: object) -> None:
    return None


def _rate(hits: NDArray[np.bool_], of: NDArray[np.bool_], weight: NDArray[np.float64]) -> Rate | None:
    """The weighted share of ``hits`` among ``of``, with a percentile interval."""
    n = int(of.sum())
    if n < LEAST:
        return None
    hit, amount = hits[of], weight[of]
    random, resampled = np.random.default_rng(SEED), []
    for _ in range(RESAMPLES):  # One at a time: all at once they take hundreds of megabytes.
        drawn = random.integers(n, size=n)
        resampled.append(float((hit[drawn] * amount[drawn]).sum() / amount[drawn].sum()))
    low, high = np.quantile(resampled, (0.025, 0.975)).tolist()
    # Without a hit no resample has one either: the interval of none of n, where those that stand for most count. And
    # likewise without a miss.
    least = share_of(0, n).high * float(amount.max() / amount.mean())
    if not hit.any():
        high = least
    elif hit.all():
        low = 1 - least
    return Rate(float((hit * amount).sum() / amount.sum()), max(0.0, low), min(1.0, high), n)
