"""The store over SQLAlchemy Core: the same statements on SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec
from sqlalchemy import Connection, Engine, and_, bindparam, func, insert, select, update

from moderation.errors import HamletError
from moderation.past import Kind, Outcome, Past, outcome_of
from moderation.review import Actor, Waiting, waiting
from moderation.store import Checked, History, Judged, Review, Trail, is_drawn, new_id, now_ms
from moderation.store.audit import note
from moderation.store.database import Prepared, in_portions, insert_unless_there, reading, writing
from moderation.store.decisions import Told, tell
from moderation.store.past import PastTables
from moderation.store.queue import QueueTables
from moderation.store.reviews import ReviewTables
from moderation.store.rows import as_text, comment_of, find, history_of, verdict_of, verdict_row
from moderation.store.schema import comments, first_on_revision, last_of, reviews, revisions, rules, samples, verdicts
from moderation.verdict import Decision, Reason

_NEWEST = (
    select(revisions.c.digest, *verdicts.c)
    .select_from(comments)
    .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == last_of(revisions)))
    .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == first_on_revision()))
    .where(comments.c.id == bindparam("comment_id"))
)


class SqlStore:
    """A :class:`~moderation.store.Store` in a database; safe to use from many threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._add_comments = Prepared(engine, insert_unless_there(engine, comments, ("site_id", "external_id")))
        self._add_revisions = Prepared(engine, insert(revisions))
        self._add_verdicts = Prepared(engine, insert(verdicts))
        self._past = PastTables(engine)
        self._queue = QueueTables(engine, self._past)
        self._reviews = ReviewTables(self._past, self._queue)

    def record(self, judged: Sequence[Judged]) -> list[Checked]:
        """See :class:`~moderation.store.Store`."""
        if not judged:
            return []
        with writing(self._engine) as connection:
            return self._record(connection, judged)

    def _record(self, connection: Connection, judged: Sequence[Judged]) -> list[Checked]:
        now = now_ms()
        ids = [new_id(now) for _ in judged]
        first = _first_of_each(judged)
        # In one order, so that two servers with the same ids do not wait for each other.
        first.sort(key=lambda i: _order(judged[i]))
        rows = [(ids[i], judged[i].site_id, judged[i].comment.id, judged[i].comment.is_test, now) for i in first]
        fresh = first
        if self._add_comments(connection, rows) < len(rows):
            taken = _existing(connection, [judged[i] for i in first])
            fresh = [i for i in first if taken.get(_name(judged[i]), ids[i]) == ids[i]]
        left = sorted(set(range(len(judged))) - set(fresh), key=lambda i: _order(judged[i]))
        known = {i: _lock(connection, judged[i]) for i in left}  # Before records, as a review does.
        counted = self._past.keep(connection, [(ids[i], judged[i]) for i in fresh])
        self._append(connection, [(ids[i], 1, 1, judged[i]) for i in fresh], now, counted)
        drawn = [i for i in fresh if not judged[i].comment.is_test and is_drawn(ids[i], judged[i].spot_checks)]
        waits = sorted({*drawn, *(i for i in fresh if _waits(judged[i]))})
        self._queue.enter(connection, [_waiting(ids[i], judged[i], counted.get(ids[i], ()), now) for i in waits])
        if drawn:
            marks = [
                {"comment_id": ids[i], "site_id": judged[i].site_id, "share": judged[i].spot_checks} for i in drawn
            ]
            connection.execute(insert(samples), marks)
        self._count_hits(connection, [judged[i] for i in fresh], now)
        answers = {i: Checked(ids[i], judged[i].verdict) for i in fresh}
        for i in left:
            answers[i] = self._revise(connection, known[i], judged[i], now)
        return [answers[i] for i in range(len(judged))]

    def _append(
        self,
        connection: Connection,
        rows: list[tuple[str, int, int, Judged]],
        now: int,
        counted: Mapping[str, list[str]] = MappingProxyType({}),
    ) -> None:
        """Add to comments a revision and a verdict each, under these numbers; ``counted``: traces by comment."""
        if not rows:
            return
        self._add_revisions(
            connection,
            [
                (id_, number, one.digest, as_text(one.comment), now, as_text(counted.get(id_, ())))
                for id_, number, _, one in rows
            ],
        )
        self._add_verdicts(
            connection, [verdict_row(id_, number, revision, one.verdict, now) for id_, revision, number, one in rows]
        )

    def _count_hits(self, connection: Connection, judged: Sequence[Judged], now: int) -> None:
        hits = Counter(rule for one in judged if not one.comment.is_test for rule in one.rules)
        for rule in sorted(hits):
            new = {"hits": rules.c.hits + hits[rule], "last_hit_at": now}
            connection.execute(update(rules).where(rules.c.id == rule).values(new))

    def _revise(self, connection: Connection, comment_id: str, judged: Judged, now: int) -> Checked:
        """A site id that exists: the verdict it has, or another revision."""
        row = connection.execute(_NEWEST, {"comment_id": comment_id}).one()
        if row.digest == judged.digest and not judged.again:
            return Checked(comment_id, verdict_of(row), repeated=True)
        revision, number = (
            connection.execute(select(func.max(of.c.number)).where(of.c.comment_id == comment_id)).scalar_one() + 1
            for of in (revisions, verdicts)
        )
        self._append(connection, [(comment_id, revision, number, judged)], now)
        self._queue.leave(connection, [comment_id])  # What was seen of it there is not what it says now.
        if _waits(judged):
            self._queue.enter(
                connection, [_waiting(comment_id, judged, self._past.counting(connection, comment_id), now)]
            )
        return Checked(comment_id, judged.verdict)

    def recall(self, asked: Sequence[tuple[int, Trail]]) -> list[Past]:
        """See :class:`~moderation.store.Store`."""
        with reading(self._engine) as connection:
            return self._past.recall(connection, asked)

    def history(self, site_id: int, comment_id: str) -> History:
        """See :class:`~moderation.store.Store`."""
        with reading(self._engine) as connection:
            return history_of(connection, find(connection, site_id, comment_id))

    def review(self, site_id: int, comment_id: str, review: Review) -> History:
        """See :class:`~moderation.store.Store`."""
        with writing(self._engine) as connection:
            actor = Actor(review.reviewer, "api")
            (result,) = self._reviews.settle(connection, site_id, {comment_id: review}, None, actor).values()
            if isinstance(result, HamletError):
                raise result
            return history_of(connection, find(connection, site_id, comment_id))

    def campaign_of(self, site_id: int, comment_id: str) -> Near:
        """The newest near-copies of a comment, oldest first; raises ``CommentNotFound``."""
        with reading(self._engine) as connection:
            found = find(connection, site_id, comment_id)
            campaign, ids = self._campaign_of(connection, site_id, found.id)
            return Near(campaign, len(ids), tuple(_members(connection, ids[-MOST_SHOWN:])))

    def _campaign_of(self, connection: Connection, site_id: int, comment_id: str) -> tuple[str, list[str]]:
        """The campaign of a comment, and the ids of all that belong to it, oldest first."""
        campaign = self._past.campaign_of(connection, comment_id)
        if campaign is None:
            return comment_id, [comment_id]
        return campaign, self._past.members(connection, site_id, (Kind.CAMPAIGN, campaign))

    def hold_campaign(self, site_id: int, comment_id: str) -> Near:
        """Give all near-copies that stand accepted a new verdict, hold; returns those."""
        with writing(self._engine) as connection:
            found = find(connection, site_id, comment_id)
            campaign, ids = self._campaign_of(connection, site_id, found.id)
            members = _members(connection, ids)
            held = [one for one in members if one.decision is Decision.ACCEPT and one.outcome is not Outcome.HAM]
            reason = Reason("campaign", f"held with the near-copies of {found.id}, by request", 0.0, "")
            for some in in_portions([one.id for one in held]):
                self._hold(connection, some, reason)
            now = now_ms()
            # What a person said of the others stands, and the site knows it.
            unsaid = [one for one in held if one.outcome is None]
            self._queue.enter_stored(connection, site_id, [one.id for one in unsaid], now)
            told = [Told(one.id, one.external_id, Decision.HOLD, None, "campaign", now) for one in unsaid]
            tell(connection, site_id, told)
            note(connection, site_id=site_id, actor="campaign", via="api", action="hold-campaign", comment_id=found.id)
            return Near(campaign, len(ids), tuple(replace(one, decision=Decision.HOLD) for one in held))

    def _hold(self, connection: Connection, ids: Sequence[str], reason: Reason) -> None:
        # Locks the comments on PostgreSQL, so that nobody else takes the same numbers.
        connection.execute(
            select(comments.c.id).where(comments.c.id.in_(ids)).order_by(comments.c.id).with_for_update()
        )
        query = select(verdicts).where(verdicts.c.comment_id.in_(ids), verdicts.c.number == last_of(verdicts))
        rows, now = [], now_ms()
        for last in connection.execute(query.order_by(verdicts.c.comment_id)):
            verdict = verdict_of(last)
            verdict = msgspec.structs.replace(verdict, decision=Decision.HOLD, reasons=(reason, *verdict.reasons))
            rows.append(verdict_row(last.comment_id, last.number + 1, last.revision, verdict, now))
        self._add_verdicts(connection, rows)


