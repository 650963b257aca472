"""What other thresholds would have made of a site's own comments: held, let through, rejected, and how often wrongly.

Thresholds of one head are tried on the scores that comments got when they came; what other heads, rules and modes made
of them stays as it was. How often thresholds are wrong can be told from comments alone that were drawn at random when
they came: those that people picked themselves would flatter the one side or the other. Intervals are exact.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from moderation.guarantee import Share, known_share
from moderation.past import BAD, DAY, Outcome
from moderation.policy import Thresholds
from moderation.verdict import SEVERITY, Decision

SECONDS = 5.0
"""A decision takes a person so long, where it could not be measured."""
LONGEST_GAP = 60_000
"""Whoever decides nothing for longer than this many milliseconds did something else."""
LEAST_GAPS = 20
_DECISIONS = (Decision.ACCEPT, Decision.HOLD, Decision.REJECT)
_NOBODY, _GOOD, _EVIL = range(3)


@dataclass(frozen=True, slots=True)
class Past:
    """A comment as it was judged when it came, and what was said of it later."""

    comment_id: str
    received_at: int
    score: float
    """Of the head whose thresholds are tried."""
    others: Decision
    """What it would be by everything else."""
    fixed: bool
    """Whether ``others`` decides alone: a rule or a mode did, whatever the scores."""
    outcome: Outcome | None
    drawn: bool
    """Whether it was drawn at random for a person to look at."""
    unsure: bool = False
    """Whether the base model would not reject it: then it is held at most."""
    model: str = ""

    @property
    def bad(self) -> bool | None:
        """Spam or abuse; None: nobody said, or neither."""
        return None if self.outcome in (None, Outcome.OTHER) else self.outcome in BAD


def decided(one: Past, limits: Thresholds) -> Decision:
    """What would have been decided under these thresholds."""
    if one.fixed:
        return one.others
    strictest = max(one.others, limits.judge(one.score), key=SEVERITY.__getitem__)
    return Decision.HOLD if one.unsure and strictest is Decision.REJECT else strictest


@dataclass(frozen=True, slots=True)
class Simulated:
    """What thresholds would have made of the comments."""

    comments: int
    days: float
    accepted: int
    held: int
    rejected: int
    minutes: float
    """Of moderation a day."""
    ham_rejected: Share | None
    """Of the drawn ham; None: too few were drawn and looked at."""
    bad_accepted: Share | None
    """Of the drawn spam and abuse."""
    known_rejected: int
    """Ham that would be rejected, of everything that people looked at."""
    known_accepted: int
    """Spam and abuse that would be accepted."""

    @property
    def held_a_day(self) -> float:
        """Comments that a person would have to look at each day."""
        return self.held / self.days


def simulate(rows: Sequence[Past], limits: Thresholds, seconds: float = SECONDS) -> Simulated:
    """Count. ``seconds``: how long a decision takes a person."""
    made = [decided(one, limits) for one in rows]
    counted = {one: made.count(one) for one in Decision}
    days = days_of(rows)
    wrong = [one.bad is False and what is Decision.REJECT for one, what in zip(rows, made, strict=True)]
    missed = [one.bad is True and what is Decision.ACCEPT for one, what in zip(rows, made, strict=True)]
    return Simulated(
        len(rows),
        days,
        counted[Decision.ACCEPT],
        counted[Decision.HOLD],
        counted[Decision.REJECT],
        counted[Decision.HOLD] / days * seconds / 60,
        _share(hit for one, hit in zip(rows, wrong, strict=True) if one.drawn and one.bad is False),
        _share(hit for one, hit in zip(rows, missed, strict=True) if one.drawn and one.bad is True),
        sum(wrong),
        sum(missed),
    )


def _share(hits: Iterable[bool]) -> Share | None:
    found = list(hits)
    return known_share(sum(found), len(found))


def days_of(rows: Sequence[Past]) -> float:
    """The days that comments came in; a day at least, lest an hour's flood counts as every day's."""
    times = [one.received_at for one in rows]
    return max(1.0, (max(times) - min(times)) / DAY) if times else 1.0


@dataclass(frozen=True, slots=True)
class Flip:
    """A comment that other thresholds would have decided otherwise."""

    comment_id: str
    before: Decision
    after: Decision
    outcome: Outcome | None


def flips(rows: Iterable[Past], before: Thresholds, after: Thresholds) -> list[Flip]:
    """The comments that flip, those of which people said that it would be wrong first, then the newest.

    Comments that were drawn and wait for somebody to look at them blindly are left out.
    """
    found = []
    for one in rows:
        was, will = decided(one, before), decided(one, after)
        if was is not will and not (one.drawn and one.outcome is None):
            found.append((_is_wrong(one.bad, will), Flip(one.comment_id, was, will, one.outcome)))
    found.sort(key=lambda pair: (pair[0], pair[1].comment_id), reverse=True)
    return [flip for _, flip in found]


def _is_wrong(bad: bool | None, decision: Decision) -> bool:
    return bad is not None and decision is (Decision.ACCEPT if bad else Decision.REJECT)


def compact(rows: Sequence[Past]) -> dict[str, object]:
    """The comments for a script: scores in millionths (-1: it does not count), and a digit of base 36 each.

    The digit is ``others + 3 * (nobody, fine, bad) + 9 * drawn + 18 * unsure``; no ids, no words.
    """
    return {
        "days": days_of(rows),
        "scores": [-1 if one.fixed else round(one.score * 1_000_000) for one in rows],
        "kinds": "".join(_DIGITS[_kind(one)] for one in rows),
    }


_DIGITS = "0123456789abcdefghijklmnopqrstuvwxyz"


def _kind(one: Past) -> int:
    said = _NOBODY if one.bad is None else _EVIL if one.bad else _GOOD
    return _DECISIONS.index(one.others) + 3 * said + 9 * one.drawn + 18 * one.unsure


def pace(said: Iterable[tuple[str, int]]) -> float | None:
    """Seconds a decision takes: the median gap between two of one reviewer (name and time, in any order).

    Near-copies that were settled in one go have no gap. None: too few gaps to tell.
    """
    gaps: list[int] = []
    last: dict[str, int] = {}
    for reviewer, at in sorted(said, key=lambda one: one[1]):
        gap = at - last.get(reviewer, at)
        if 0 < gap <= LONGEST_GAP:
            gaps.append(gap)
        last[reviewer] = at
    return median(gaps) / 1000 if len(gaps) >= LEAST_GAPS else None
