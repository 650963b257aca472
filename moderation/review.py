"""The second use case: people settle what the machine held, and may take it back.

A comment waits in the queue until somebody settles it. Exactly one person does: whoever acts on what another has
settled meanwhile is told who it was and what they said. Nothing is overwritten; taking back is another review.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from getpass import getuser
from math import log
from typing import Protocol

import msgspec

from moderation.comment import Comment
from moderation.errors import BadFilter, HamletError
from moderation.past import DAY, Kind, Outcome, Record, Trace
from moderation.people import MOST_NAME
from moderation.store import Review, now_ms
from moderation.verdict import Decision, Verdict

CLAIMED_FOR = 120_000
"""Milliseconds for which a comment is kept for who looks at it."""
UNDO_FOR = DAY
MOST_AT_ONCE = 1_000
"""Comments settled in one go."""
MOST_SHOWN = 100
"""Cards of one page."""
COUNTED = 1_000
"""As far as the queue is counted; beyond it is "more than"."""
MOST_TWINS = 200
"""Near-copies that are listed on one card."""
MOST_SEARCHED = 100
"""Characters of a search."""
SEARCHABLE = 2_000
"""Characters of a comment that a search looks into."""
WARNED_HEADS = frozenset({"threat", "severe_toxicity"})
_FARTHEST = 2_000


class Order(StrEnum):
    """Which comments come first."""

    OLDEST = "oldest"
    URGENT = "urgent"
    """Threats, then what is likeliest wanted: somebody waits for it."""
    CERTAIN = "certain"
    """What the machine is surest of: quickly cleared."""
    INFORMATIVE = "informative"
    """Where a review teaches the most: the machine is of two minds."""


class Facet(StrEnum):
    """What the queue can be narrowed by."""

    HEAD = "head"
    REASON = "reason"
    LANGUAGE = "language"
    AUTHOR = "author"
    DOMAIN = "domain"
    POST = "post"
    CAMPAIGN = "campaign"


@dataclass(frozen=True, slots=True)
class Filter:
    """The comments that are asked for; what is not set does not narrow."""

    facets: Mapping[Facet, str] = field(default_factory=dict)
    words: str = ""
    """Every one of them must be in the text or the author's name, in any case."""
    until: int | None = None
    """Waiting since before this time (milliseconds since 1970, UTC)."""

    def __post_init__(self) -> None:
        if "\0" in self.words or len(self.words) > MOST_SEARCHED:
            raise BadFilter(f"a search has at most {MOST_SEARCHED} characters")
        if any("\0" in value or len(value) > 255 for value in self.facets.values()):
            raise BadFilter("a filter's value has at most 255 characters")


@dataclass(frozen=True, slots=True)
class Waiting:
    """A comment in the queue, and what it can be found and ordered by."""

    site_id: int
    comment_id: str
    campaign: str
    head: str
    """The head that asked for a person; empty: a rule, a mode or a person did."""
    reason: str
    language: str
    author: str
    """The trace that tells its author best; empty: none does."""
    author_name: str
    address: str
    post: str
    domains: tuple[str, ...]
    words: str
    urgent: int
    """Lowest first, and so the next two."""
    certain: int
    informative: int
    entered_at: int
    claimed_by: str | None = None
    claimed_until: int | None = None

    def claimant(self, now: int) -> str | None:
        """Who is looking at it."""
        return self.claimed_by if self.claimed_until is not None and self.claimed_until > now else None


def waiting(
    site_id: int, comment_id: str, comment: Comment, verdict: Verdict, traces: Sequence[str], now: int
) -> Waiting:
    """A comment as it stands in the queue. ``traces``: the records that count it, as kind and key."""
    by_kind: dict[str, list[str]] = {}
    for trace in traces:
        by_kind.setdefault(trace.partition(":")[0], []).append(trace)
    first = verdict.reasons[0] if verdict.reasons else None
    author, post = comment.author, comment.post
    sure = max((_log_odds(score) for score in verdict.scores.values()), default=0)
    warned = first is not None and first.head in WARNED_HEADS
    return Waiting(
        site_id=site_id,
        comment_id=comment_id,
        campaign=_key(by_kind, Kind.CAMPAIGN) or comment_id,
        head=(first.head if first else "")[:32],
        reason=(first.code if first else "")[:32],
        language=_key(by_kind, Kind.LANGUAGE),
        author=next((by_kind[kind][0] for kind in (Kind.EMAIL, Kind.URL, Kind.IP, Kind.NAME) if kind in by_kind), ""),
        author_name=((author.name if author else None) or "")[:80],
        address=by_kind.get(Kind.IP, [""])[0],
        post=((post.url or post.title or "") if post else "")[:200],
        domains=tuple(trace.partition(":")[2] for trace in by_kind.get(Kind.DOMAIN, ())),
        words=searchable(comment),
        urgent=sure - (2 * _FARTHEST if warned else 0),
        certain=-sure,
        informative=abs(_log_odds(verdict.scores.get(first.head, 0.5)) if first else 0),
        entered_at=now,
    )