@dataclass(frozen=True, slots=True)
class Member:
    """One comment of a campaign, as it stands now."""

    id: str
    external_id: str | None
    received_at: int
    decision: Decision
    outcome: Outcome | None
    text: str


@dataclass(frozen=True, slots=True)
class Near:
    """A campaign's id, how many comments it has, and some of them, oldest first."""

    id: str
    count: int
    members: tuple[Member, ...]


MOST_SHOWN = 1_000
"""Comments of a campaign that are listed."""
SHOWN = 200
"""Characters of a comment in a list."""


def _members(connection: Connection, ids: list[str]) -> Iterator[Member]:
    """Comments as they stand now, in the order of their ids."""
    query = (
        select(comments, revisions.c.body, verdicts.c.decision, reviews.c.outcome)
        .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == 1))
        .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == last_of(verdicts)))
        .outerjoin(reviews, and_(reviews.c.comment_id == comments.c.id, reviews.c.number == last_of(reviews)))
        .order_by(comments.c.id)
    )
    for some in in_portions(ids):
        for row in connection.execute(query.where(comments.c.id.in_(some))):
            outcome = outcome_of(row.outcome)
            text = comment_of(row.body).text[:SHOWN]
            yield Member(row.id, row.external_id, row.received_at, Decision(row.decision), outcome, text)


