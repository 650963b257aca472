"""The queue in the database: a row for each comment that waits, so that a page costs the same whatever is stored."""

from __future__ import annotations

import heapq
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import astuple, fields
from typing import Any

import msgspec
from sqlalchemy import (
    Alias,
    ColumnElement,
    Connection,
    Engine,
    Row,
    Select,
    and_,
    delete,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)

from moderation.errors import BadFilter
from moderation.past import Kind, Record, Trace, outcome_of
from moderation.review import (
    CLAIMED_FOR,
    COUNTED,
    MOST_TWINS,
    Card,
    Counts,
    Facet,
    Filter,
    Order,
    Page,
    Twin,
    Waiting,
    waiting,
)
from moderation.store import Review
from moderation.store.database import Prepared, in_portions, insert_unless_there
from moderation.store.past import PastTables
from moderation.store.rows import as_text, comment_of, stored_traces, verdict_of
from moderation.store.schema import comments, last_of, queue, reviews, revisions, traces, verdicts

_domains = msgspec.json.Decoder(tuple[str, ...]).decode
_NAMES = tuple(field.name for field in fields(Waiting))
_CURSOR = re.compile(r"(-?\d{1,9})\.([0-9a-f]{32})")
_FACETS = {
    Facet.HEAD: "head",
    Facet.REASON: "reason",
    Facet.LANGUAGE: "language",
    Facet.AUTHOR: "author",
    Facet.POST: "post",
    Facet.CAMPAIGN: "campaign",
}
TWIN_CHARACTERS = 120