def searchable(comment: Comment) -> str:
    """What a search looks into: name and text, in lower case."""
    name = (comment.author.name if comment.author else None) or ""
    return f"{name} {comment.text}"[:SEARCHABLE].lower()


def _key(by_kind: Mapping[str, Sequence[str]], kind: Kind) -> str:
    return by_kind.get(kind, ("",))[0].partition(":")[2]


def _log_odds(score: float) -> int:
    """Hundredths of log-odds, so that ranks are whole numbers."""
    if not 0 < score < 1:
        return _FARTHEST if score >= 1 else -_FARTHEST
    return max(-_FARTHEST, min(_FARTHEST, round(100 * log(score / (1 - score)))))


def decision_after(outcome: Outcome) -> Decision:
    """What the site should do with a comment that a person has settled."""
    return Decision.ACCEPT if outcome is Outcome.HAM else Decision.REJECT


@dataclass(frozen=True, slots=True)
class Twin:
    """A near-copy that waits, too."""

    comment_id: str
    author_name: str
    address: str
    author: str
    words: str
    seen: int = 0
    """See :class:`Card`."""


@dataclass(frozen=True, slots=True)
class Card:
    """One comment of the queue with what a person needs to decide."""

    waiting: Waiting
    external_id: str | None
    received_at: int
    comment: Comment
    verdict: Verdict
    reviews: tuple[Review, ...]
    seen: int
    """How many reviews and later versions of it are shown here: who settles it says so."""
    twins: tuple[Twin, ...]
    """Near-copies that wait, without itself; they are settled together."""
    records: Mapping[Trace, Record]
    """What the site knows of its author and its links."""


