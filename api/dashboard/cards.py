"""Cards: what a person sees of a comment, told in words before numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log

from api.dashboard.marks import Piece, pieces
from moderation.check import Judging
from moderation.comment import Comment
from moderation.look import links_in
from moderation.past import Kind, Record, Trace, domain_key
from moderation.policy import Policy
from moderation.review import Card, Twin, blinded
from moderation.verdict import Decision, Reason, Verdict

SHORT, LONG = 2_000, 100_000
"""Characters shown in a list, and on a comment's own page."""
MOST_LINKS = 12
MOST_REASONS = 6
PEOPLE = (Kind.EMAIL, Kind.URL, Kind.IP, Kind.NAME)


@dataclass(frozen=True, slots=True)
class LinkShown:
    """A link, with where it really leads."""

    anchor: str
    url: str
    domain: str
    record: Record | None
    differs: bool
    """What it shows is the address of somewhere else."""


@dataclass(frozen=True, slots=True)
class ReasonShown:
    """A reason; ``share`` is 1 to 5, how much it weighs beside the heaviest."""

    code: str
    message: str
    effect: float
    share: int


@dataclass(frozen=True, slots=True)
class CardShown:
    """What a template needs of a card."""

    card: Card
    site: str
    pieces: tuple[Piece, ...]
    cut: bool
    against: tuple[ReasonShown, ...]
    in_favour: tuple[ReasonShown, ...]
    without: tuple[str, ...]
    """Messages of the reasons without which it would have been accepted."""
    links: tuple[LinkShown, ...]
    author: Record | None
    author_trace: str
    addresses: int
    """From how many the near-copies came; 0: not known."""
    blurred: bool
    blind: bool
    """Whether it says nothing of what the machine decided."""

    @property
    def id(self) -> str:
        """Hamlet's id of the comment."""
        return self.card.waiting.comment_id

    @property
    def seen(self) -> int:
        """What is shown: who settles says so, and meets nobody unawares."""
        return self.card.seen

    @property
    def head(self) -> str:
        """The head that asked for a person, else ``spam``."""
        return self.card.waiting.head or "spam"

    @property
    def percent(self) -> int:
        """Its score."""
        return round(100 * self.card.verdict.scores.get(self.head, 0.0))


def show(card: Card, site: str, judging: Judging, *, most: int = SHORT, blur: bool) -> CardShown:
    """A card for the screen; with what its site judges by now it also says what would have changed the decision."""
    whole, card = card, blinded(card, judging.policy.choices.spot_checks)
    blind = card is not whole
    verdict, comment = card.verdict, card.comment
    trace, record = author_of(card.records)
    spoken = [reason for reason in verdict.reasons if reason.code != "rest"]
    heaviest = max((abs(reason.effect) for reason in spoken), default=0.0) or 1.0
    return CardShown(
        card=card,
        site=site,
        pieces=pieces(comment.text, verdict.reasons, most),
        cut=len(comment.text) > most,
        against=_shown([reason for reason in spoken if reason.effect >= 0], heaviest),
        in_favour=_shown([reason for reason in spoken if reason.effect < 0], heaviest),
        without=() if blind else without(verdict, judging.policy, judging.classifier.heads),
        links=links_of(comment, card.records),
        author=record,
        author_trace=trace,
        addresses=addresses((card.waiting, *card.twins)),
        blurred=blur and card.waiting.head not in ("", "spam"),
        blind=blind,
    )


def _shown(reasons: Sequence[Reason], heaviest: float) -> tuple[ReasonShown, ...]:
    return tuple(
        ReasonShown(one.code, one.message, one.effect, max(1, round(5 * abs(one.effect) / heaviest)))
        for one in reasons[:MOST_REASONS]
    )


def without(verdict: Verdict, policy: Policy, heads: Sequence[str]) -> tuple[str, ...]:
    """The fewest reasons without which a held comment would have been accepted, by its own log-odds.

    Exact, since effects add up; empty if more than two would have to go, or if a rule or a mode decided.
    """
    over = [
        (name, _logit(verdict.scores[name]) - limit)
        for name, limit in zip(heads, policy.hold_logits, strict=True)
        if name in verdict.scores and _logit(verdict.scores[name]) >= limit
    ]
    if verdict.decision is Decision.ACCEPT or len(over) != 1 or any(not reason.head for reason in verdict.reasons):
        return ()
    ((head, excess),) = over
    strongest = sorted(
        (one for one in verdict.reasons if one.head == head and one.code != "rest"), key=lambda one: -one.effect
    )
    gone = 0.0
    for count, reason in enumerate(strongest[:2], 1):
        gone += reason.effect
        if gone > excess:
            return tuple(one.message for one in strongest[:count])
    return ()


def _logit(score: float) -> float:
    bounded = min(max(score, 1e-6), 1 - 1e-6)
    return log(bounded / (1 - bounded))


def links_of(comment: Comment, records: Mapping[Trace, Record]) -> tuple[LinkShown, ...]:
    """The links of a comment and its author, each once."""
    found: dict[str, LinkShown] = {}
    for link in links_in(comment):
        found.setdefault(link.url, _link(link.anchor, link.url, records))
    home = comment.author.url if comment.author else None
    if home:
        found.setdefault(home, _link("", home, records))
    return tuple(found.values())[:MOST_LINKS]


def _link(anchor: str, url: str, records: Mapping[Trace, Record]) -> LinkShown:
    domain = domain_key(url)
    claimed = domain_key(anchor) if "." in anchor and " " not in anchor.strip() else ""
    return LinkShown(anchor, url, domain, records.get((Kind.DOMAIN, domain)), bool(claimed) and claimed != domain)


def author_of(records: Mapping[Trace, Record]) -> tuple[str, Record | None]:
    """The trace that tells most of an author, and what is known of it."""
    for kind in PEOPLE:
        for (found, key), record in records.items():
            if found is kind:
                return f"{kind}:{key}", record
    return "", None


def addresses(those: Sequence[Twin | object]) -> int:
    """From how many addresses comments came; 0 if none is known."""
    return len({getattr(one, "address", "") for one in those} - {""})
