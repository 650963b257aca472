"""Policy: a site's thresholds, which turn scores into a decision.

Estimating and deciding are two things. The defaults come from the model's manifest; a site may change them by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from math import log

from msgspec import UNSET, Struct, UnsetType

from moderation.artifact import Manifest
from moderation.errors import BadSetting
from moderation.verdict import Decision

_OUT_OF_REACH = 1e3


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From which score on a head holds and rejects; None: never."""

    hold_at: float | None
    reject_at: float | None

    def judge(self, score: float) -> Decision:
        """What this head alone would decide. A threshold belongs to the stricter side."""
        if self.reject_at is not None and score >= self.reject_at:
            return Decision.REJECT
        if self.hold_at is not None and score >= self.hold_at:
            return Decision.HOLD
        return Decision.ACCEPT


class Override(Struct, frozen=True, omit_defaults=True):
    """A site's change to one head: what is not set stays as the model has it."""

    hold_at: float | UnsetType | None = UNSET
    reject_at: float | UnsetType | None = UNSET


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds by head, in the order of the model's heads."""

    version: str
    thresholds: tuple[Thresholds, ...]
    hold_logits: tuple[float, ...] = field(init=False)
    """Log-odds from which each head asks for a person; out of reach for heads that only inform."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hold_logits", tuple(map(_hold_logit, self.thresholds)))

    def judge(self, scores: list[float]) -> tuple[Decision, list[Decision]]:
        """The strictest decision of all heads, and each head's own."""
        own = [limits.judge(score) for limits, score in zip(self.thresholds, scores, strict=True)]
        if Decision.REJECT in own:
            return Decision.REJECT, own
        return (Decision.HOLD if Decision.HOLD in own else Decision.ACCEPT), own


def make_policy(
    manifest: Manifest, overrides: Mapping[str, Override] | None = None, number: int = 0, *, forgiving: bool = False
) -> Policy:
    """The policy of a site: the model's thresholds with the site's changes, ``number`` counting the changes.

    A change that was sensible for one model can contradict the next one's thresholds. ``forgiving`` then takes the
    cautious reading (hold from the lower, reject from the higher) instead of raising :class:`BadSetting`.
    """
    overrides = overrides or {}
    thresholds = []
    for head in manifest.heads:
        change = overrides.get(head.name, Override())
        limits = Thresholds(
            head.hold_at if change.hold_at is UNSET else change.hold_at,
            head.reject_at if change.reject_at is UNSET else change.reject_at,
        )
        if forgiving:
            limits = _cautious(limits)
        check_thresholds(head.name, limits)
        thresholds.append(limits)
    return Policy(f"{manifest.name}+{number}", tuple(thresholds))


def _hold_logit(limits: Thresholds) -> float:
    lowest = limits.reject_at if limits.hold_at is None else limits.hold_at
    if lowest is None:
        return _OUT_OF_REACH
    bounded = min(max(lowest, 1e-6), 1 - 1e-6)
    return log(bounded / (1 - bounded))


def _cautious(limits: Thresholds) -> Thresholds:
    if limits.hold_at is None or limits.reject_at is None:
        return limits
    return Thresholds(min(limits.hold_at, limits.reject_at), max(limits.hold_at, limits.reject_at))


def check_thresholds(head: str, limits: Thresholds) -> None:
    """Refuse thresholds that make no sense."""
    for name, value in (("hold_at", limits.hold_at), ("reject_at", limits.reject_at)):
        if value is not None and not 0 <= value <= 1:
            raise BadSetting(f"{head}.{name}", f"a threshold lies between 0 and 1, got {value}")
    if limits.hold_at is not None and limits.reject_at is not None and limits.hold_at > limits.reject_at:
        raise BadSetting(
            f"{head}.hold_at", f"{limits.hold_at} is above reject_at {limits.reject_at}: nothing would be held"
        )
