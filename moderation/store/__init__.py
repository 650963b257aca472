"""Where comments, verdicts and reviews are kept: the narrow interface, and the store that forgets on exit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from moderation.campaigns import ALIKE, WINDOW, Sketch, alike
from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.past import (
    NOTHING,
    Campaign,
    Kind,
    Outcome,
    Past,
    Record,
    Trace,
    first_record,
    merged,
    reviewed,
)
from moderation.verdict import Verdict

Digest = str


@dataclass(frozen=True, slots=True)
class Trail:
    """How a comment is traced: to find what its site has seen before, and to be found itself."""

    traces: tuple[Trace, ...] = ()
    sketch: Sketch | None = None
    when: int = 0
    """When it was written."""
    live: bool = True
    """Whether it came just now; otherwise it does not count for how many come in an hour."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A site's comment with its digest and its verdict, to be kept."""

    site_id: int
    comment: Comment
    digest: Digest
    verdict: Verdict
    trail: Trail = Trail()
    past: Past = NOTHING
    """What the verdict knew."""
    rules: tuple[int, ...] = ()
    """Ids of the rules it met."""
    again: bool = False
    """Whether it is kept as another revision though the newest one has the same digest."""
    spot_checks: float = 0.0
    """The chance it has to be drawn for a person to look at, whatever was decided."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A comment's id with us, its verdict, and whether the comment had been judged before."""

    id: str
    verdict: Verdict
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """What the site sent, once; a changed comment under the same id is another revision."""

    comment: Comment
    received_at: int
    """Milliseconds since 1970, UTC; so are all times in the store."""


@dataclass(frozen=True, slots=True)
class JudgedAt:
    """A verdict, when it was given and on which revision (from 1)."""

    verdict: Verdict
    revision: int
    judged_at: int


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said of a comment."""

    outcome: Outcome | None
    """None: an earlier review was taken back."""
    reviewer: str
    reviewed_at: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """All that is kept of one comment, oldest first."""

    id: str
    external_id: str | None
    revisions: tuple[Revision, ...]
    verdicts: tuple[JudgedAt, ...]
    reviews: tuple[Review, ...]

    @property
    def last_said(self) -> Review | None:
        """The newest review, if it is of the newest version."""
        last = self.reviews[-1] if self.reviews else None
        return last if last is not None and last.reviewed_at >= self.revisions[-1].received_at else None


class Store(Protocol):
    """What the use cases need of a store. Every method is one transaction."""

    def record(self, judged: Sequence[Judged]) -> list[Checked]:
        """Keep comments with their verdicts, all or none; raises ``StoreUnavailable`` if nothing was kept.

        A site id that exists gets a new revision, unless the newest one has the same digest and nobody asked for
        it to be judged again: then that one's verdict is the answer.
        """
        ...

    def recall(self, asked: Sequence[tuple[int, Trail]]) -> list[Past]:
        """What sites have seen before comments with these trails; two indexed queries a site, whatever is kept."""
        ...

    def history(self, site_id: int, comment_id: str) -> History:
        """One comment, by our id or the site's own, with all that is kept of it; raises ``CommentNotFound``."""
        ...

    def review(self, site_id: int, comment_id: str, review: Review) -> History:
        """Add a review, and bring the records of the comment's traces up to date; raises ``CommentNotFound``."""
        ...


LATEST = 16**12 - 1
"""Milliseconds that fit an id: the year 10889."""


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def new_id(at: int | None = None) -> str:
    """An id that sorts by time: 32 hex digits, the first 12 of them milliseconds (``at``; now, if it is ``None``)."""
    return f"{now_ms() if at is None else at:012x}{secrets.token_hex(10)}"


def is_drawn(comment_id: str, share: float) -> bool:
    """Whether a comment is among a share of all, drawn by the random part of its id."""
    return int(comment_id[12:20], 16) < share * 16**8


ASIDE = "02468ace"
"""Last digits of the ids of comments that a site's model, if they were drawn, promises by and never learns from."""


def is_kept_aside(comment_id: str) -> bool:
    """Whether a comment, if it was drawn, is kept aside for the promise of its site's model: every second one is."""
    return comment_id[-1] in ASIDE


def id_from(milliseconds: int) -> str:
    """The lowest id a comment of that time could have."""
    return f"{min(max(milliseconds, 0), LATEST):012x}{0:020x}"


