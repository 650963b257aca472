"""The service that a site had before: what it says beside Hamlet, and who was right. Nothing is decided by it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import Engine, and_, delete, func, select

from moderation.past import DAY, Outcome
from moderation.review import Actor
from moderation.sealed import seal, unseal
from moderation.store import now_ms
from moderation.store.audit import note_by
from moderation.store.database import insert_into, reading, writing
from moderation.store.schema import incumbents, last_of, opinions, reviews
from moderation.verdict import Decision

PURPOSE = "incumbent"
AKISMET = "https://rest.akismet.com"
SPAM, HAM, ERROR = "spam", "ham", "error"
WEEK = 7 * DAY
MONDAY = 3 * DAY
"""The first day of 1970 was a Thursday."""
REMEMBERED_SECONDS = 5.0
"""How long a worker goes on asking, or not, after it was changed elsewhere."""


@dataclass(frozen=True, slots=True)
class Incumbent:
    """A service that is asked beside Hamlet."""

    url: str
    key: str


@dataclass(frozen=True, slots=True)
class Week:
    """Both answers of a week, counted."""

    begin: date
    """Its Monday, UTC."""
    asked: int
    unanswered: int
    held: int
    """Hamlet asked a person; who was right cannot be said."""
    agreed: int
    disagreed: int
    with_us: int
    """Of those on which the two disagreed, people said the same as Hamlet."""
    with_them: int


class Incumbents:
    """The services of all sites in a database."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        self._engine, self._secret = engine, secret
        self._remembered: dict[int, tuple[float, Incumbent | None]] = {}

    def set(self, site_id: int, incumbent: Incumbent, actor: Actor) -> None:
        """Ask this service from now on."""
        new = {"url": incumbent.url, "key": seal(self._secret, PURPOSE, incumbent.key)}
        statement = insert_into(self._engine, incumbents).values(site_id=site_id, created_at=now_ms(), **new)
        with writing(self._engine) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["site_id"], set_=new))
            note_by(connection, site_id, actor, "incumbent-set", url=incumbent.url)
        self._remembered.clear()

    def remove(self, site_id: int, actor: Actor) -> None:
        """Ask nobody any more; what was said stays."""
        with writing(self._engine) as connection:
            if connection.execute(delete(incumbents).where(incumbents.c.site_id == site_id)).rowcount:
                note_by(connection, site_id, actor, "incumbent-removed")
        self._remembered.clear()

    def show(self, site_id: int) -> Incumbent | None:
        """The service of a site, if it has one whose key can be read."""
        with reading(self._engine) as connection:
            row = connection.execute(select(incumbents).where(incumbents.c.site_id == site_id)).one_or_none()
        key = unseal(self._secret, PURPOSE, row.key) if row is not None else None
        return Incumbent(row.url, key) if row is not None and key is not None else None

    def remembered(self, site_id: int) -> Incumbent | None:
        """Likewise, asked of the database every few seconds alone."""
        known = self._remembered.get(site_id)
        if known is None or known[0] < time.monotonic():
            known = time.monotonic() + REMEMBERED_SECONDS, self.show(site_id)
            self._remembered[site_id] = known
        return known[1]

    def keep(self, site_id: int, comment_id: str, ours: Decision, theirs: str) -> None:
        """Keep what both said of a comment; if it was asked again, what they said last."""
        new = {"ours": ours.value, "theirs": theirs, "asked_at": now_ms()}
        statement = insert_into(self._engine, opinions).values(comment_id=comment_id, site_id=site_id, **new)
        with writing(self._engine) as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["comment_id"], set_=new))

    def weeks(self, site_id: int, count: int, now: int | None = None) -> list[Week]:
        """Who was right, week by week, the newest first."""
        this = (_now(now) + MONDAY) // WEEK
        since = (this - count + 1) * WEEK - MONDAY
        week = (opinions.c.asked_at + MONDAY) // WEEK
        newest = and_(reviews.c.comment_id == opinions.c.comment_id, reviews.c.number == last_of(reviews))
        query = (
            select(week, opinions.c.ours, opinions.c.theirs, reviews.c.outcome, func.count())
            .select_from(opinions)
            .outerjoin(reviews, newest)
            .where(opinions.c.site_id == site_id, opinions.c.asked_at >= since)
            .group_by(week, opinions.c.ours, opinions.c.theirs, reviews.c.outcome)
        )
        counts: dict[int, Counter[str]] = {}
        with reading(self._engine) as connection:
            for number, ours, theirs, outcome, times in connection.execute(query):
                for what in _named(ours, theirs, outcome):
                    counts.setdefault(int(number), Counter())[what] += times
        return [_week(number, counts[number]) for number in sorted(counts, reverse=True)]


def _now(now: int | None) -> int:
    return now_ms() if now is None else now


def _named(ours: str, theirs: str, outcome: str | None) -> list[str]:
    """What a pair of answers counts as."""
    if theirs == ERROR:
        return ["asked", "unanswered"]
    if ours == Decision.HOLD:
        return ["asked", "held"]
    if (ours == Decision.REJECT) == (theirs == SPAM):
        return ["asked", "agreed"]
    if outcome not in tuple(Outcome):
        return ["asked", "disagreed"]
    right = (ours == Decision.ACCEPT) == (outcome == Outcome.HAM)
    return ["asked", "disagreed", "with_us" if right else "with_them"]


def _week(number: int, counts: Counter[str]) -> Week:
    begin = datetime.fromtimestamp((number * WEEK - MONDAY) / 1000, UTC).date()
    fields: dict[str, Any] = {name: counts[name] for name in Week.__slots__ if name != "begin"}
    return Week(begin=begin, **fields)
