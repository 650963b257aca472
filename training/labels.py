"""A site's reviews made ready to learn from: what counts as one label, and for how much.

- Near-copies share what one label and a little is worth: a campaign judged with one key teaches what one comment
  teaches, not a thousand times as much.
- Of the same text said to be different things, the newest review counts for all.
- Labels fade with age, and are never worth nothing.
- A comment drawn at random from what was accepted or rejected stands for those that were not drawn.
- Clients that report by a protocol count for no more than a person could look at.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import msgspec
import numpy as np
from numpy.typing import NDArray

from moderation.past import DAY, HOUR, Outcome
from moderation.review import BY_PROTOCOL
from moderation.store import is_kept_aside
from moderation.store.labels import Label
from moderation.store.models import LabelsUsed
from moderation.verdict import Decision

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

HALF_LIFE_DAYS = 365
FADED = 0.25
"""What a label is worth at least, however old."""
MOST_OF_A_SAMPLE = 5.0
"""What a comment drawn at random counts at most; more would let one comment decide."""
LOOKED_AT = 60
"""Reviews an hour that a client counts in full."""
SAYS = {Outcome.HAM: (0.0, 0.0), Outcome.SPAM: (1.0, np.nan), Outcome.ABUSE: (np.nan, 1.0)}
"""What an outcome says of spam and of toxicity; NaN: nothing."""
SPAM = "spam"
HEADS = (SPAM, "toxicity")
_WORDS = re.compile(r"\w+")


class Kept(msgspec.Struct, frozen=True, gc=False):
    """What of a label is needed beside its features. Of a million labels a million are kept, so they are small."""

    comment_id: str
    outcome: Outcome
    reviewer: str
    reviewed_at: int
    group: int
    """The same for near-copies: they are learnt from together, or tested on together."""
    words: int
    """The same for texts of the same words."""
    decision: Decision
    found: bytes
    """What signals found, as JSON."""
    share: float | None
    language: str

    @property
    def aside(self) -> bool:
        """Whether it is for the promise alone, and never learnt from."""
        return self.share is not None and is_kept_aside(self.comment_id)

    @property
    def evidence(self) -> dict[str, float]:
        """What signals found, and the text's log-odds, by code."""
        return _EVIDENCE.decode(self.found)


_EVIDENCE = msgspec.json.Decoder(dict[str, float])


def keep(label: Label) -> Kept:
    """A label without its text."""
    words = _words(label.comment.text)
    return Kept(
        label.comment_id,
        label.outcome,
        sys.intern(label.reviewer),
        label.reviewed_at,
        int(label.campaign[:15], 16) if label.campaign else words,
        words,
        label.decision,
        msgspec.json.encode(label.evidence),
        label.share,
        sys.intern((label.comment.language or "").lower()[:2]),
    )


def _words(text: str) -> int:
    words = " ".join(_WORDS.findall(text.casefold())) or text
    return int.from_bytes(hashlib.blake2b(words.encode("utf-8", "replace"), digest_size=8).digest()) >> 4


def wanted(labels: Iterable[Label], *, since: int = 0, without: Collection[str] = ()) -> Iterable[Label]:
    """The labels that teach: said since a time, not by some reviewers, and ham, spam or abuse."""
    for label in labels:
        if label.reviewed_at >= since and label.reviewer not in without and label.outcome in SAYS:
            yield label


@dataclass(frozen=True)
class Weighed:
    """Labels with what they say and count."""

    labels: Sequence[Kept]
    targets: Floats
    """[labels, heads]; NaN where a label says nothing."""
    weight: Floats
    """[labels]; 0: nothing is learnt from it."""
    conflicts: int
    """Labels that a newer one of the same text has overruled."""

    @property
    def taught(self) -> list[Kept]:
        """Those that are learnt from."""
        return [self.labels[i] for i in np.flatnonzero(self.weight).tolist()]

    @cached_property
    def used(self) -> LabelsUsed:
        """What a model that learns from them is to remember."""
        labels, digest = self.taught, hashlib.sha256()
        for one, amount in zip(labels, self.weight[self.weight > 0].tolist(), strict=True):
            digest.update(f"{one.comment_id}:{one.outcome}:{amount:.6f}\n".encode())
        ids = [one.comment_id for one in labels]
        return LabelsUsed(
            count=len(labels),
            outcomes=dict(Counter(str(one.outcome) for one in labels)),
            first=min(ids, default=""),
            last=max(ids, default=""),
            until=max((one.reviewed_at for one in labels), default=0),
            digest=digest.hexdigest(),
        )

    @cached_property
    def random(self) -> Bools:
        """Labels of comments that were drawn at random: of these alone anything can be said about all comments."""
        return np.array([one.share is not None for one in self.labels], dtype=bool)

    @cached_property
    def groups(self) -> NDArray[np.int64]:
        """Numbers that near-copies share."""
        return np.array([one.group for one in self.labels], dtype=np.int64)


def weigh(labels: Sequence[Kept], now: int, rows: Bools | None = None) -> Weighed:
    """What each label says and for how much it counts; ``now`` is the time that ages are taken from.

    With ``rows`` [labels] it is as if only those had been said. The others keep their place, so that no features need
    to be copied, and count for nothing.
    """
    said = range(len(labels)) if rows is None else np.flatnonzero(rows).tolist()
    newest: dict[int, Kept] = {}
    for one in (labels[i] for i in said):
        known = newest.get(one.words)
        if known is None or (one.reviewed_at, one.comment_id) > (known.reviewed_at, known.comment_id):
            newest[one.words] = one
    size = Counter(labels[i].group for i in said)
    pace = Counter(_hour(labels[i]) for i in said if labels[i].reviewer.startswith(BY_PROTOCOL))
    targets, weight, conflicts = np.full((len(labels), len(HEADS)), np.nan), np.zeros(len(labels)), 0
    for i in said:
        one = labels[i]
        outcome = newest[one.words].outcome
        conflicts += outcome is not one.outcome
        targets[i] = SAYS[outcome]
        alike = size[one.group]
        weight[i] = (1 + log(alike)) / alike * _faded(now // DAY - one.reviewed_at // DAY) * _drawn(one)
        if one.reviewer.startswith(BY_PROTOCOL):
            weight[i] *= min(1.0, LOOKED_AT / pace[_hour(one)])
    return Weighed(labels, targets, weight, conflicts)


def _hour(one: Kept) -> tuple[str, int]:
    return one.reviewer, one.reviewed_at // HOUR


def _faded(days: int) -> float:
    """By whole days, so that two trainings of one day give the same model."""
    return float(max(FADED, 0.5 ** (max(days, 0) / HALF_LIFE_DAYS)))


def _drawn(one: Kept) -> float:
    """What is held is seen in full; of the rest only what was drawn, which stands for the others."""
    if one.share is None or one.decision is Decision.HOLD:
        return 1.0
    return min(MOST_OF_A_SAMPLE, 1 / max(one.share, 1e-6))


@dataclass(frozen=True, slots=True)
class ByAge:
    """How many labels of each outcome are how old."""

    outcome: Outcome
    day: int
    week: int
    month: int
    older: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.day + self.week + self.month + self.older


def by_age(labels: Sequence[Kept], now: int) -> list[ByAge]:
    """Labels by outcome and age."""
    counted: dict[Outcome, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    for one in labels:
        days = (now - one.reviewed_at) / DAY
        counted[one.outcome][0 if days <= 1 else 1 if days <= 7 else 2 if days <= 30 else 3] += 1
    return [ByAge(outcome, *counted[outcome]) for outcome in SAYS if outcome in counted]
