"""A site's comments as they were judged when they came, and what people said of them since.

Every look is bounded: so many of the newest comments, or so many of a time; none reads a text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, Select, Subquery, and_, func, select

from moderation.drift import Feature, Side, Sort, side_of
from moderation.estimates import Looked
from moderation.past import BAD, DAY, HOUR, Kind, Outcome, outcome_of
from moderation.policy import Thresholds
from moderation.review import BY_PROTOCOL
from moderation.signals.signal import HEAD
from moderation.simulator import Past
from moderation.store import ASIDE, id_from
from moderation.store.database import reading
from moderation.store.reviews import IMPORTED
from moderation.store.rows import scores_of, stored_traces
from moderation.store.schema import comments, last_of, reviews, revisions, samples, verdicts
from moderation.verdict import SEVERITY, TEXT, UNSURE, Decision

MOST_LOOKED = 20_000
"""Newest comments that error rates are estimated from."""
MOST_TRIED = 5_000
"""Newest comments that thresholds are tried on."""
MOST_COMPARED = 2_500
"""Comments of a side that drift is looked for in."""
MOST_SCANNED = 200_000
"""Comments of a side that those are drawn from, the newest."""
MOST_DRAWN = 100_000
PART_OF_DAY = 4
"""Hours."""


class _Why(Struct, frozen=True):
    """As much of a reason as is asked for here."""

    code: str
    head: str


_whys = msgspec.json.Decoder(tuple[_Why, ...]).decode
_DIGITS = 8
"""Last digits of an id that comments are drawn by."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What error rates are estimated from, and how fast people decided."""

    looked: tuple[Looked, ...]
    comments: int
    """How many were gone through."""
    since: int
    """When the first of them came."""
    said: tuple[tuple[str, int], ...]
    """Reviewer and time of the newest review of each that a person made here."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """What became of comments that were drawn at random, the newest of them."""

    all: int
    looked_at: int
    ham_aside: int
    """Looked at, fine, and kept aside for the promise of the site's model."""
    bad_aside: int