def blinded(card: Card, spot_checks: float) -> Card:
    """A card that says nothing of what the machine decided, on a site with spot checks, until somebody has settled it.

    Where people also look at some of what was accepted and rejected, nothing may tell it from what was held: what
    they say measures the machine. Otherwise the card as it is.
    """
    if not spot_checks or (card.reviews and card.reviews[-1].outcome is not None):
        return card
    verdict = card.verdict
    against = tuple(one for one in verdict.reasons if one.effect >= 0 and one.code != "rest")
    verdict = msgspec.structs.replace(verdict, decision=Decision.HOLD, scores={}, baseline={}, reasons=against)
    return replace(card, verdict=verdict)


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the queue. ``after`` leads to the next one; None: this is the last."""

    cards: tuple[Card, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many wait, at most ``COUNTED`` of them looked at, and how often each value of each facet is met."""

    total: int
    facets: Mapping[Facet, Mapping[str, int]]
    names: Mapping[str, str]
    """Names of the authors among them, by trace."""
    by_site: Mapping[int, int]

    @property
    def more(self) -> bool:
        """Whether there are more than were counted."""
        return self.total > COUNTED


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, and by which way."""

    name: str
    via: str
    """dashboard, api, akismet, command or mail."""


BY_PROTOCOL = ("akismet", "perspective")
"""What the names of reviewers begin with that are clients, not people who look at one comment after the other."""


def at_command(by: str | None = None) -> Actor:
    """Who acts by a command: as they call themselves, or else as this machine calls them."""
    return Actor((by or getuser())[:MOST_NAME], "command")


@dataclass(frozen=True, slots=True)
class Done:
    """A comment after an act: its newest review, how many there are, and what stands now."""

    comment_id: str
    external_id: str | None
    review: Review
    number: int
    seen: int
    """Its reviews and later versions by now; see :class:`Card`."""
    waiting: bool
    repeated: bool = False
    """The same person had said the same already: nothing was added."""


Result = Done | HamletError


class ReviewStore(Protocol):
    """What reviewing needs of a store. Every method is one transaction."""

    def page(self, site_ids: Sequence[int], wanted: Filter, order: Order, after: str | None, limit: int) -> Page:
        """A page of the queue, one card for each campaign; the cost does not grow with what is stored."""
        ...

    def card(self, site_id: int, comment_id: str) -> Card:
        """A comment as a card, whether it waits or not; raises ``CommentNotFound``."""
        ...

    def counts(self, site_ids: Sequence[int], wanted: Filter) -> Counts:
        """How much waits, and of what."""
        ...

    def arrived(self, site_ids: Sequence[int], wanted: Filter, since: int) -> int:
        """How many came since a time, counted as far as ``COUNTED``."""
        ...

    def claim(self, site_ids: Sequence[int], comment_ids: Sequence[str], by: str, now: int) -> dict[str, str]:
        """Keep comments for somebody; who has them, for those that others have."""
        ...

    def release(self, site_ids: Sequence[int], comment_ids: Sequence[str], by: str) -> None:
        """Keep them no longer."""
        ...

    def settle(
        self, site_id: int, said: Mapping[str, Review], seen: Mapping[str, int] | None, actor: Actor
    ) -> dict[str, Result]:
        """Add reviews. With ``seen`` only to comments that stand as they were seen."""
        ...

    def take_back(self, site_id: int, comment_id: str, number: int, actor: Actor, now: int, *, own: bool) -> Done:
        """Undo the review of that number, if it is the newest."""
        ...

    def reopen(self, site_id: int, comment_id: str, actor: Actor, now: int) -> Done:
        """Put a comment (back) into the queue."""
        ...


class ReviewQueue:
    """The queue, for one or more sites. The clock tells milliseconds since 1970, UTC."""

    def __init__(self, store: ReviewStore, clock: Callable[[], int] = now_ms) -> None:
        self._store, self._clock = store, clock

    def page(
        self,
        site_ids: Sequence[int],
        wanted: Filter | None = None,
        *,
        order: Order = Order.OLDEST,
        after: str | None = None,
        limit: int = 50,
    ) -> Page:
        """A page of cards; raises ``BadFilter`` for a cursor that is none."""
        if not 1 <= limit <= MOST_SHOWN:
            raise BadFilter(f"limit: between 1 and {MOST_SHOWN}, not {limit}")
        return self._store.page(site_ids, wanted or Filter(), order, after, limit)

    def card(self, site_id: int, comment_id: str) -> Card:
        """A comment, by our id or the site's own, whether it waits or not; raises ``CommentNotFound``."""
        return self._store.card(site_id, comment_id)

    def counts(self, site_ids: Sequence[int], wanted: Filter | None = None) -> Counts:
        """How much waits, and of what."""
        return self._store.counts(site_ids, wanted or Filter())

    def arrived(self, site_ids: Sequence[int], wanted: Filter, since: int) -> int:
        """How many came since a time."""
        return self._store.arrived(site_ids, wanted, since)

    def claim(self, site_ids: Sequence[int], comment_ids: Sequence[str], by: str) -> dict[str, str]:
        """Keep comments for who looks at them, for two minutes; returns who has those that others have."""
        return self._store.claim(site_ids, comment_ids[:MOST_AT_ONCE], by, self._clock())

    def release(self, site_ids: Sequence[int], comment_ids: Sequence[str], by: str) -> None:
        """Let others have them."""
        self._store.release(site_ids, comment_ids[:MOST_AT_ONCE], by)

    def settle(
        self,
        site_id: int,
        comment_ids: Sequence[str],
        outcome: Outcome,
        actor: Actor,
        *,
        note: str | None = None,
        seen: Mapping[str, int] | None = None,
    ) -> dict[str, Result]:
        """Say the same of some comments: what became of each, or why nothing did.

        ``seen`` tells how many reviews and later versions of each comment its reviewer has seen (none, if it is not
        named): a comment that got another one meanwhile is left as it is, and the result is ``AlreadySettled`` or
        ``Changed``. Without ``seen`` the newest review counts, as always.
        """
        if len(comment_ids) > MOST_AT_ONCE:
            raise BadFilter(f"at most {MOST_AT_ONCE:,} comments at once, got {len(comment_ids):,}")
        now = self._clock()
        said = {one: Review(outcome, actor.name, now, note) for one in comment_ids}
        return self._store.settle(site_id, said, seen, actor)

    def undo(self, site_id: int, comment_id: str, number: int, actor: Actor, *, own: bool = True) -> Done:
        """Take a review back within the day; one's own, or with ``own=False`` anybody's.

        Raises ``AlreadySettled`` if it is not the newest any more, ``TooLate``, or ``NotYours``.
        """
        return self._store.take_back(site_id, comment_id, number, actor, self._clock(), own=own)

    def reopen(self, site_id: int, comment_id: str, actor: Actor) -> Done:
        """Put a comment into the queue again, whatever was said or decided of it."""
        return self._store.reopen(site_id, comment_id, actor, self._clock())
