"""What insights are counted from. Every query is bounded by the days that are looked at, and none reads a text."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    JSON,
    ColumnElement,
    CompoundSelect,
    Connection,
    Engine,
    and_,
    cast,
    func,
    literal,
    literal_column,
    select,
    type_coerce,
    union,
)

from moderation.insights import Campaign, Insights, Judgement, Said, Story, count_stories, days_until
from moderation.past import DAY, Kind, Record
from moderation.store import id_from, now_ms
from moderation.store.database import reading
from moderation.store.schema import campaigns, comments, queue, records, reviews, revisions, verdicts
from moderation.verdict import Decision

MOST_REASONS, MOST_CAMPAIGNS = 10, 10
LATEST_ID = "f" * 32
LEAST_CAMPAIGN = 2
"""Comments from which on near-copies are told of."""


@dataclass(frozen=True, slots=True)
class Waits:
    """A site's queue as it is now."""

    count: int
    oldest: int | None
    """Since when the one that has waited longest waits."""


class InsightTables:
    """Insights of sites in a database."""

    def __init__(self, engine: Engine, clock: Callable[[], int] = now_ms) -> None:
        self._engine, self._clock = engine, clock

    def waiting(self, site_ids: Sequence[int]) -> dict[int, Waits]:
        """The queue of each site."""
        with reading(self._engine) as connection:
            return {site_id: _waiting(connection, site_id) for site_id in site_ids}

    def look(self, site_ids: Sequence[int], days: int) -> Insights:
        """The last days of some sites, today among them."""
        with reading(self._engine) as connection:
            waiting = sum(_waiting(connection, site_id).count for site_id in site_ids)
            found = Insights(days_until(self._clock(), days), waiting)
            since = found.days[0].starts_at
            _count_arrivals(connection, site_ids, found)
            count_stories(found, _stories(connection, site_ids, since))
            found.reasons = _reasons(connection, site_ids, since)
            found.campaigns = _campaigns(connection, site_ids, since)
            return found


def _waiting(connection: Connection, site_id: int) -> Waits:
    query = select(func.count(), func.min(queue.c.entered_at)).where(queue.c.site_id == site_id)
    count, oldest = connection.execute(query).one()
    return Waits(count, oldest)


def _arrived(site_ids: Sequence[int], since: int) -> ColumnElement[bool]:
    """Comments of some sites from a time on; their ids sort by it."""
    return and_(comments.c.site_id.in_(site_ids), comments.c.id >= id_from(since), comments.c.is_test.is_(False))


_first_verdict = and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == 1)


def _count_arrivals(connection: Connection, site_ids: Sequence[int], found: Insights) -> None:
    # Written out: as a parameter PostgreSQL would not know it for the same in both places.
    day = comments.c.received_at // literal_column(str(DAY))
    query = (
        select(day.label("day"), verdicts.c.decision, func.count().label("number"))
        .join(verdicts, _first_verdict)
        .where(_arrived(site_ids, found.days[0].starts_at))
        .group_by(day, verdicts.c.decision)
    )
    by_number = {one.number: one for one in found.days}
    for row in connection.execute(query):
        if row.day in by_number:
            by_number[row.day].arrived[Decision(row.decision)] += row.number


def _stories(connection: Connection, site_ids: Sequence[int], since: int) -> Iterator[Story]:
    """What was said of every comment whose waiting began or ended since a time, or that was reviewed since."""
    mine = comments.c.id.in_(_touched(site_ids, since)), comments.c.is_test.is_(False)
    judged: defaultdict[str, list[Judgement]] = defaultdict(list)
    columns = verdicts.c.comment_id, verdicts.c.judged_at, verdicts.c.revision, verdicts.c.decision
    query = select(*columns).join(comments).where(*mine).order_by(verdicts.c.comment_id, verdicts.c.number)
    for row in connection.execute(query):
        judged[row.comment_id].append(Judgement(row.judged_at, row.revision, Decision(row.decision)))
    said: defaultdict[str, list[Said]] = defaultdict(list)
    reviewed = select(reviews.c.comment_id, reviews.c.reviewed_at, reviews.c.outcome).join(comments).where(*mine)
    for comment_id, at, outcome in connection.execute(reviewed.order_by(reviews.c.comment_id, reviews.c.number)):
        said[comment_id].append(Said(at, outcome))
    return (Story(of_one, said.get(comment_id, ())) for comment_id, of_one in judged.items())


def _touched(site_ids: Sequence[int], since: int) -> CompoundSelect[tuple[str]]:
    """Comments that were reviewed, that entered the queue and are in it, or whose text was changed since a time.

    No others have entered or left the queue since then.
    """
    own = comments.c.site_id.in_(site_ids)
    changed = and_(revisions.c.number > 1, revisions.c.received_at >= since)
    return union(
        select(reviews.c.comment_id).join(comments).where(reviews.c.reviewed_at >= since, own),
        select(queue.c.comment_id).where(queue.c.site_id.in_(site_ids), queue.c.entered_at >= since),
        select(revisions.c.comment_id).join(comments).where(changed, own),
    )


def _reasons(connection: Connection, site_ids: Sequence[int], since: int) -> tuple[tuple[str, int], ...]:
    """What held comments were held for first, and how many of them."""
    kept: ColumnElement[Any] = verdicts.c.reasons
    # SQLite reads JSON in any text; its CAST would make a number of it.
    parsed = cast(kept, JSON) if connection.dialect.name == "postgresql" else type_coerce(kept, JSON)
    each = (
        select(parsed[(0, "code")].as_string().label("code"))
        .select_from(comments)
        .join(verdicts, _first_verdict)
        .where(_arrived(site_ids, since), verdicts.c.decision == Decision.HOLD.value)
        .subquery()
    )
    count = func.count()
    query = select(each.c.code, count).where(each.c.code.is_not(None)).group_by(each.c.code)
    rows = connection.execute(query.order_by(count.desc(), each.c.code).limit(MOST_REASONS))
    return tuple((code, number) for code, number in rows)


def _trace(campaign: str) -> str:
    return f"{Kind.CAMPAIGN}:{campaign}"


def _campaigns(connection: Connection, site_ids: Sequence[int], since: int) -> tuple[Campaign, ...]:
    """The largest campaigns that began in the days, or that had members in them and are still remembered."""
    trace = literal(_trace("")).concat(campaigns.c.id)
    alive = select(campaigns.c.site_id, trace.label("trace")).where(
        campaigns.c.site_id.in_(site_ids), campaigns.c.seen_at >= since
    )
    begun = select(records.c.site_id, records.c.trace).where(
        records.c.site_id.in_(site_ids),
        records.c.trace >= _trace(id_from(since)),
        records.c.trace <= _trace(LATEST_ID),
    )
    some = union(alive, begun).subquery()
    size = records.c.accepted + records.c.held + records.c.rejected
    query = (
        select(records)
        .join(some, and_(some.c.site_id == records.c.site_id, some.c.trace == records.c.trace))
        .where(size >= LEAST_CAMPAIGN, records.c.last_at >= since)
        .order_by(size.desc(), records.c.trace)
        .limit(MOST_CAMPAIGNS)
    )
    rows = connection.execute(query)
    return tuple(Campaign(row.site_id, row.trace.partition(":")[2], Record(*row[2:])) for row in rows)
