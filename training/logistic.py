"""Logistic regression around a prior, beside an offset: what sites' corrections are learnt with.

Maximum a posteriori for ``logit = offset + features @ weights`` with independent Gaussian priors on the weights
(Bishop 2006, "Pattern Recognition and Machine Learning", 4.5): few labels move a weight a little, many move it all
the way, and a feature that never occurs keeps its prior.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]


def fit(
    features: Any,
    offset: Floats,
    positive: NDArray[np.bool_],
    prior: Floats,
    spread: Floats | float,
    *,
    weight: Floats | None = None,
    start: Floats | None = None,
    most: float | None = None,
    tolerance: float = 1e-9,
) -> Floats:
    """Weights [features] for ``features`` [rows, features] (an array, or sparse) beside log-odds ``offset`` [rows].

    ``prior`` and ``spread`` are means and standard deviations of the weights; ``most`` bounds their size. Rows count
    as ``weight`` says, each once if it is not given. ``tolerance`` is the relative gain of a step below which it ends.
    The same input gives the same weights.
    """
    amount = np.ones(offset.size) if weight is None else weight
    known = features, offset, np.where(positive, 1.0, -1.0), amount, prior, np.broadcast_to(spread, prior.shape)
    bounds = None if most is None else [(-most, most)] * prior.size
    found = minimize(
        loss,
        prior if start is None else start,
        known,
        jac=True,
        method="L-BFGS-B",
        bounds=bounds,
        options={"maxiter": 500, "ftol": tolerance},
    )
    weights: Floats = found.x
    return weights


def loss(
    weights: Floats, features: Any, offset: Floats, sign: Floats, amount: Floats, prior: Floats, spread: Floats
) -> tuple[float, Floats]:
    """Minus the log of the posterior, and its slope; ``sign`` [rows] is 1 for the class asked for and -1 otherwise."""
    margin = sign * (offset + features @ weights)
    away = (weights - prior) / spread
    value = float(amount @ np.logaddexp(0, -margin) + away @ away / 2)
    slope: Floats = away / spread - features.T @ (amount * sign * expit(-margin))
    return value, slope
