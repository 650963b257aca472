"""What people said of a site's comments, as something to learn from: read page by page, whatever there is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, func, select

from moderation.comment import Comment
from moderation.past import Kind, Outcome
from moderation.store.database import in_portions, reading
from moderation.store.rows import comment_of, scores_of, stored_traces
from moderation.store.schema import comments, first_on_revision, last_of, reviews, revisions, samples, verdicts
from moderation.verdict import Decision

AT_ONCE = 2_000
"""Labels of one page."""
_CAMPAIGN = f"{Kind.CAMPAIGN}:"
_OUTCOMES = tuple(one.value for one in Outcome)
_TEACH = tuple(one.value for one in Outcome if one is not Outcome.OTHER)


@dataclass(frozen=True, slots=True)
class Label:
    """A comment as its site last sent it, and the newest review of it."""

    comment_id: str
    comment: Comment
    outcome: Outcome
    reviewer: str
    reviewed_at: int
    """Milliseconds since 1970, UTC."""
    campaign: str
    """Its near-copies share it; empty: it has none."""
    decision: Decision
    """What the machine decided of it, and by which scores and findings."""
    scores: dict[str, float]
    evidence: dict[str, float]
    share: float | None
    """The chance with which it was drawn at random; None: it was not."""


class LabelTables:
    """Labels of sites in a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def count(self, site_id: int, since: int = 0) -> int:
        """How many reviews of a site's comments teach something, the newest of each and since then; no trials."""
        with reading(self._engine) as connection:
            mine = and_(comments.c.id == reviews.c.comment_id, comments.c.site_id == site_id)
            counted = select(func.count()).select_from(reviews).join(comments, mine)
            real = reviews.c.number == last_of(reviews), reviews.c.outcome.in_(_TEACH), comments.c.is_test.is_(False)
            counted = counted.where(reviews.c.reviewed_at >= since)
            found: int = connection.execute(counted.where(*real)).scalar_one()
            return found

    def all(self, site_id: int) -> Iterator[Label]:
        """All labels of a site in the order of their comments; trials left out. Pages are transactions of their own.

        Goes along the reviews, so that comments nobody reviewed cost nothing.
        """
        after = ""
        while True:
            with reading(self._engine) as connection:
                newest = select(reviews).where(reviews.c.comment_id > after, reviews.c.number == last_of(reviews))
                said = connection.execute(newest.order_by(reviews.c.comment_id).limit(AT_ONCE)).all()
                found = list(_labels(connection, site_id, [row for row in said if row.outcome in _OUTCOMES]))
            yield from found
            if len(said) < AT_ONCE:
                return
            after = said[-1].comment_id


def _labels(connection: Connection, site_id: int, said: Sequence[Row[Any]]) -> Iterator[Label]:
    first = revisions.alias()
    query = (
        select(comments.c.id, revisions.c.body, first.c.traces, verdicts, samples.c.share)
        .select_from(comments)
        .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == last_of(revisions)))
        .join(first, and_(first.c.comment_id == comments.c.id, first.c.number == 1))
        .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == first_on_revision()))
        .outerjoin(samples, samples.c.comment_id == comments.c.id)
        .where(comments.c.site_id == site_id, comments.c.is_test.is_(False))
    )
    for some in in_portions(said):
        rows = connection.execute(query.where(comments.c.id.in_([one.comment_id for one in some])))
        by_id = {row.id: row for row in rows}
        for one in some:
            if (row := by_id.get(one.comment_id)) is not None:
                yield _label(one, row)


def _label(said: Row[Any], row: Row[Any]) -> Label:
    campaign = next((one for one in stored_traces(row.traces) if one.startswith(_CAMPAIGN)), "")
    return Label(
        said.comment_id,
        comment_of(row.body),
        Outcome(said.outcome),
        said.reviewer,
        said.reviewed_at,
        campaign.removeprefix(_CAMPAIGN),
        Decision(row.decision),
        scores_of(row.scores),
        scores_of(row.evidence),
        row.share,
    )
