"""Replay: what rules would have done to the comments a site has had, before they are saved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from moderation.comment import Comment
from moderation.features import extract
from moderation.look import FEWEST_BITS, look, portions
from moderation.past import BAD, Outcome, moment
from moderation.rules import Action, Rule, RuleSet
from moderation.signals.signal import Seen
from moderation.verdict import Decision

MOST_COMMENTS = 10_000
MOST_EXAMPLES = 5
SHOWN = 200
"""Characters of an example."""
UNSAID = "none"
"""Stands for the outcome of a comment that nobody reviewed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A comment as the site last sent it, what was decided at first and what people said last."""

    comment: Comment
    received_at: int
    """Milliseconds since 1970, UTC."""
    decision: Decision
    outcome: Outcome | None


@dataclass(slots=True)
class Tally:
    """What one rule would have met."""

    rule: Rule
    met: int = 0
    decided: dict[str, int] = field(default_factory=lambda: dict.fromkeys(Decision, 0))
    """By what was decided then."""
    said: dict[str, int] = field(default_factory=lambda: dict.fromkeys((*Outcome, UNSAID), 0))
    """By what people said."""
    wrong: int = 0
    examples: list[str] = field(default_factory=list)
    """The beginnings of the newest few that were met, and rightly as far as is known."""
    wrong_examples: list[str] = field(default_factory=list)

    def count(self, stored: Stored) -> None:
        """Count a comment that the rule meets."""
        self.met += 1
        self.decided[stored.decision] += 1
        self.said[stored.outcome or UNSAID] += 1
        wrong = is_wrong(self.rule.action, stored)
        self.wrong += wrong
        shown = self.wrong_examples if wrong else self.examples
        if len(shown) < MOST_EXAMPLES:
            shown.append(stored.comment.text[:SHOWN])


@dataclass(slots=True)
class Replay:
    """What rules would have met, each by itself."""

    tallies: list[Tally]
    comments: int = 0
    """Comments looked at."""
    met: int = 0
    """Comments that any of the rules meets."""
    since: int | None = None
    """When the oldest of them came; milliseconds since 1970, UTC."""


def is_wrong(action: Action, stored: Stored) -> bool:
    """Whether people, or their silence on what was published, speak against what a rule would have done."""
    if action is Action.ALLOW:
        return stored.outcome in BAD
    unopposed = stored.outcome is None and stored.decision is Decision.ACCEPT
    return stored.outcome is Outcome.HAM or unopposed


def replay(rules: Sequence[Rule], history: Iterable[Stored], hops: int = 0) -> Replay:
    """Run rules, which need not be saved, over comments; each rule counts by itself, whatever the others do.

    ``hops``: see :class:`~moderation.signals.signal.Seen`. What was stripped from a comment in the meantime (its
    e-mail and IP address) is met by no rule.
    """
    found = Replay([Tally(rule) for rule in rules])
    numbered = RuleSet([_as_candidate(rule, number) for number, rule in enumerate(rules)])
    for portion in portions(history, lambda stored: stored.comment):
        for stored, seen in zip(portion, _seen(portion, hops), strict=True):
            found.comments += 1
            found.since = min(found.since or stored.received_at, stored.received_at)
            hits = numbered.met(seen)
            found.met += bool(hits)
            for hit in hits:
                found.tallies[hit.rule.id].count(stored)
    return found


def _as_candidate(rule: Rule, number: int) -> Rule:
    """The rule under its place in the list, as if it had always been there."""
    return Rule(id=number, action=rule.action, kind=rule.kind, value=rule.value)


def _seen(portion: Sequence[Stored], hops: int) -> list[Seen]:
    """Comments as they were seen when they came, without what the site remembered then: rules do not ask for it."""
    comments = [stored.comment for stored in portion]
    moments = [moment(stored.comment, stored.received_at)[0] for stored in portion]
    return look(comments, extract(comments, FEWEST_BITS), moments, [hops] * len(portion))
