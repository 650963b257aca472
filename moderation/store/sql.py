"""The store over SQLAlchemy Core: the same statements on SQLite and PostgreSQL."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Table, and_, bindparam, func, insert, select, update

from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.past import Kind, Outcome, Past
from moderation.store import Checked, History, Judged, JudgedAt, Review, Revision, Trail, new_id, now_ms
from moderation.store.database import Prepared, failures_named, in_portions, insert_unless_there
from moderation.store.past import PastTables
from moderation.store.schema import comments, first_of, last_of, reviews, revisions, rules, verdicts
from moderation.verdict import Decision, Reason, Verdict

_encode = msgspec.json.Encoder().encode
_scores = msgspec.json.Decoder(dict[str, float]).decode
_reasons = msgspec.json.Decoder(tuple[Reason, ...]).decode
_comment = msgspec.json.Decoder(Comment).decode

_any_verdict = verdicts.alias()
_first_verdict = (
    select(func.min(_any_verdict.c.number))
    .where(_any_verdict.c.comment_id == comments.c.id, _any_verdict.c.revision == revisions.c.number)
    .correlate(comments, revisions)
    .scalar_subquery()
)
_NEWEST = (
    select(revisions.c.digest, *verdicts.c)
    .select_from(comments)
    .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == last_of(revisions)))
    .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == _first_verdict))
    .where(comments.c.id == bindparam("comment_id"))
)


class SqlStore:
    """A :class:`~moderation.store.Store` in a database; safe to use from many threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._add_comments = Prepared(engine, insert_unless_there(engine, comments, ("site_id", "external_id")))
        self._add_revisions = Prepared(engine, insert(revisions))
        self._add_verdicts = Prepared(engine, insert(verdicts))
        self._past = PastTables(engine)

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with failures_named(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with failures_named(), self._writer.begin() as connection:
            yield connection

    def record(self, judged: Sequence[Judged]) -> list[Checked]:
        """See :class:`~moderation.store.Store`."""
        if not judged:
            return []
        with self._writing() as connection:
            return self._record(connection, judged)

    def _record(self, connection: Connection, judged: Sequence[Judged]) -> list[Checked]:
        now = now_ms()
        ids = [new_id() for _ in judged]
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
                (id_, number, one.digest, _text(one.comment), now, _text(counted.get(id_, ())))
                for id_, number, _, one in rows
            ],
        )
        self._add_verdicts(
            connection, [_verdict_row(id_, number, revision, one.verdict, now) for id_, revision, number, one in rows]
        )

    def _count_hits(self, connection: Connection, judged: Sequence[Judged], now: int) -> None:
        hits = Counter(rule for one in judged if not one.comment.is_test for rule in one.rules)
        for rule in sorted(hits):
            new = {"hits": rules.c.hits + hits[rule], "last_hit_at": now}
            connection.execute(update(rules).where(rules.c.id == rule).values(new))

    def _revise(self, connection: Connection, comment_id: str, judged: Judged, now: int) -> Checked:
        """A site id that exists: the verdict it has, or another revision."""
        row = connection.execute(_NEWEST, {"comment_id": comment_id}).one()
        if row.digest == judged.digest:
            return Checked(comment_id, _to_verdict(row), repeated=True)
        revision, number = (
            connection.execute(select(func.max(of.c.number)).where(of.c.comment_id == comment_id)).scalar_one() + 1
            for of in (revisions, verdicts)
        )
        self._append(connection, [(comment_id, revision, number, judged)], now)
        return Checked(comment_id, judged.verdict)

    def recall(self, asked: Sequence[tuple[int, Trail]]) -> list[Past]:
        """See :class:`~moderation.store.Store`."""
        with self._reading() as connection:
            return self._past.recall(connection, asked)

    def history(self, site_id: int, comment_id: str) -> History:
        """See :class:`~moderation.store.Store`."""
        with self._reading() as connection:
            return _history(connection, _find(connection, site_id, comment_id))

    def review(self, site_id: int, comment_id: str, review: Review) -> History:
        """See :class:`~moderation.store.Store`."""
        with self._writing() as connection:
            # Locks the comment on PostgreSQL, so that two reviews cannot take the same number.
            found = _find(connection, site_id, comment_id, lock=True)
            known = _history(connection, found)
            before = known.reviews[-1].outcome if known.reviews else None
            row = (found.id, len(known.reviews) + 1, review.outcome, review.reviewer, review.note, review.reviewed_at)
            connection.execute(insert(reviews).values(row))
            self._past.review(connection, site_id, found.id, before, review.outcome)
            return replace(known, reviews=(*known.reviews, review))

    def labelled(self, site_id: int) -> list[tuple[dict[str, float], Outcome]]:
        """What signals found in each reviewed comment when it was judged, and the newest review; trials left out."""
        query = (
            select(verdicts.c.evidence, reviews.c.outcome)
            .select_from(comments)
            .join(reviews, and_(reviews.c.comment_id == comments.c.id, reviews.c.number == last_of(reviews)))
            .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == first_of(verdicts)))
            .where(comments.c.site_id == site_id, comments.c.is_test.is_(False))
            .order_by(comments.c.id)
        )
        with self._reading() as connection:
            return [(_scores(row.evidence), Outcome(row.outcome)) for row in connection.execute(query)]

    def campaign_of(self, site_id: int, comment_id: str) -> Near:
        """The newest near-copies of a comment, oldest first; raises ``CommentNotFound``."""
        with self._reading() as connection:
            found = _find(connection, site_id, comment_id)
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
        with self._writing() as connection:
            found = _find(connection, site_id, comment_id)
            campaign, ids = self._campaign_of(connection, site_id, found.id)
            members = _members(connection, ids)
            held = [one for one in members if one.decision is Decision.ACCEPT and one.outcome is not Outcome.HAM]
            reason = Reason("campaign", f"held with the near-copies of {found.id}, by request", 0.0, "")
            for some in in_portions([one.id for one in held]):
                self._hold(connection, some, reason)
            return Near(campaign, len(ids), tuple(replace(one, decision=Decision.HOLD) for one in held))

    def _hold(self, connection: Connection, ids: Sequence[str], reason: Reason) -> None:
        # Locks the comments on PostgreSQL, so that nobody else takes the same numbers.
        connection.execute(
            select(comments.c.id).where(comments.c.id.in_(ids)).order_by(comments.c.id).with_for_update()
        )
        query = select(verdicts).where(verdicts.c.comment_id.in_(ids), verdicts.c.number == last_of(verdicts))
        rows, now = [], now_ms()
        for last in connection.execute(query.order_by(verdicts.c.comment_id)):
            verdict = _to_verdict(last)
            verdict = msgspec.structs.replace(verdict, decision=Decision.HOLD, reasons=(reason, *verdict.reasons))
            rows.append(_verdict_row(last.comment_id, last.number + 1, last.revision, verdict, now))
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
            outcome = Outcome(row.outcome) if row.outcome is not None else None
            text = _comment(row.body).text[:SHOWN]
            yield Member(row.id, row.external_id, row.received_at, Decision(row.decision), outcome, text)


