"""Logistic regression around a prior, beside an offset: what sites' corrections are learnt with.

Maximum a posteriori for ``logit = offset + features @ weights`` with independent Gaussian priors on the weights
(Bishop 2006, "Pattern Recognition and Machine Learning", 4.5): few labels move a weight a little, many move it all
the way, and a feature that never occurs keeps its prior.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

Floats = NDArray[np.float64]
_FIRST_STEP, _LONGEST_STEP, _MOST_STEPS = 50.0, 1e6, 300


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
    tolerance: float = 1e-6,
) -> Floats:
    """Weights [features] for ``features`` [rows, features] beside log-odds ``offset`` [rows].

    ``features`` is an array, sparse, or anything else with products and a ``.T`` that has some. ``prior`` and
    ``spread`` are means and standard deviations of the weights; ``most`` bounds their size. Rows count as ``weight``
    says, each once if it is not given. It ends where the slope is ``tolerance`` of what it is at the prior. The same
    input gives the same weights.
    """
    amount = np.ones(offset.size) if weight is None else weight
    held = np.broadcast_to(np.square(spread), prior.shape) ** -1.0
    posterior = Posterior(features, offset, np.where(positive, 1.0, -1.0), amount, prior, held)
    start = prior if start is None else start
    steepest = float(np.linalg.norm(posterior.loss(prior)[1]))
    if most is not None:
        limits = {"ftol": 1e-12, "gtol": tolerance * steepest, "maxiter": 500}
        bounds = [(-most, most)] * prior.size
        found = minimize(posterior.loss, start, jac=True, method="L-BFGS-B", bounds=bounds, options=limits)
    else:
        # Newton's steps, each by conjugate gradients (Nocedal and Wright 2006, "Numerical Optimization", 7.2): of
        # hundreds of thousands of weights they look at the labels a third as often as L-BFGS does.
        found = minimize(
            posterior.loss,
            start,
            jac=True,
            hessp=posterior.curvature,
            method="trust-ncg",
            options={
                "gtol": tolerance * steepest,
                "initial_trust_radius": _FIRST_STEP,
                "max_trust_radius": _LONGEST_STEP,
                "maxiter": _MOST_STEPS,
            },
        )
    weights: Floats = found.x
    return weights


@dataclass(slots=True)
class Posterior:
    """Minus the log of the posterior, as a function of the weights."""

    features: Any
    offset: Floats
    sign: Floats
    """[rows]: 1 for the class asked for, -1 otherwise."""
    amount: Floats
    prior: Floats
    held: Floats
    """[features]: one divided by the variance of the prior."""
    _at: Floats | None = None
    _bend: Floats | None = None

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """Its value, and its slope [features]."""
        margin = self.sign * (self.offset + self.features @ weights)
        wrong = expit(-margin)
        away = weights - self.prior
        pull = away * self.held
        self._at, self._bend = weights.copy(), self.amount * wrong * (1 - wrong)
        value = float(self.amount @ np.logaddexp(0, -margin) + away @ pull / 2)
        slope: Floats = pull - self.features.T @ (self.amount * self.sign * wrong)
        return value, slope

    def curvature(self, weights: Floats, direction: Floats) -> Floats:
        """The matrix of its second derivatives at ``weights``, times a direction."""
        if self._bend is None or self._at is None or not np.array_equal(self._at, weights):
            self.loss(weights)
        found: Floats = direction * self.held
        found += self.features.T @ (self._bend * (self.features @ direction))
        return found
