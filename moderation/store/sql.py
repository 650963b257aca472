"""The store over SQLAlchemy Core: the same statements on SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, Table, and_, bindparam, func, insert, select

from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.store import Checked, Digest, History, JudgedAt, Review, Revision, new_id, now_ms
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
    .where(comments.c.site_id == bindparam("site_id"), comments.c.external_id == bindparam("external_id"))
)
Judged = tuple[Comment, Digest, Verdict]


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

    def record(self, site_id: int, judged: Sequence[Judged]) -> list[Checked]:
        """See :class:`~moderation.store.Store`."""
        if not judged:
            return []
        with self._writing() as connection:
            return self._record(connection, site_id, judged)

    def _record(self, connection: Connection, site_id: int, judged: Sequence[Judged]) -> list[Checked]:
        now = now_ms()
        ids = [new_id() for _ in judged]
        first = _first_of_each([comment.id for comment, _, _ in judged])
        # In one order, so that two servers with the same ids do not wait for each other.
        first.sort(key=lambda i: judged[i][0].id or "")
        rows = [(ids[i], site_id, judged[i][0].id, judged[i][0].is_test, now) for i in first]
        fresh = first
        if self._add_comments(connection, rows) < len(rows):
            taken = _existing(connection, site_id, [row[2] for row in rows if row[2] is not None])
            fresh = [i for i in first if taken.get(judged[i][0].id, ids[i]) == ids[i]]
        self._append(connection, [(ids[i], 1, judged[i]) for i in fresh], now)
        answers = {i: Checked(ids[i], judged[i][2]) for i in fresh}
        left = (i for i in range(len(judged)) if i not in answers)
        for i in sorted(left, key=lambda i: judged[i][0].id or ""):
            answers[i] = self._revise(connection, site_id, judged[i], now)
        return [answers[i] for i in range(len(judged))]

    def _append(self, connection: Connection, rows: list[tuple[str, int, Judged]], now: int) -> None:
        """Add a revision and its verdict, both under the same number, to each comment."""
        if not rows:
            return
        self._add_revisions(
            connection, [(id_, number, digest, _text(comment), now) for id_, number, (comment, digest, _) in rows]
        )
        self._add_verdicts(
            connection, [_verdict_row(id_, number, verdict, now) for id_, number, (_, _, verdict) in rows]
        )

    def _revise(self, connection: Connection, site_id: int, judged: Judged, now: int) -> Checked:
        """A site id that exists: the verdict it has, or another revision."""
        comment, digest, verdict = judged
        if comment.id is None:
            raise ValueError("only a comment with its site's id can exist already")
        # Locks the comment on PostgreSQL, so that two revisions cannot take the same number; SQLite has one writer.
        lock = select(comments.c.id).where(comments.c.site_id == site_id, comments.c.external_id == comment.id)
        comment_id = connection.execute(lock.with_for_update()).scalar_one()
        if same := _same(connection, site_id, comment.id, digest):
            return same
        newest = select(func.max(revisions.c.number)).where(revisions.c.comment_id == comment_id)
        self._append(connection, [(comment_id, connection.execute(newest).scalar_one() + 1, judged)], now)
        return Checked(comment_id, verdict)

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


def _first_of_each(external: list[str | None]) -> list[int]:
    """Places of the comments without a site id, and of the first with each."""
    seen: set[str] = set()
    first = []
    for i, name in enumerate(external):
        if name is None or name not in seen:
            first.append(i)
        if name is not None:
            seen.add(name)
    return first


def _existing(connection: Connection, site_id: int, external: list[str]) -> dict[str | None, str]:
    """Our ids of a site's ids."""
    found: dict[str | None, str] = {}
    for low in range(0, len(external), LOOKED_UP_AT_ONCE):
        some = external[low : low + LOOKED_UP_AT_ONCE]
        query = select(comments.c.external_id, comments.c.id)
        query = query.where(comments.c.site_id == site_id, comments.c.external_id.in_(some))
        found.update({row.external_id: row.id for row in connection.execute(query)})
    return found


def _same(connection: Connection, site_id: int, external_id: str, digest: Digest) -> Checked | None:
    """The first verdict on a comment's newest revision, if that has this digest."""
    row = connection.execute(_NEWEST, {"site_id": site_id, "external_id": external_id}).one()
    return Checked(row.comment_id, _to_verdict(row), repeated=True) if row.digest == digest else None


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
