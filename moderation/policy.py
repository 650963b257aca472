"""Policy: a site's thresholds, signals, rules and mode, which turn scores into a decision.

Estimating and deciding are two things. The defaults come from the model's manifest; a site may change them by hand.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import log
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from moderation.artifact import Manifest
from moderation.errors import BadSetting
from moderation.rules import NO_RULES, RuleSet
from moderation.signals import BY_CODE, SIGNALS
from moderation.signals.signal import Signal
from moderation.verdict import Decision

_OUT_OF_REACH = 1e3
MAX_WEIGHT = 20.0
"""Log-odds that a unit of a signal's strength may add: one to half a thousand million."""


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


class Mode(StrEnum):
    """What a site does with decisions."""

    ENFORCE = "enforce"
    """Answer what was decided."""
    SHADOW = "shadow"
    """Always answer accept; the true verdict is kept, to be looked at before anything depends on it."""
    HOLD_FIRST_TIMERS = "hold-first-timers"
    """Hold what would be accepted from people of whom nothing was accepted yet."""
    CLOSED = "closed"
    """Reject all that no rule allows."""


class AkismetHold(StrEnum):
    """What a client of the Akismet protocol, which knows spam and ham alone, is told of a comment that is held."""

    SPAM = "spam"
    """That it is spam: nothing is published before a person has looked."""
    PENDING = "pending"
    """Ham, with an error: WordPress waits for a person. Other clients publish the comment."""
    PUBLISH = "publish"
    """That it is ham; it waits in the queue here."""


class Choices(Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """All that a site has set for itself."""

    thresholds: dict[str, Override] = {}
    """By head."""
    mode: Mode = Mode.ENFORCE
    signals_off: tuple[str, ...] = ()
    """Codes of signals that this site does not want."""
    weights: dict[str, float] = {}
    """Weights of signals set by hand, by code; the others are the model's, or as Hamlet ships them."""
    flood_per_hour: Annotated[int, Meta(ge=0, le=1_000_000_000)] = 600
    """From so many comments an hour on, near-copies are held; 0: never."""
    most_ham_rejected: Annotated[float, Meta(gt=0, lt=1)] = 0.002
    """The promise of the site's own model: with 95 % confidence no more of the ham is rejected."""
    most_spam_accepted: Annotated[float, Meta(gt=0, lt=1)] = 0.05
    """Likewise no more of the spam and abuse is accepted."""
    spot_checks: Annotated[float, Meta(ge=0, le=1)] = 0.0
    """Share of all comments, drawn at random, that a person looks at whatever was decided."""
    retrain_after: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    """A running server trains the site's model after so many new labels; 0: never by itself."""
    retrain_hours: Annotated[int, Meta(ge=0, le=8_760)] = 0
    """And, if there are any new labels, after so many hours; 0: not by the clock."""
    trusted_hops: Annotated[int, Meta(ge=0, le=20)] = 0
    """Proxies of the site's own at the right end of a comment's chain of addresses."""
    keep_addresses_days: Annotated[int, Meta(ge=0, le=36_500)] = 90
    """After so many days e-mail, IP address and user agent are taken out of what is kept; 0: never."""
    akismet_hold: AkismetHold = AkismetHold.SPAM
    """What clients of the Akismet protocol are told of a comment that is held."""
    akismet_discard: bool = False
    """Whether they are told to throw away what is rejected, instead of keeping it as spam."""
    perspective_omit_unknown: bool = False
    """Whether attributes of the Perspective protocol that are not scored here are left out, instead of refused."""


NO_CHOICES = Choices()


@dataclass(frozen=True, slots=True)
class Policy:
    """Thresholds by head, in the order of the model's heads, and the site's other choices, ready to use."""

    version: str
    thresholds: tuple[Thresholds, ...]
    choices: Choices = NO_CHOICES
    rules: RuleSet = NO_RULES
    learnt: Mapping[str, float] = field(default_factory=dict)
    """Weights of signals that the model has learnt, by code."""
    signals: tuple[Signal, ...] = field(init=False)
    """Those that are on."""
    weights: Mapping[str, float] = field(init=False)
    """Weights of signals that are not as Hamlet ships them, by code."""
    hold_logits: tuple[float, ...] = field(init=False)
    """Log-odds from which each head asks for a person; out of reach for heads that only inform."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "hold_logits", tuple(map(_hold_logit, self.thresholds)))
        object.__setattr__(self, "weights", {**self.learnt, **self.choices.weights})
        on = (signal for signal in SIGNALS if signal.code not in self.choices.signals_off)
        object.__setattr__(self, "signals", tuple(on))

    def judge(self, scores: list[float]) -> tuple[Decision, list[Decision]]:
        """The strictest decision of all heads, and each head's own."""
        own = [limits.judge(score) for limits, score in zip(self.thresholds, scores, strict=True)]
        if Decision.REJECT in own:
            return Decision.REJECT, own
        return (Decision.HOLD if Decision.HOLD in own else Decision.ACCEPT), own


def make_policy(
    manifest: Manifest,
    choices: Choices = NO_CHOICES,
    number: int = 0,
    *,
    rules: RuleSet = NO_RULES,
    forgiving: bool = False,
) -> Policy:
    """The policy of a site: the model's thresholds with the site's choices, ``number`` counting their changes.

    A change that was sensible for one model can contradict the next one's thresholds. ``forgiving`` then takes the
    cautious reading (hold from the lower, reject from the higher) instead of raising :class:`BadSetting`.
    """
    thresholds = []
    for head in manifest.heads:
        change = choices.thresholds.get(head.name, Override())
        limits = Thresholds(
            head.hold_at if change.hold_at is UNSET else change.hold_at,
            head.reject_at if change.reject_at is UNSET else change.reject_at,
        )
        if forgiving:
            limits = _cautious(limits)
        check_thresholds(head.name, limits)
        thresholds.append(limits)
    return Policy(f"{manifest.name}+{number}", tuple(thresholds), choices, rules, manifest.signals)


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


def changed(choices: Choices, change: dict[str, Any]) -> Choices:
    """Choices with some replaced (of thresholds: heads); raises :class:`BadSetting` for what has not their shape."""
    now = msgspec.to_builtins(choices)
    thresholds = change.get("thresholds")
    for name, kind in (("mode", Mode), ("akismet_hold", AkismetHold)):
        if change.get(name) is not None and change[name] not in list(kind):
            raise BadSetting(name, f"must be one of {', '.join(kind)}, got {change[name]!r}")
    if isinstance(thresholds, dict):
        change = {**change, "thresholds": {**now.get("thresholds", {}), **thresholds}}
    try:
        return msgspec.convert({**now, **change}, Choices)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$.")
        raise BadSetting(at.rstrip("`") or "choices", what) from error


def check_choices(manifest: Manifest, choices: Choices) -> None:
    """Refuse choices that make no sense: unknown heads and signals, thresholds that contradict each other."""
    heads = [head.name for head in manifest.heads]
    for name in choices.thresholds:
        if name not in heads:
            raise BadSetting("thresholds", f"{manifest.name} has no head {name!r}; it has {', '.join(heads)}")
    for code in (*choices.signals_off, *choices.weights):
        if code not in BY_CODE:
            raise BadSetting("signals", f"no signal {code!r}; there are {', '.join(BY_CODE)}")
    for code, weight in choices.weights.items():
        if not -MAX_WEIGHT <= weight <= MAX_WEIGHT:
            raise BadSetting(f"weights.{code}", f"must lie between {-MAX_WEIGHT:g} and {MAX_WEIGHT:g}, got {weight}")
    make_policy(manifest, choices)
