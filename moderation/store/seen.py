"""What was decided and said, in lists: newest first, each page at the same cost however much there is."""

from __future__ import annotations

import heapq
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, select

from moderation.errors import BadFilter
from moderation.past import Outcome, Record, Trace, outcome_of
from moderation.review import UNDO_FOR
from moderation.store import now_ms
from moderation.store.audit import Act, acts, acts_on
from moderation.store.database import in_portions, reading
from moderation.store.past import PastTables
from moderation.store.rows import comment_of
from moderation.store.schema import comments, last_of, reviews, revisions, traces, verdicts
from moderation.verdict import Decision

SHOWN = 300
"""Characters of a comment in a list."""
REVIEWING = ("review",)
_ID = re.compile(r"[0-9a-f]{32}")
_NUMBER = re.compile(r"[0-9]{1,18}")
_LARGEST = 2**31 - 1
"""Number of an act that every database can compare with."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A comment in a list, as it stands now."""

    site_id: int
    id: str
    received_at: int
    author_name: str
    text: str
    decision: Decision
    outcome: Outcome | None
    reviewer: str | None
    reviewed_at: int | None
    number: int
    """Of the newest review; 0: there is none."""
    note: str | None

    @property
    def undoable(self) -> bool:
        """Whether its newest review is young enough to be taken back."""
        return self.reviewed_at is not None and now_ms() - self.reviewed_at <= UNDO_FOR


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of a list; ``before`` leads to the next one."""

    rows: tuple[Listed, ...]
    before: str | None


class SeenLists:
    """Lists of comments in a database."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._past = PastTables(engine)

    def judged(self, site_ids: Sequence[int], before: str | None, limit: int) -> Listing:
        """The comments of sites on which nobody said anything yet, and the machine did not ask."""
        newest = and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == last_of(verdicts))
        said = select(reviews.c.number).where(reviews.c.comment_id == comments.c.id)
        query = (
            select(comments.c.id)
            .select_from(comments)
            .join(verdicts, newest)
            .where(verdicts.c.decision != Decision.HOLD.value, ~said.exists())
            .order_by(comments.c.id.desc())
            .limit(limit + 1)
        )
        if before is not None:
            query = query.where(comments.c.id < _checked(before))
        with reading(self._engine) as connection:
            found = [list(connection.execute(query.where(comments.c.site_id == one)).scalars()) for one in site_ids]
            ids = list(islice(heapq.merge(*found, reverse=True), limit + 1))
            return _listing(connection, ids, limit)

    def reviewed(self, site_ids: Sequence[int], actor: str | None, before: str | None, limit: int) -> Listing:
        """Comments as people reviewed them; each stands where it was reviewed last on the page."""
        if before is not None and not _NUMBER.fullmatch(before):
            raise BadFilter("before: not a place of this list")
        start = None if before is None else min(int(before), _LARGEST)
        with reading(self._engine) as connection:
            found = acts(connection, site_ids, actor=actor, before=start, limit=limit, actions=REVIEWING)
            ids = list(dict.fromkeys(one.comment_id for one in found if one.comment_id is not None))
            rows = _rows(connection, ids)
        more = str(found[-1].id) if len(found) == limit else None
        return Listing(tuple(rows[one] for one in ids if one in rows), more)

    def of_trace(self, site_id: int, trace: Trace, before: str | None, limit: int) -> Listing:
        """The comments that left a trace."""
        left = and_(traces.c.site_id == site_id, traces.c.trace == f"{trace[0]}:{trace[1]}")
        query = select(traces.c.comment_id).where(left).order_by(traces.c.comment_id.desc()).limit(limit + 1)
        if before is not None:
            query = query.where(traces.c.comment_id < _checked(before))
        with reading(self._engine) as connection:
            return _listing(connection, list(connection.execute(query).scalars()), limit)

    def record(self, site_id: int, trace: Trace) -> Record | None:
        """What the site knows of a trace."""
        with reading(self._engine) as connection:
            return self._past.records(connection, site_id, [trace]).get(trace)

    def some(self, ids: Sequence[str]) -> dict[str, Listed]:
        """Comments by our ids, as far as they are kept."""
        with reading(self._engine) as connection:
            return _rows(connection, ids)

    def acts(self, site_ids: Sequence[int], *, actor: str | None, before: int | None, limit: int) -> list[Act]:
        """What was done on some sites, newest first; the next page is ``before`` the last one's id."""
        with reading(self._engine) as connection:
            return acts(connection, site_ids, actor=actor, before=before, limit=limit)

    def acts_on(self, comment_id: str) -> list[Act]:
        """What people did to a comment, oldest first."""
        with reading(self._engine) as connection:
            return acts_on(connection, comment_id)


def _checked(before: str) -> str:
    if not _ID.fullmatch(before):
        raise BadFilter("before: not a place of this list")
    return before


def _listing(connection: Connection, ids: Sequence[str], limit: int) -> Listing:
    some = list(ids[:limit])
    rows = _rows(connection, some)
    return Listing(tuple(rows[one] for one in some if one in rows), some[-1] if len(ids) > limit else None)


def _rows(connection: Connection, ids: Iterable[str]) -> dict[str, Listed]:
    query = (
        select(
            comments, revisions.c.body, verdicts.c.decision, *(reviews.c[name].label(f"said_{name}") for name in _SAID)
        )
        .select_from(comments)
        .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == last_of(revisions)))
        .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == last_of(verdicts)))
        .outerjoin(reviews, and_(reviews.c.comment_id == comments.c.id, reviews.c.number == last_of(reviews)))
    )
    found = {}
    for some in in_portions(list(ids)):
        found.update({row.id: _listed(row) for row in connection.execute(query.where(comments.c.id.in_(some)))})
    return found


_SAID = ("number", "outcome", "reviewer", "reviewed_at", "note")


def _listed(row: Row[Any]) -> Listed:
    comment = comment_of(row.body)
    return Listed(
        row.site_id,
        row.id,
        row.received_at,
        (comment.author.name if comment.author else None) or "",
        comment.text[:SHOWN],
        Decision(row.decision),
        outcome_of(row.said_outcome),
        row.said_reviewer,
        row.said_reviewed_at,
        row.said_number or 0,
        row.said_note,
    )
