"""Forgetting a person: everything held under an e-mail address, a name or an IP address, shown first, then erased."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection, Engine, Table, and_, delete, func, select, update
from sqlalchemy.sql import ColumnElement

from moderation.comment import Comment
from moderation.errors import BadSetting
from moderation.past import COLUMN, Kind, address_of, hashed, networks_of, plain_email, plain_name
from moderation.store.database import in_portions, reading, writing
from moderation.store.past import PastTables
from moderation.store.rows import comment_of
from moderation.store.schema import (
    audit,
    bands,
    callbacks,
    campaigns,
    comments,
    decisions,
    opinions,
    queue,
    records,
    reviews,
    revisions,
    samples,
    sites,
    traces,
    verdicts,
)
from moderation.verdict import Decision

READ_AT_ONCE = 400
SHOWN = 10


class Who(StrEnum):
    """What a person is named by."""

    EMAIL = "email"
    AUTHOR = "author"
    IP = "ip"


@dataclass(frozen=True, slots=True)
class Held:
    """What is held on a person at one site."""

    site_id: int
    site: str
    comments: tuple[str, ...]
    """Ids, oldest first."""
    revisions: int
    verdicts: int
    reviews: int
    records: tuple[str, ...]
    """Records of the person alone, by kind and keyed hash."""
    first_reviewed_at: int | None
    shown: tuple[str, ...]
    """The beginnings of the texts."""


class Person:
    """A person, as far as one address or name tells."""

    def __init__(self, who: Who, value: str, secret: bytes) -> None:
        self.who = who
        self.plain = self._plain(value)
        if not self.plain:
            raise BadSetting(f"--{who}", f"{value!r} is no {_CALLED[who]}")
        self._kind = {Who.EMAIL: Kind.EMAIL, Who.AUTHOR: Kind.NAME, Who.IP: Kind.IP}[who]
        self.trace = f"{self._kind}:{hashed(secret, self._kind, self.plain)}"

    def _plain(self, value: str) -> str:
        if self.who is Who.EMAIL:
            return plain_email(value)
        if self.who is Who.AUTHOR:
            return plain_name(value)
        address = address_of(value)
        return networks_of(address)[0] if address is not None else ""

    def wrote(self, comment: Comment) -> bool:
        """Whether a comment names this person."""
        author = comment.author
        if author is None:
            return False
        value = {Who.EMAIL: author.email, Who.AUTHOR: author.name, Who.IP: author.ip}[self.who]
        if self.who is Who.IP and value:
            return any(self._plain(part) == self.plain for part in value.split(","))
        return bool(value) and self._plain(value or "") == self.plain


_CALLED = {Who.EMAIL: "e-mail address", Who.AUTHOR: "name", Who.IP: "IP address"}


def held(engine: Engine, person: Person, site_id: int | None = None) -> list[Held]:
    """What all sites, or one, hold on a person.

    Comments are found by their traces and, since trials and comments older than the records left none, by reading
    every comment there is: this is asked seldom, and must miss nothing.
    """
    with reading(engine) as connection:
        here: ColumnElement[bool] = sites.c.id == site_id if site_id is not None else sites.c.id.is_not(None)
        found = connection.execute(select(sites.c.id, sites.c.name).where(here).order_by(sites.c.name)).all()
        return [one for row in found if (one := _held(connection, person, row.id, row.name)) is not None]


def _held(connection: Connection, person: Person, site_id: int, name: str) -> Held | None:
    traced = select(traces.c.comment_id).where(traces.c.site_id == site_id, traces.c.trace == person.trace)
    ids = set(connection.execute(traced).scalars())
    ids |= {comment_id for comment_id, comment in _bodies(connection, site_id) if person.wrote(comment)}
    own = select(records.c.trace).where(records.c.site_id == site_id, records.c.trace == person.trace)
    kept = tuple(connection.execute(own).scalars())
    if not ids and not kept:
        return None
    ordered = tuple(sorted(ids))
    kept_of = [_count(connection, table, ordered) for table in (revisions, verdicts, reviews)]
    shown = tuple(_texts(connection, ordered[:SHOWN]))
    reviewed_at = _first_reviewed(connection, ordered)
    return Held(site_id, name, ordered, kept_of[0], kept_of[1], kept_of[2], kept, reviewed_at, shown)


def _bodies(connection: Connection, site_id: int) -> Iterator[tuple[str, Comment]]:
    query = select(revisions.c.comment_id, revisions.c.body).join(comments).where(comments.c.site_id == site_id)
    for row in connection.execute(query, execution_options={"yield_per": READ_AT_ONCE}):
        yield row.comment_id, comment_of(row.body)


def _count(connection: Connection, table: Table, ids: tuple[str, ...]) -> int:
    count = select(func.count()).select_from(table)
    return sum(connection.execute(count.where(table.c.comment_id.in_(some))).scalar_one() for some in in_portions(ids))


def _first_reviewed(connection: Connection, ids: tuple[str, ...]) -> int | None:
    first = select(func.min(reviews.c.reviewed_at))
    times = [connection.execute(first.where(reviews.c.comment_id.in_(some))).scalar() for some in in_portions(ids)]
    return min((time for time in times if time is not None), default=None)


def _texts(connection: Connection, ids: tuple[str, ...]) -> Iterator[str]:
    for comment_id in ids:
        newest = (
            select(revisions.c.body).where(revisions.c.comment_id == comment_id).order_by(revisions.c.number.desc())
        )
        yield comment_of(connection.execute(newest.limit(1)).scalar_one()).text[:100]


def erase(engine: Engine, person: Person, found: Held) -> None:
    """Erase it, in one transaction: comments with all that was said of them, and their part in every record."""
    with writing(engine) as connection:
        tables = PastTables(engine)
        traced = select(traces.c.comment_id).where(traces.c.site_id == found.site_id, traces.c.trace == person.trace)
        # With those that came since they were shown; without those that somebody else has erased.
        ids = sorted({*found.comments, *connection.execute(traced).scalars()})
        for comment_id in _locked(connection, ids):
            _erase(connection, tables, found.site_id, comment_id)
        mine = and_(records.c.site_id == found.site_id, records.c.trace == person.trace)
        connection.execute(delete(records).where(mine))
        counts = (records.c.accepted, records.c.held, records.c.rejected)
        # What nobody left a trace in any more is a record of nothing.
        nothing = and_(*(column <= 0 for column in counts))
        connection.execute(delete(records).where(records.c.site_id == found.site_id, nothing))


def _locked(connection: Connection, ids: list[str]) -> list[str]:
    """Those of some comments that are there, kept from others until the end: comments first, then records."""
    found: list[str] = []
    for some in in_portions(ids):
        there = select(comments.c.id).where(comments.c.id.in_(some)).order_by(comments.c.id)
        found += connection.execute(there.with_for_update()).scalars()
    return found


def _erase(connection: Connection, tables: PastTables, site_id: int, comment_id: str) -> None:
    left = tables.counting(connection, comment_id)
    decided = select(verdicts.c.decision).where(verdicts.c.comment_id == comment_id).order_by(verdicts.c.number)
    decision = Decision(connection.execute(decided.limit(1)).scalar_one())
    said = select(reviews.c.outcome).where(reviews.c.comment_id == comment_id).order_by(reviews.c.number.desc())
    outcome = connection.execute(said.limit(1)).scalar_one_or_none()
    if left:
        tables.count(connection, site_id, left, more=[], fewer=[COLUMN[decision], outcome or ""])
        mine = and_(traces.c.site_id == site_id, traces.c.trace.in_(left), traces.c.comment_id == comment_id)
        connection.execute(delete(traces).where(mine))
    for table in (queue, decisions, callbacks, opinions, samples, reviews, verdicts, revisions):
        connection.execute(delete(table).where(table.c.comment_id == comment_id))
    # What moderators did stays in the log, without saying to which comment.
    connection.execute(update(audit).where(audit.c.comment_id == comment_id).values(comment_id=None))
    connection.execute(delete(comments).where(comments.c.id == comment_id))
    _erase_campaign(connection, site_id, [trace for trace in left if trace.startswith(f"{Kind.CAMPAIGN}:")])


def _erase_campaign(connection: Connection, site_id: int, left: list[str]) -> None:
    """A campaign whose last comment is gone goes with it: its sketch was made from the text."""
    for trace in left:
        others = select(traces.c.comment_id).where(traces.c.site_id == site_id, traces.c.trace == trace).limit(1)
        if connection.execute(others).first() is None:
            name = trace.partition(":")[2]
            connection.execute(delete(bands).where(bands.c.site_id == site_id, bands.c.campaign == name))
            connection.execute(delete(campaigns).where(campaigns.c.site_id == site_id, campaigns.c.id == name))
