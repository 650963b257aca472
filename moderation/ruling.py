"""What comes after the score: a site's rules, its mode, and what it does when comments flood in."""

from __future__ import annotations

from collections.abc import Sequence

from moderation.past import Kind
from moderation.policy import Mode, Policy
from moderation.rules import Action, Hit, RuleKind
from moderation.signals.signal import Seen
from moderation.verdict import SEVERITY, Decision, Reason

COPIES = 2
"""In a flood, a comment is held if the site has had so many near-copies of it."""

_PERSONAL = frozenset({RuleKind.EMAIL, RuleKind.IP, RuleKind.NAME})
_OF = {Action.ALLOW: Decision.ACCEPT, Action.BLOCK: Decision.REJECT, Action.HOLD: Decision.HOLD}


def rule_on(decision: Decision, seen: Seen, policy: Policy, hits: Sequence[Hit]) -> tuple[Decision, list[Reason]]:
    """The decision after flood, mode and rules, and why it is another one; ``hits`` all have the strongest action."""
    reasons: list[Reason] = []
    for found, code, message in (*_flood(seen, policy), *_mode(seen, policy)):
        if SEVERITY[found] > SEVERITY[decision]:
            decision = found
            reasons.insert(0, Reason(code, message, 0.0, ""))
    if hits:
        decision = _OF[hits[0].rule.action]
        reasons = [_told(hit) for hit in hits]
    return decision, reasons


def _flood(seen: Seen, policy: Policy) -> list[tuple[Decision, str, str]]:
    site, campaign, bound = seen.past.one(Kind.SITE), seen.past.campaign, policy.choices.flood_per_hour
    if not bound or site is None or campaign is None:
        return []
    rate, record = site.per_hour(seen.now), campaign.record
    if rate < bound or record.comments < COPIES or record.ham > record.bad:
        return []
    copies = f"{record.comments:,} near-copies of this comment came before it"
    return [
        (Decision.HOLD, "flood", f"{rate:,.0f} comments came in the last hour, the site's bound is {bound:,}; {copies}")
    ]


def _mode(seen: Seen, policy: Policy) -> list[tuple[Decision, str, str]]:
    if policy.choices.mode is Mode.CLOSED:
        return [(Decision.REJECT, "mode", "the site takes no comments at the moment")]
    if policy.choices.mode is Mode.HOLD_FIRST_TIMERS and not _known(seen):
        return [(Decision.HOLD, "mode", "nothing of this author was accepted here yet")]
    return []


def _known(seen: Seen) -> bool:
    """Whether an author has a comment that people called ham, or that was accepted and nobody objected to.

    By e-mail address or home page alone: an IP address may be anybody's.
    """
    return any(record.bad == 0 and (record.ham or record.accepted) for _, record in seen.past.of(Kind.EMAIL, Kind.URL))


def _told(hit: Hit) -> Reason:
    rule = hit.rule
    note = f": {rule.note}" if rule.note else ""
    # Verdicts are kept for ever; what names a person is not to be.
    value = "" if rule.kind in _PERSONAL else f" {rule.value}"
    message = f"the site's rule {rule.id} says {rule.action} ({rule.kind}{value}){note}"
    return Reason("rule", message, 0.0, "", hit.spans)