class MemoryStore:
    """A store that forgets on exit: tests and dry runs."""

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[int, History]] = {}
        self._digests: dict[str, Digest] = {}
        self._external: dict[tuple[int, str], str] = {}
        self._records: dict[tuple[int, Trace], Record] = {}
        self._traces: dict[str, list[Trace]] = {}
        self._campaigns: dict[tuple[int, str], _Known] = {}

    def record(self, judged: Sequence[Judged]) -> list[Checked]:
        """See :class:`Store`."""
        return [self._record(one) for one in judged]

    def _record(self, one: Judged) -> Checked:
        comment, verdict, site_id = one.comment, one.verdict, one.site_id
        comment_id = self._external.get((site_id, comment.id)) if comment.id is not None else None
        if comment_id is not None and self._digests[comment_id] == one.digest and not one.again:
            return Checked(comment_id, self._by_id[comment_id][1].verdicts[-1].verdict, repeated=True)
        now = now_ms()
        if comment_id is None:
            comment_id = new_id(now)
            history = History(comment_id, comment.id, (), (), ())
            self._count(comment_id, one)
        else:
            history = self._by_id[comment_id][1]
        revisions = (*history.revisions, Revision(comment, now))
        verdicts = (*history.verdicts, JudgedAt(verdict, len(revisions), now))
        self._by_id[comment_id] = site_id, replace(history, revisions=revisions, verdicts=verdicts)
        self._digests[comment_id] = one.digest
        if comment.id is not None:
            self._external[site_id, comment.id] = comment_id
        return Checked(comment_id, verdict)

    def _count(self, comment_id: str, one: Judged) -> None:
        if one.comment.is_test:
            return
        trail, traces = one.trail, list(one.trail.traces)
        if trail.sketch is not None:
            campaign = self._campaign(one.site_id, trail) or comment_id
            known = self._campaigns.setdefault((one.site_id, campaign), _Known(trail.sketch.signature))
            known.bands.update(trail.sketch.bands)
            known.seen_at = max(known.seen_at, trail.when)
            traces.append((Kind.CAMPAIGN, campaign))
        for trace in traces:
            new, old = (
                first_record(one.verdict.decision, trail.when, trail.live),
                self._records.get((one.site_id, trace)),
            )
            self._records[one.site_id, trace] = merged(old, new) if old else new
        self._traces[comment_id] = traces

    def _campaign(self, site_id: int, trail: Trail) -> str | None:
        sketch = trail.sketch
        if sketch is None:
            return None
        for (site, campaign), known in self._campaigns.items():
            near = site == site_id and known.seen_at >= trail.when - WINDOW and not known.bands.isdisjoint(sketch.bands)
            if near and alike(known.signature, sketch.signature) >= ALIKE:
                return campaign
        return None

    def recall(self, asked: Sequence[tuple[int, Trail]]) -> list[Past]:
        """See :class:`Store`."""
        return [self._recall(site_id, trail) for site_id, trail in asked]

    def _recall(self, site_id: int, trail: Trail) -> Past:
        found = {trace: self._records[site_id, trace] for trace in trail.traces if (site_id, trace) in self._records}
        campaign = self._campaign(site_id, trail)
        if campaign is None:
            return Past(found)
        return Past(found, Campaign(campaign, self._records[site_id, (Kind.CAMPAIGN, campaign)]))

    def history(self, site_id: int, comment_id: str) -> History:
        """See :class:`Store`."""
        comment_id = self._external.get((site_id, comment_id), comment_id)
        owner, history = self._by_id.get(comment_id, (None, None))
        if owner != site_id or history is None:
            raise CommentNotFound(comment_id)
        return history

    def review(self, site_id: int, comment_id: str, review: Review) -> History:
        """See :class:`Store`."""
        history = self.history(site_id, comment_id)
        before = history.reviews[-1].outcome if history.reviews else None
        for trace in self._traces.get(history.id, ()):
            self._records[site_id, trace] = reviewed(self._records[site_id, trace], before, review.outcome)
        history = replace(history, reviews=(*history.reviews, review))
        self._by_id[history.id] = site_id, history
        return history


@dataclass(slots=True)
class _Known:
    """A campaign of the memory store."""

    signature: bytes
    bands: set[int] = field(default_factory=set)
    seen_at: int = 0