def _lock(connection: Connection, judged: Judged) -> str:
    """Our id of a comment that its site has named.

    Locks it on PostgreSQL, so that two revisions cannot take the same number; SQLite has one writer.
    """
    own = and_(comments.c.site_id == judged.site_id, comments.c.external_id == judged.comment.id)
    found: str = connection.execute(select(comments.c.id).where(own).with_for_update()).scalar_one()
    return found


def _find(connection: Connection, site_id: int, comment_id: str, *, lock: bool = False) -> Row[Any]:
    """The row of a comment, by our id or the site's own."""
    own = select(comments).where(comments.c.site_id == site_id)
    if lock:
        own = own.with_for_update()
    row = connection.execute(own.where(comments.c.id == comment_id)).one_or_none()
    row = row or connection.execute(own.where(comments.c.external_id == comment_id)).one_or_none()
    if row is None:
        raise CommentNotFound(comment_id)
    return row


def _history(connection: Connection, found: Row[Any]) -> History:
    def all_of(table: Table) -> Sequence[Row[Any]]:
        return connection.execute(select(table).where(table.c.comment_id == found.id).order_by(table.c.number)).all()

    return History(
        found.id,
        found.external_id,
        tuple(Revision(_comment(one.body), one.received_at) for one in all_of(revisions)),
        tuple(JudgedAt(_to_verdict(one), one.revision, one.judged_at) for one in all_of(verdicts)),
        tuple(Review(Outcome(one.outcome), one.reviewer, one.reviewed_at, one.note) for one in all_of(reviews)),
    )


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


def _text(value: object) -> str:
    return _encode(value).decode()


def _verdict_row(comment_id: str, number: int, revision: int, verdict: Verdict, now: int) -> tuple[Any, ...]:
    return (
        comment_id,
        number,
        revision,
        verdict.decision.value,
        _text(verdict.scores),
        _text(verdict.baseline),
        _text(verdict.reasons),
        verdict.model,
        verdict.policy,
        now,
        _text(verdict.evidence),
    )


def _to_verdict(row: Row[Any]) -> Verdict:
    return Verdict(
        Decision(row.decision),
        _scores(row.scores),
        _scores(row.baseline),
        _reasons(row.reasons),
        row.model,
        row.policy,
        _scores(row.evidence),
    )