class QueueTables:
    """Reads and writes of the queue; every call works inside the caller's transaction."""

    def __init__(self, engine: Engine, past: PastTables) -> None:
        self._add = Prepared(engine, insert_unless_there(engine, queue, ("site_id", "comment_id")))
        self._past = past

    def enter(self, connection: Connection, rows: Sequence[Waiting]) -> None:
        """Put comments into the queue; those that are in it stay as they are."""
        if rows:
            self._add(connection, [(*astuple(one)[:10], as_text(one.domains), *astuple(one)[11:]) for one in rows])

    def enter_stored(self, connection: Connection, site_id: int, comment_ids: Sequence[str], now: int) -> None:
        """Put comments into the queue as they stand."""
        rows = []
        for some in in_portions(comment_ids):
            for row in connection.execute(_standing().where(comments.c.site_id == site_id, comments.c.id.in_(some))):
                left = stored_traces(row.traces)
                rows.append(waiting(site_id, row.id, comment_of(row.body), verdict_of(row), left, now))
        self.enter(connection, rows)

    def leave(self, connection: Connection, comment_ids: Sequence[str]) -> None:
        """Take comments out of the queue."""
        for some in in_portions(comment_ids):
            connection.execute(delete(queue).where(queue.c.comment_id.in_(some)))

    def page(
        self,
        connection: Connection,
        site_ids: Sequence[int],
        wanted: Filter,
        order: Order,
        after: str | None,
        limit: int,
    ) -> Page:
        """See :class:`~moderation.review.ReviewStore`."""
        start = _start(after)
        found = [
            [_waiting(row) for row in connection.execute(_of_site(site_id, wanted, order, start, limit + 1))]
            for site_id in site_ids
        ]
        merged = list(heapq.merge(*found, key=lambda one: _place(one, order)))
        cards = tuple(self._cards(connection, merged[:limit], grouped=Facet.CAMPAIGN not in wanted.facets))
        more = len(merged) > limit
        return Page(cards, "{}.{}".format(*_place(merged[limit - 1], order)) if more else None)

    def card(self, connection: Connection, site_id: int, comment_id: str) -> Card:
        """A comment as a card, whether it waits or not; the comment must be there."""
        query = select(queue).where(queue.c.site_id == site_id, queue.c.comment_id == comment_id)
        row = connection.execute(query).one_or_none()
        if row is not None:
            one = _waiting(row)
        else:
            stood = connection.execute(_standing().where(comments.c.id == comment_id)).one()
            left = stored_traces(stood.traces)
            one = waiting(site_id, comment_id, comment_of(stood.body), verdict_of(stood), left, stood.received_at)
        (card,) = self._cards(connection, [one], grouped=True)
        return card

    def waits(self, connection: Connection, comment_id: str) -> bool:
        """Whether a comment is in the queue."""
        return connection.execute(select(queue.c.site_id).where(queue.c.comment_id == comment_id)).first() is not None

    def _cards(self, connection: Connection, waits: Sequence[Waiting], *, grouped: bool) -> Iterator[Card]:
        ids = [one.comment_id for one in waits]
        stands = {
            row.id: row
            for some in in_portions(ids)
            for row in connection.execute(_standing().where(comments.c.id.in_(some)))
        }
        said = _reviews(connection, ids)
        twins = _twins(connection, waits) if grouped else {}
        records = self._records(connection, waits, stands)
        for one in waits:
            row = stands[one.comment_id]
            own = {key: records[one.site_id][key] for key in _keys(row.traces) if key in records[one.site_id]}
            yield Card(
                one,
                row.external_id,
                row.received_at,
                comment_of(row.body),
                verdict_of(row),
                tuple(said[one.comment_id]),
                len(said[one.comment_id]) + row.later,
                tuple(twin for twin in twins.get((one.site_id, one.campaign), ()) if twin.comment_id != one.comment_id),
                own,
            )

    def _records(
        self, connection: Connection, waits: Sequence[Waiting], stands: dict[str, Row[Any]]
    ) -> dict[int, dict[Trace, Record]]:
        wanted: defaultdict[int, set[Trace]] = defaultdict(set)
        for one in waits:
            wanted[one.site_id].update(_keys(stands[one.comment_id].traces))
        return {site_id: self._past.records(connection, site_id, keys) for site_id, keys in wanted.items()}

    def counts(self, connection: Connection, site_ids: Sequence[int], wanted: Filter) -> Counts:
        """See :class:`~moderation.review.ReviewStore`."""
        tables: dict[Facet, Counter[str]] = {facet: Counter() for facet in Facet if facet is not Facet.CAMPAIGN}
        names: dict[str, str] = {}
        by_site: Counter[int] = Counter()
        columns = (queue.c.author_name, queue.c.domains, *(queue.c[name] for name in _FACETS.values()))
        for site_id in site_ids:
            query = select(*columns).where(*_conditions(queue, site_id, wanted)).order_by(queue.c.comment_id)
            for row in connection.execute(query.limit(COUNTED + 1 - by_site.total())):
                by_site[site_id] += 1
                for facet in tables.keys() - {Facet.DOMAIN}:
                    tables[facet][getattr(row, _FACETS[facet])] += 1
                tables[Facet.DOMAIN].update(_domains(row.domains))
                if row.author_name:
                    names.setdefault(row.author, row.author_name)
        return Counts(
            by_site.total(), {facet: _without_blank(table) for facet, table in tables.items()}, names, by_site
        )

    def arrived(self, connection: Connection, site_ids: Sequence[int], wanted: Filter, since: int) -> int:
        """See :class:`~moderation.review.ReviewStore`."""
        total = 0
        for site_id in site_ids:
            new = and_(*_conditions(queue, site_id, wanted), queue.c.entered_at > since)
            some = select(queue.c.comment_id).where(new).limit(COUNTED).subquery()
            total += connection.execute(select(func.count()).select_from(some)).scalar_one()
        return min(total, COUNTED)

    def claim(
        self, connection: Connection, site_ids: Sequence[int], comment_ids: Sequence[str], by: str, now: int
    ) -> dict[str, str]:
        """See :class:`~moderation.review.ReviewStore`."""
        free = or_(queue.c.claimed_by.is_(None), queue.c.claimed_by == by, queue.c.claimed_until <= now)
        others: dict[str, str] = {}
        for some in in_portions(sorted(comment_ids)):
            mine = and_(queue.c.site_id.in_(site_ids), queue.c.comment_id.in_(some))
            connection.execute(update(queue).where(mine, free).values(claimed_by=by, claimed_until=now + CLAIMED_FOR))
            taken = select(queue.c.comment_id, queue.c.claimed_by).where(mine, queue.c.claimed_by != by)
            others.update({row.comment_id: row.claimed_by for row in connection.execute(taken)})
        return others

    def release(self, connection: Connection, site_ids: Sequence[int], comment_ids: Sequence[str], by: str) -> None:
        """See :class:`~moderation.review.ReviewStore`."""
        for some in in_portions(sorted(comment_ids)):
            mine = and_(queue.c.site_id.in_(site_ids), queue.c.comment_id.in_(some), queue.c.claimed_by == by)
            connection.execute(update(queue).where(mine).values(claimed_by=None, claimed_until=None))


