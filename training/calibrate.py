"""From raw scores to probabilities, and from probabilities to thresholds."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import brier_score_loss, roc_auc_score

from moderation.guarantee import threshold_for
from training.corpora import SEEDS_NAME
from training.measures import expected_calibration_error
from training.recipes import HeadRecipe

Floats = NDArray[np.float64]
ENOUGH = 300
"""A corpus with fewer harmless comments is judged with the others, not alone."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt scaling (Platt 1999): probability = sigmoid(slope * raw + intercept)."""

    slope: float
    intercept: float
    metrics: dict[str, float]

    def probability(self, raw: Floats) -> Floats:
        """Calibrated probabilities of raw scores."""
        out: Floats = 1 / (1 + np.exp(-(self.slope * raw + self.intercept)))
        return out


def calibrate(raw: Floats, labels: Floats, weight: Floats) -> Calibration:
    """Fit Platt scaling to scores of comments the model did not see. Graded labels count in proportion."""
    x = np.concatenate([raw, raw])[:, None]
    y = np.concatenate([np.ones(raw.size), np.zeros(raw.size)])
    amount = np.concatenate([weight * labels, weight * (1 - labels)])
    used = amount > 0
    model = LogisticRegression(C=1e6).fit(x[used], y[used], sample_weight=amount[used] / amount[used].mean())
    slope, intercept = float(model.coef_[0, 0]), float(model.intercept_[0])
    probability = 1 / (1 + np.exp(-(slope * raw + intercept)))
    clear = labels >= 0.5
    return Calibration(
        slope,
        intercept,
        {
            "auc": round(float(roc_auc_score(clear, raw)), 4),
            "brier": round(float(brier_score_loss(clear, probability, sample_weight=weight)), 4),
            "calibration_error": round(expected_calibration_error(probability, labels, weight), 4),
            "comments": int(raw.size),
        },
    )


@dataclass(frozen=True, slots=True)
class Limits:
    """Thresholds of a head, and a sentence on what they rest on."""

    hold_at: float | None
    reject_at: float | None
    evidence: str


def thresholds(
    probability: Floats,
    labels: Floats,
    origin: NDArray[np.str_],
    choices: HeadRecipe,
    confidence: float,
    taught: Floats,
) -> Limits:
    """Thresholds from scores of comments the model did not see.

    Both bounds hold in the corpus that asks for the strictest: a new site may be like that one. Beyond them, none of
    the comments that the model was ``taught`` to be harmless, given by what it says of them now, is rejected.
    """
    if choices.hold_at is not None:
        return Limits(
            choices.hold_at, None, "hold: set by hand, as there are too few labels for a bound; never rejects"
        )
    if not choices.decides:
        return Limits(None, None, "informs only: a site may set thresholds of its own")
    harmless = labels < 0.5
    # The seeds are hard cases on purpose: they are no sample of what a blog receives.
    names = [str(name) for name in np.unique(origin[harmless]) if name != SEEDS_NAME]
    names = [name for name in names if name in choices.bounded_by] or names
    scores = {name: probability[harmless & (origin == name)] for name in names}
    scores = {name: rows for name, rows in scores.items() if rows.size >= ENOUGH}
    scores = scores or {"the seeds": probability[harmless]}
    hold_at, held_by = _strictest(scores, choices.hold_false_positives, confidence)
    reject_at, asked_by = _strictest(scores, choices.reject_false_positives, confidence)
    hold_at = min(hold_at, choices.most_hold)
    reject_at = min(max(reject_at, choices.least_reject, hold_at), 1.0)
    highest = ceil(float(taught.max(initial=0.0)) * 10_000) / 10_000
    if highest > reject_at:
        reject_at, asked_by = highest, f"{asked_by}) and no harmless seed (they asked for most"
    return Limits(
        round(hold_at, 4),
        round(reject_at, 4),
        f"{int(harmless.sum()):,} harmless comments the model did not see; hold: at most"
        f" {choices.hold_false_positives:.1%} of any blog-like corpus ({held_by} asked for most); reject: at most"
        f" {choices.reject_false_positives:.2%} of any ({asked_by}); confidence {confidence:.0%}",
    )


def _strictest(scores: dict[str, Floats], alpha: float, confidence: float) -> tuple[float, str]:
    """The highest threshold that any of the corpora asks for; 1 (never) if all are too small to say."""
    found = {name: threshold_for(values, alpha, 1 - confidence) for name, values in scores.items()}
    known = {name: bound.threshold for name, bound in found.items() if bound is not None}
    if not known:
        return 1.0, "too few comments to say"
    name = max(known, key=lambda key: known[key])
    return known[name], name
