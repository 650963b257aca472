"""What is taken out of the database when its time is over: raw addresses, and campaigns long past."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, Engine, and_, select, update

from moderation.campaigns import WINDOW
from moderation.comment import Comment
from moderation.past import DAY
from moderation.store import id_from
from moderation.store.callbacks import forget_callbacks
from moderation.store.clients import forget_strangers
from moderation.store.database import reading, writing
from moderation.store.facts import fact, set_fact
from moderation.store.past import PastTables
from moderation.store.rows import as_text, comment_of
from moderation.store.schema import comments, revisions
from moderation.store.sites import Site

AT_ONCE = 500
"""Comments a transaction; others write in between."""
LAST = "pruned"
"""The fact that tells when it was done."""


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was taken out."""

    revisions: int
    """Revisions of comments that lost their raw addresses."""
    campaigns: int


def prune(engine: Engine, sites: list[Site], now: int) -> Pruned:
    """Take out what is too old: each site's raw e-mail and IP addresses and user agents, and campaigns of all.

    What was judged stays judged: records are kept under keyed hashes, and the text of a comment is not touched.
    """
    stripped = sum(_strip(engine, site, now) for site in sites if site.choices.keep_addresses_days)
    with writing(engine) as connection:
        gone = PastTables(engine).forget_campaigns(connection, now - WINDOW)
        forget_strangers(connection, now)
        set_fact(connection, LAST, str(now))
    return Pruned(stripped, gone)


def last_pruned(engine: Engine) -> int | None:
    """When it was done last; None: never yet."""
    with reading(engine) as connection:
        told = fact(connection, LAST)
    return int(told) if told is not None else None


def _strip(engine: Engine, site: Site, now: int) -> int:
    """Strip a site's old revisions; a comment that was changed has newer ones, whose time comes later."""
    until = now - site.choices.keep_addresses_days * DAY
    with writing(engine) as connection:
        forget_callbacks(connection, site.id, id_from(until))
    return _strip_first(engine, site.id, until) + _strip_changed(engine, site.id, until)


def _strip_first(engine: Engine, site_id: int, until: int) -> int:
    """Strip first revisions in the order of their comments' ids, which sort by time."""
    name, count, ids = f"stripped:{site_id}", 0, [""]
    while ids:
        with writing(engine) as connection:
            done = fact(connection, name) or ""
            mine = and_(comments.c.site_id == site_id, comments.c.id > done, comments.c.id < id_from(until))
            some = select(comments.c.id).where(mine).order_by(comments.c.id).limit(AT_ONCE)
            ids = list(connection.execute(some).scalars())
            count += sum(_strip_one(connection, comment_id, 1) for comment_id in ids)
            if ids:
                set_fact(connection, name, ids[-1])
    return count


def _strip_changed(engine: Engine, site_id: int, until: int) -> int:
    """Strip later revisions; they are few."""
    name = f"stripped-changed:{site_id}"
    with writing(engine) as connection:
        old = and_(revisions.c.received_at >= int(fact(connection, name) or 0), revisions.c.received_at < until)
        keys = select(revisions.c.comment_id, revisions.c.number).join(comments)
        rows = connection.execute(keys.where(comments.c.site_id == site_id, revisions.c.number > 1, old)).all()
        count = sum(_strip_one(connection, row.comment_id, row.number) for row in rows)
        if rows:
            set_fact(connection, name, str(until))
    return count


def _strip_one(connection: Connection, comment_id: str, number: int) -> bool:
    same = and_(revisions.c.comment_id == comment_id, revisions.c.number == number)
    before: str = connection.execute(select(revisions.c.body).where(same)).scalar_one()
    body = as_text(stripped(comment_of(before)))
    if body != before:
        connection.execute(update(revisions).where(same).values(body=body))
    return body != before


def stripped(comment: Comment) -> Comment:
    """A comment without e-mail address, IP address and user agent."""
    if comment.author is None:
        return comment
    return msgspec.structs.replace(
        comment, author=msgspec.structs.replace(comment.author, email=None, ip=None, user_agent=None)
    )