def _standing() -> Select[Any]:
    """Comments with their newest revision and verdict, and the traces they left."""
    first = revisions.alias()
    return (
        select(
            comments,
            revisions.c.body,
            (revisions.c.number - 1).label("later"),
            first.c.traces,
            *(c for c in verdicts.c if c.name not in _SHARED),
        )
        .select_from(comments)
        .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == last_of(revisions)))
        .join(first, and_(first.c.comment_id == comments.c.id, first.c.number == 1))
        .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == last_of(verdicts)))
    )


_SHARED = frozenset({"comment_id", "number"})


def _of_site(site_id: int, wanted: Filter, order: Order, start: tuple[int, str] | None, limit: int) -> Select[Any]:
    """A site's part of a page: of each campaign the comment that came first."""
    query = select(queue).where(*_conditions(queue, site_id, wanted))
    if Facet.CAMPAIGN not in wanted.facets:
        earlier = queue.alias()
        near = and_(earlier.c.campaign == queue.c.campaign, earlier.c.comment_id < queue.c.comment_id)
        query = query.where(~select(literal(1)).where(near, *_conditions(earlier, site_id, wanted)).exists())
    rank = None if order is Order.OLDEST else queue.c[order.value]
    if start is not None:
        if rank is None:
            query = query.where(queue.c.comment_id > start[1])
        else:
            query = query.where(tuple_(rank, queue.c.comment_id) > tuple_(literal(start[0]), literal(start[1])))
    keys = [queue.c.comment_id] if rank is None else [rank, queue.c.comment_id]
    return query.order_by(*keys).limit(limit)


def _conditions(of: Any | Alias, site_id: int, wanted: Filter) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [of.c.site_id == site_id]
    for facet, value in wanted.facets.items():
        if facet is Facet.DOMAIN:
            left = and_(traces.c.site_id == site_id, traces.c.trace == f"{Kind.DOMAIN}:{value}")
            found.append(select(literal(1)).where(left, traces.c.comment_id == of.c.comment_id).exists())
        else:
            found.append(of.c[_FACETS[facet]] == value)
    found += [of.c.words.contains(word, autoescape=True) for word in wanted.words.lower().split()]
    if wanted.until is not None:
        found.append(of.c.entered_at < wanted.until)
    return found


def _start(after: str | None) -> tuple[int, str] | None:
    if after is None:
        return None
    found = _CURSOR.fullmatch(after)
    if found is None:
        raise BadFilter("after: not a place of the queue; take the one that the page before this names")
    return int(found[1]), found[2]


def _place(one: Waiting, order: Order) -> tuple[int, str]:
    return (0 if order is Order.OLDEST else getattr(one, order.value)), one.comment_id


def _waiting(row: Row[Any]) -> Waiting:
    values = {name: getattr(row, name) for name in _NAMES}
    values["domains"] = _domains(row.domains)
    return Waiting(**values)


def _keys(left: str) -> list[Trace]:
    return [(Kind(kind), key) for kind, _, key in (trace.partition(":") for trace in stored_traces(left))]


def _reviews(connection: Connection, ids: Sequence[str]) -> dict[str, list[Review]]:
    found: dict[str, list[Review]] = {one: [] for one in ids}
    for some in in_portions(ids):
        query = select(reviews).where(reviews.c.comment_id.in_(some)).order_by(reviews.c.comment_id, reviews.c.number)
        for row in connection.execute(query):
            found[row.comment_id].append(Review(outcome_of(row.outcome), row.reviewer, row.reviewed_at, row.note))
    return found


_SEEN = (
    select(func.count()).select_from(reviews).where(reviews.c.comment_id == queue.c.comment_id).scalar_subquery()
    + select(func.max(revisions.c.number)).where(revisions.c.comment_id == queue.c.comment_id).scalar_subquery()
    - 1
).label("seen")


def _twins(connection: Connection, waits: Iterable[Waiting]) -> dict[tuple[int, str], list[Twin]]:
    """The near-copies that wait, by site and campaign; the first of each."""
    found: dict[tuple[int, str], list[Twin]] = {}
    columns = queue.c.comment_id, queue.c.author_name, queue.c.address, queue.c.author, queue.c.words, _SEEN
    for one in waits:
        same = and_(queue.c.site_id == one.site_id, queue.c.campaign == one.campaign)
        rows = connection.execute(select(*columns).where(same).order_by(queue.c.comment_id).limit(MOST_TWINS))
        found[one.site_id, one.campaign] = [
            Twin(row.comment_id, row.author_name, row.address, row.author, row.words[:TWIN_CHARACTERS], row.seen)
            for row in rows
        ]
    return found


def _without_blank(table: Counter[str]) -> dict[str, int]:
    return {value: count for value, count in table.most_common() if value}
