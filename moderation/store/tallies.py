"""How many comments of a site came in a time, by what the machine decided at first and what people said last."""

from __future__ import annotations

from collections import Counter

from sqlalchemy import Engine, and_, func, select

from moderation.past import Outcome, outcome_of
from moderation.store import id_from
from moderation.store.database import reading
from moderation.store.schema import comments, last_of, reviews, verdicts
from moderation.verdict import Decision

Tally = Counter[tuple[Decision, Outcome | None]]


def first_arrival(engine: Engine, site_id: int) -> int | None:
    """When a site's first comment came; None: none has."""
    query = select(comments.c.received_at).where(comments.c.site_id == site_id).order_by(comments.c.id).limit(1)
    with reading(engine) as connection:
        return connection.execute(query).scalar_one_or_none()


def tally(engine: Engine, site_id: int, since: int, until: int) -> Tally:
    """The comments of a site that came from ``since`` on and before ``until``, without trials."""
    came = comments.c.id >= id_from(since), comments.c.id < id_from(until)
    said = and_(reviews.c.comment_id == comments.c.id, reviews.c.number == last_of(reviews))
    query = (
        select(verdicts.c.decision, reviews.c.outcome, func.count().label("number"))
        .select_from(comments)
        .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == 1))
        .outerjoin(reviews, said)
        .where(comments.c.site_id == site_id, *came, comments.c.is_test.is_(False))
        .group_by(verdicts.c.decision, reviews.c.outcome)
    )
    found: Tally = Counter()
    with reading(engine) as connection:
        for row in connection.execute(query):
            found[Decision(row.decision), outcome_of(row.outcome)] += row.number
    return found
