"""A site's own rules: allow, block or hold by what a comment is, whatever its score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from moderation.rules.rule import Action, Hit, NewRule, Rule, RuleKind, Spans, Table
from moderation.rules.tables import table_of
from moderation.signals.signal import Seen

__all__ = ["NO_RULES", "Action", "Hit", "NewRule", "Rule", "RuleKind", "RuleSet", "Spans"]

_STRENGTH = {Action.ALLOW: 0, Action.BLOCK: 1, Action.HOLD: 2}
"""The strongest first."""


class RuleSet:
    """The rules of a site, ready to be matched: look-ups by kind, so that ten thousand cost little more than ten."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        self.rules = tuple(sorted(rules, key=_age))
        by_kind: defaultdict[RuleKind, list[Rule]] = defaultdict(list)
        for rule in self.rules:
            by_kind[rule.kind].append(rule)
        self._tables: tuple[Table, ...] = tuple(table_of(kind, some) for kind, some in by_kind.items())

    def met(self, seen: Seen) -> list[Hit]:
        """All rules that a comment meets and that have not expired when it is checked, oldest first."""
        hits = (hit for table in self._tables for hit in table.find(seen))
        return sorted((hit for hit in hits if not hit.rule.expired(seen.now)), key=lambda hit: _age(hit.rule))

    def match(self, seen: Seen) -> list[Hit]:
        """The rules that a comment meets and that have not expired; those of the strongest action, oldest first."""
        hits = self.met(seen)
        if not hits:
            return hits
        strongest = min((hit.rule.action for hit in hits), key=_STRENGTH.__getitem__)
        return [hit for hit in hits if hit.rule.action is strongest]


def _age(rule: Rule) -> tuple[int, int]:
    return rule.created_at, rule.id


NO_RULES = RuleSet()