def _lock(connection: Connection, judged: Judged) -> str:
    """Our id of a comment that its site has named.

    Locks it on PostgreSQL, so that two revisions cannot take the same number; SQLite has one writer.
    """
    own = and_(comments.c.site_id == judged.site_id, comments.c.external_id == judged.comment.id)
    found: str = connection.execute(select(comments.c.id).where(own).with_for_update()).scalar_one()
    return found


def _waits(judged: Judged) -> bool:
    return judged.verdict.decision is Decision.HOLD and not judged.comment.is_test


def _waiting(comment_id: str, judged: Judged, left: Sequence[str], now: int) -> Waiting:
    return waiting(judged.site_id, comment_id, judged.comment, judged.verdict, left, now)


Name = tuple[int, str | None]
"""A site and its own id of a comment."""


def _name(judged: Judged) -> Name:
    return judged.site_id, judged.comment.id


def _order(judged: Judged) -> tuple[int, str]:
    return judged.site_id, judged.comment.id or ""


def _first_of_each(judged: Sequence[Judged]) -> list[int]:
    """Places of the comments without an own id, and of the first with each."""
    seen: set[Name] = set()
    first = []
    for i, one in enumerate(judged):
        name = _name(one)
        if name[1] is None or name not in seen:
            first.append(i)
        seen.add(name)
    return first


def _existing(connection: Connection, judged: Sequence[Judged]) -> dict[Name, str]:
    """Our ids of the comments that sites have named."""
    by_site: dict[int, list[str]] = {}
    for one in judged:
        if one.comment.id is not None:
            by_site.setdefault(one.site_id, []).append(one.comment.id)
    found: dict[Name, str] = {}
    for site_id, names in by_site.items():
        for some in in_portions(names):
            own = comments.c.site_id == site_id, comments.c.external_id.in_(some)
            query = select(comments.c.external_id, comments.c.id).where(*own)
            found.update({(site_id, row.external_id): row.id for row in connection.execute(query)})
    return found
