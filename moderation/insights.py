"""What became of a site's comments over some days: counted from what the machine and people said of each, and when.

Days are days of UTC, numbered from 1970. A comment waits from when it is held, or put back by a person, until somebody
settles it or its site sends another text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import median

from moderation.past import DAY, Outcome, Record, outcome_of
from moderation.verdict import Decision

OPEN = "open"
"""What is stored of a review that puts a comment back into the queue."""
SPANS = (7, 30, 90)
"""Days that can be looked at."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on a comment."""

    at: int
    revision: int
    decision: Decision


@dataclass(frozen=True, slots=True)
class Said:
    """A review of a comment."""

    at: int
    outcome: str
    """As it is stored: also ``open`` and ``none``."""


@dataclass(frozen=True, slots=True)
class Story:
    """All that was said of one comment, each part in its order."""

    judgements: Sequence[Judgement]
    reviews: Sequence[Said] = ()

    def turns(self) -> Iterator[tuple[int, bool, Judgement | Said]]:
        """Everything said in the order of time, each with whether the comment waits from then on."""
        waits, settled, revision = False, False, 0
        # Of two things said in the same millisecond the machine's came first: people answer it.
        parts: list[Judgement | Said] = [*self.judgements, *self.reviews]
        for one in sorted(parts, key=lambda one: (one.at, isinstance(one, Said))):
            if isinstance(one, Said):
                waits, settled = one.outcome == OPEN, outcome_of(one.outcome) is not None
            elif one.revision != revision or not settled:  # Held again by request, a settled comment does not wait.
                waits, revision = one.decision is Decision.HOLD, one.revision
            yield one.at, waits, one


@dataclass(frozen=True, slots=True)
class Campaign:
    """Near-copies: the id of the first, and what was counted of all."""

    site_id: int
    id: str
    record: Record


@dataclass(slots=True)
class Day:
    """One day of some sites."""

    number: int
    arrived: Counter[Decision] = field(default_factory=Counter)
    """Comments by what the machine decided at first."""
    reviewed: Counter[Outcome] = field(default_factory=Counter)
    waiting: int = 0
    """In the queue at its end; today: now."""

    @property
    def starts_at(self) -> int:
        """Its first millisecond."""
        return self.number * DAY


@dataclass(slots=True)
class Insights:
    """Some days of some sites."""

    days: tuple[Day, ...]
    waiting: int
    """In the queue now."""
    waited: list[int] = field(default_factory=list)
    """Milliseconds from hold to the first review, of comments first reviewed in these days; in order."""
    agreement: Counter[tuple[Decision, Outcome]] = field(default_factory=Counter)
    """Comments by what the machine decided at first and people said last, if that was in these days."""
    reasons: tuple[tuple[str, int], ...] = ()
    """First reasons of held comments, the commonest first."""
    campaigns: tuple[Campaign, ...] = ()
    """The largest first."""

    @property
    def median_wait(self) -> int | None:
        """Half of the comments waited no longer."""
        return round(median(self.waited)) if self.waited else None

    @property
    def long_wait(self) -> int | None:
        """Nine of ten comments waited no longer."""
        return self.waited[-(-9 * len(self.waited) // 10) - 1] if self.waited else None

    def reviewed(self, decision: Decision) -> int:
        """How many comments that the machine decided about so were reviewed."""
        return sum(count for (machine, _), count in self.agreement.items() if machine is decision)


def days_until(now: int, count: int) -> tuple[Day, ...]:
    """The last days, today among them."""
    today = now // DAY
    return tuple(Day(number) for number in range(today - count + 1, today + 1))


def count_stories(found: Insights, stories: Iterable[Story]) -> None:
    """Count what was said in these days. ``stories``: of all comments whose waiting began or ended in them."""
    first, changes = found.days[0].number, Counter[int]()
    for story in stories:
        _count_turns(found, story, changes)
        _count_agreement(found, story, first)
    found.waited.sort()
    left = found.waiting
    for day in reversed(found.days):
        day.waiting = max(left, 0)
        left -= changes[day.number]


def _count_turns(found: Insights, story: Story, changes: Counter[int]) -> None:
    days = {day.number: day for day in found.days}
    waits_since: int | None = None
    reviewed = False
    for at, waits, what in story.turns():
        day, outcome = days.get(at // DAY), outcome_of(what.outcome) if isinstance(what, Said) else None
        if outcome is not None:
            if day is not None:
                day.reviewed[outcome] += 1
            if day is not None and waits_since is not None and not reviewed:
                found.waited.append(at - waits_since)
            reviewed = True
        changes[at // DAY] += waits - (waits_since is not None)
        waits_since = (at if waits_since is None else waits_since) if waits else None


def _count_agreement(found: Insights, story: Story, first: int) -> None:
    last = story.reviews[-1] if story.reviews else None
    outcome = outcome_of(last.outcome) if last is not None else None
    if last is not None and outcome is not None and last.at >= first * DAY and story.judgements:
        found.agreement[story.judgements[0].decision, outcome] += 1
