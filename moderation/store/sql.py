"""The store over SQLAlchemy Core: the same statements on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Table, and_, bindparam, func, insert, select

from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.store import Checked, History, Judged, JudgedAt, Review, Revision, new_id, now_ms
from moderation.store.database import failures_named, insert_unless_there
from moderation.store.schema import comments, reviews, revisions, verdicts
from moderation.verdict import Decision, Reason, Verdict

LOOKED_UP_AT_ONCE = 500
"""Ids in one IN list; databases bound the number of parameters."""

_encode = msgspec.json.Encoder().encode
_scores = msgspec.json.Decoder(dict[str, float]).decode
_reasons = msgspec.json.Decoder(tuple[Reason, ...]).decode
_comment = msgspec.json.Decoder(Comment).decode

_any_revision, _any_verdict = revisions.alias(), verdicts.alias()
_newest = (
    select(func.max(_any_revision.c.number))
    .where(_any_revision.c.comment_id == comments.c.id)
    .correlate(comments)
    .scalar_subquery()
)
_first_verdict = (
    select(func.min(_any_verdict.c.number))
    .where(_any_verdict.c.comment_id == comments.c.id, _any_verdict.c.revision == revisions.c.number)
    .correlate(comments, revisions)
    .scalar_subquery()
)
_NEWEST = (
    select(revisions.c.digest, *verdicts.c)
    .select_from(comments)
    .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == _newest))
    .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == _first_verdict))
    .where(comments.c.id == bindparam("comment_id"))
)


class _Insert:
    """An INSERT compiled once: the hot path binds tuples and skips SQLAlchemy's per-call work."""

    def __init__(self, engine: Engine, table: Table, *, unless_there: tuple[str, ...] = ()) -> None:
        statement = insert_unless_there(engine, table, unless_there) if unless_there else insert(table)
        dialect: Any = type(engine.dialect)
        style = "format" if engine.dialect.name == "postgresql" else "qmark"
        compiled = statement.compile(dialect=dialect(paramstyle=style))
        self._sql = str(compiled)

    def __call__(self, connection: Connection, rows: list[tuple[Any, ...]]) -> int:
        """Insert rows (values in the order of the table's columns); returns how many went in."""
        return connection.exec_driver_sql(self._sql, rows if len(rows) > 1 else rows[0]).rowcount


class SqlStore:
    """A :class:`~moderation.store.Store` in a database; safe to use from many threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._writer = engine.execution_options(writes=True)
        self._add_comments = _Insert(engine, comments, unless_there=("site_id", "external_id"))
        self._add_revisions = _Insert(engine, revisions)
        self._add_verdicts = _Insert(engine, verdicts)

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
        self._append(connection, [(ids[i], 1, judged[i]) for i in fresh], now)
        answers = {i: Checked(ids[i], judged[i].verdict) for i in fresh}
        left = (i for i in range(len(judged)) if i not in answers)
        for i in sorted(left, key=lambda i: _order(judged[i])):
            answers[i] = self._revise(connection, judged[i], now)
        return [answers[i] for i in range(len(judged))]

    def _append(self, connection: Connection, rows: list[tuple[str, int, Judged]], now: int) -> None:
        """Add a revision and its verdict, both under the same number, to each comment."""
        if not rows:
            return
        self._add_revisions(
            connection, [(id_, number, one.digest, _text(one.comment), now) for id_, number, one in rows]
        )
        self._add_verdicts(connection, [_verdict_row(id_, number, one.verdict, now) for id_, number, one in rows])

    def _revise(self, connection: Connection, judged: Judged, now: int) -> Checked:
        """A site id that exists: the verdict it has, or another revision."""
        own = and_(comments.c.site_id == judged.site_id, comments.c.external_id == judged.comment.id)
        # Locks the comment on PostgreSQL, so that two revisions cannot take the same number; SQLite has one writer.
        comment_id = connection.execute(select(comments.c.id).where(own).with_for_update()).scalar_one()
        row = connection.execute(_NEWEST, {"comment_id": comment_id}).one()
        if row.digest == judged.digest:
            return Checked(comment_id, _to_verdict(row), repeated=True)
        newest = select(func.max(revisions.c.number)).where(revisions.c.comment_id == comment_id)
        self._append(connection, [(comment_id, connection.execute(newest).scalar_one() + 1, judged)], now)
        return Checked(comment_id, judged.verdict)

    def history(self, site_id: int, comment_id: str) -> History:
        """See :class:`~moderation.store.Store`."""
        with self._reading() as connection:
            own = select(comments).where(comments.c.site_id == site_id)
            row = connection.execute(own.where(comments.c.id == comment_id)).one_or_none()
            row = row or connection.execute(own.where(comments.c.external_id == comment_id)).one_or_none()
            if row is None:
                raise CommentNotFound(comment_id)

            def all_of(table: Table) -> Sequence[Row[Any]]:
                return connection.execute(
                    select(table).where(table.c.comment_id == row.id).order_by(table.c.number)
                ).all()

            return History(
                row.id,
                row.external_id,
                tuple(Revision(_comment(one.body), one.received_at) for one in all_of(revisions)),
                tuple(JudgedAt(_to_verdict(one), one.revision, one.judged_at) for one in all_of(verdicts)),
                tuple(Review(one.outcome, one.reviewer, one.reviewed_at, one.note) for one in all_of(reviews)),
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
        for low in range(0, len(names), LOOKED_UP_AT_ONCE):
            some = comments.c.external_id.in_(names[low : low + LOOKED_UP_AT_ONCE])
            query = select(comments.c.external_id, comments.c.id).where(comments.c.site_id == site_id, some)
            found.update({(site_id, row.external_id): row.id for row in connection.execute(query)})
    return found


def _text(value: object) -> str:
    return _encode(value).decode()


def _verdict_row(comment_id: str, number: int, verdict: Verdict, now: int) -> tuple[Any, ...]:
    return (
        comment_id,
        number,
        number,
        verdict.decision.value,
        _text(verdict.scores),
        _text(verdict.baseline),
        _text(verdict.reasons),
        verdict.model,
        verdict.policy,
        now,
    )


def _to_verdict(row: Row[Any]) -> Verdict:
    return Verdict(
        Decision(row.decision), _scores(row.scores), _scores(row.baseline), _reasons(row.reasons), row.model, row.policy
    )
