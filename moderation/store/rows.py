"""Rows of the database and what they mean: comments, verdicts, histories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Table, select

from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.past import outcome_of
from moderation.policy import Choices
from moderation.store import History, JudgedAt, Review, Revision
from moderation.store.schema import comments, reviews, revisions, verdicts
from moderation.verdict import Decision, Reason, Verdict

_encode = msgspec.json.Encoder().encode
scores_of = msgspec.json.Decoder(dict[str, float]).decode
comment_of = msgspec.json.Decoder(Comment).decode
choices_of = msgspec.json.Decoder(Choices).decode
stored_traces = msgspec.json.Decoder(list[str]).decode
_reasons = msgspec.json.Decoder(tuple[Reason, ...]).decode


def find(connection: Connection, site_id: int, comment_id: str, *, lock: bool = False) -> Row[Any]:
    """The row of a comment, by our id or the site's own."""
    own = select(comments).where(comments.c.site_id == site_id)
    if lock:
        own = own.with_for_update()
    row = connection.execute(own.where(comments.c.id == comment_id)).one_or_none()
    row = row or connection.execute(own.where(comments.c.external_id == comment_id)).one_or_none()
    if row is None:
        raise CommentNotFound(comment_id)
    return row


def history_of(connection: Connection, found: Row[Any]) -> History:
    def all_of(table: Table) -> Sequence[Row[Any]]:
        return connection.execute(select(table).where(table.c.comment_id == found.id).order_by(table.c.number)).all()

    return History(
        found.id,
        found.external_id,
        tuple(Revision(comment_of(one.body), one.received_at) for one in all_of(revisions)),
        tuple(JudgedAt(verdict_of(one), one.revision, one.judged_at) for one in all_of(verdicts)),
        tuple(Review(outcome_of(one.outcome), one.reviewer, one.reviewed_at, one.note) for one in all_of(reviews)),
    )


def as_text(value: object) -> str:
    return _encode(value).decode()


def verdict_row(comment_id: str, number: int, revision: int, verdict: Verdict, now: int) -> tuple[Any, ...]:
    return (
        comment_id,
        number,
        revision,
        verdict.decision.value,
        as_text(verdict.scores),
        as_text(verdict.baseline),
        as_text(verdict.reasons),
        verdict.model,
        verdict.policy,
        now,
        as_text(verdict.evidence),
    )


def verdict_of(row: Row[Any]) -> Verdict:
    return Verdict(
        Decision(row.decision),
        scores_of(row.scores),
        scores_of(row.baseline),
        _reasons(row.reasons),
        row.model,
        row.policy,
        scores_of(row.evidence),
    )