class JudgedTables:
    """Judged comments of sites in a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def seen(self, site_id: int, since: int) -> Seen:
        """The newest comments that came since a time, with what was decided and said of them."""
        newest = _newest(site_id, MOST_LOOKED, since)
        said_by = reviews.c.outcome, reviews.c.reviewer, reviews.c.reviewed_at, reviews.c.note
        query = _joined(select(verdicts.c.decision, *said_by, samples.c.share), newest, outer=False)
        with reading(self._engine) as connection:
            counted = select(func.count(), func.min(newest.c.received_at))
            count, first = connection.execute(counted.select_from(newest)).one()
            said = [row for row in connection.execute(query) if outcome_of(row.outcome) is not None]
        looked = tuple(
            Looked(Decision(row.decision), Outcome(row.outcome), 1.0 if row.share is None else row.share)
            for row in said
            if row.share is not None or (row.decision == Decision.HOLD.value and row.note != IMPORTED)
        )
        here = (row for row in said if row.note != IMPORTED and not row.reviewer.startswith(BY_PROTOCOL))
        return Seen(looked, count, first or since, tuple((row.reviewer, row.reviewed_at) for row in here))

    def tried(self, site_id: int, limits: Mapping[str, Thresholds], head: str = HEAD) -> list[Past]:
        """The newest comments, to try other thresholds of one head on. ``limits``: of all heads, as they are."""
        columns = verdicts.c.scores, verdicts.c.reasons, verdicts.c.decision, verdicts.c.model
        newest = _newest(site_id, MOST_TRIED)
        own = select(newest.c.id, newest.c.received_at, *columns, reviews.c.outcome, samples.c.share)
        others = {name: limit for name, limit in limits.items() if name != head}
        with reading(self._engine) as connection:
            return [_past(row, head, others) for row in connection.execute(_joined(own, newest, outer=True))]

    def side(self, site_id: int, since: int, until: int, head: str = HEAD) -> Side:
        """Comments of a time to compare with those of another; of a campaign its first one alone.

        If there are many, some of them are drawn at random.
        """
        columns = verdicts.c.scores, verdicts.c.reasons, verdicts.c.evidence, verdicts.c.model, revisions.c.traces
        with reading(self._engine) as connection:
            some = _drawn_of(connection, site_id, since, until)
            query = (
                select(some.c.received_at, *columns)
                .select_from(some)
                .join(verdicts, and_(verdicts.c.comment_id == some.c.id, verdicts.c.number == 1))
                .join(revisions, and_(revisions.c.comment_id == some.c.id, revisions.c.number == 1))
                .order_by(some.c.id)
            )
            return side_of(_apart(connection.execute(query), head))

    def drawn(self, site_id: int) -> Drawn:
        """The newest comments that were drawn at random, counted."""
        own = select(samples.c.comment_id).where(samples.c.site_id == site_id)
        some = own.order_by(samples.c.comment_id.desc()).limit(MOST_DRAWN).subquery()
        newest = and_(reviews.c.comment_id == some.c.comment_id, reviews.c.number == last_of(reviews))
        aside = func.substr(some.c.comment_id, 32).in_(tuple(ASIDE)).label("aside")
        query = select(aside, reviews.c.outcome, func.count()).select_from(some).outerjoin(reviews, newest)
        counts: Counter[tuple[bool, Outcome | None]] = Counter()
        with reading(self._engine) as connection:
            for is_aside, outcome, count in connection.execute(query.group_by(aside, reviews.c.outcome)):
                counts[bool(is_aside), outcome_of(outcome)] += count
        unseen = counts[True, None] + counts[False, None]
        bad = sum(counts[True, one] for one in BAD)
        return Drawn(counts.total(), counts.total() - unseen, counts[True, Outcome.HAM], bad)


def _newest(site_id: int, most: int, since: int = 0) -> Subquery:
    """The newest comments of a site that came since a time; their ids sort by it."""
    mine = comments.c.site_id == site_id, comments.c.id >= id_from(since), comments.c.is_test.is_(False)
    newest = select(comments.c.id, comments.c.received_at).where(*mine).order_by(comments.c.id.desc()).limit(most)
    return newest.subquery()


def _joined(query: Select[Any], some: Subquery, *, outer: bool) -> Select[Any]:
    """Comments with their first verdict, newest review (``outer``: if any) and the chance they were drawn with."""
    return (
        query.select_from(some)
        .join(verdicts, and_(verdicts.c.comment_id == some.c.id, verdicts.c.number == 1))
        .join(reviews, and_(reviews.c.comment_id == some.c.id, reviews.c.number == last_of(reviews)), isouter=outer)
        .outerjoin(samples, samples.c.comment_id == some.c.id)
    )


def _past(row: Row[Any], head: str, others: Mapping[str, Thresholds]) -> Past:
    scores, whys = scores_of(row.scores), _whys(row.reasons)
    codes = [why.code for why in whys if not why.head]
    fixed = bool(codes) and codes != [UNSURE]
    own = [limit.judge(scores[name]) for name, limit in others.items() if name in scores]
    strictest = max(own, key=SEVERITY.__getitem__, default=Decision.ACCEPT)
    return Past(
        row.id,
        row.received_at,
        scores.get(head, 0.0),
        Decision(row.decision) if fixed else strictest,
        fixed,
        outcome_of(row.outcome),
        row.share is not None,
        UNSURE in codes,
        row.model,
    )


def _drawn_of(connection: Connection, site_id: int, since: int, until: int) -> Subquery:
    """Comments that came from one time until before another, at most ``MOST_COMPARED`` of them."""
    mine = and_(
        comments.c.site_id == site_id,
        comments.c.id >= id_from(since),
        comments.c.id < id_from(until),
    )
    scanned = select(comments.c.id).where(mine).limit(MOST_SCANNED).subquery()
    count = connection.execute(select(func.count()).select_from(scanned)).scalar_one()
    some = select(comments.c.id, comments.c.received_at).where(mine, comments.c.is_test.is_(False))
    if count > MOST_COMPARED:  # By the last digits of the id, which are random; what came first says nothing.
        below = f"{int(MOST_COMPARED / count * 16**_DIGITS):0{_DIGITS}x}"
        some = some.where(func.substr(comments.c.id, 33 - _DIGITS) < below)
    return some.order_by(comments.c.id.desc()).limit(MOST_COMPARED).subquery()


def _apart(rows: Iterable[Row[Any]], head: str) -> Iterator[tuple[float, frozenset[Feature], str]]:
    """Score, features and model of the comments that are no near-copies of one before them."""
    campaigns: set[str] = set()
    for row in rows:
        by_kind: dict[str, str] = dict(one.split(":", 1) for one in stored_traces(row.traces) if ":" in one)
        campaign = by_kind.get(Kind.CAMPAIGN)
        if campaign not in campaigns or campaign is None:
            campaigns.add(campaign or "")
            yield scores_of(row.scores).get(head, 0.0), frozenset(_features(row, by_kind)), row.model


def _features(row: Row[Any], by_kind: Mapping[str, str]) -> Iterator[Feature]:
    evidence, whys = scores_of(row.evidence), _whys(row.reasons)
    yield from ((Sort.SIGNAL, code) for code in evidence if code != TEXT)
    if Kind.DOMAIN in by_kind:
        yield Sort.LINKS, ""
    if by_kind.get(Kind.LANGUAGE):
        yield Sort.LANGUAGE, by_kind[Kind.LANGUAGE]
    if whys:
        yield Sort.REASON, whys[0].code
    hour = row.received_at % DAY // HOUR
    yield Sort.HOURS, str(hour - hour % PART_OF_DAY)
