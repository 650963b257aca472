"""Where clients are called back, and of which comments: places in the log of decisions, as webhooks are.

The key that a client has to be shown is kept encrypted; everything else here says nothing of a person.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, delete, exists, func, select, update

from moderation.callbacks import MOST_IN_CALL, Callback, Later
from moderation.policy import Choices
from moderation.sealed import seal, unseal
from moderation.store import now_ms
from moderation.store.database import insert_into, insert_unless_there, reading, writing
from moderation.store.decisions import hold_log, last_number, told_of
from moderation.store.places import AFRESH, Places
from moderation.store.rows import choices_of, comment_of
from moderation.store.schema import callbacks, decisions, last_of, receivers, revisions, sites

MOST_RECEIVERS = 1_000
"""Addresses of one site; a network of blogs shares a key, and nobody has more."""
PURPOSE = "callback"


@dataclass(frozen=True, slots=True)
class CalledBack:
    """One address that is called back."""

    id: int
    site_id: int
    site: str
    choices: Choices
    url: str
    key: str | None
    """None: it was encrypted with another secret."""
    delivered: int
    """Number of the last decision that is done with."""
    failures: int
    next_at: int
    last_at: int | None
    last_error: str | None

    @property
    def place(self) -> int:
        """Sites have several."""
        return self.id


class Callbacks(Places):
    """The addresses of all sites in a database."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        super().__init__(engine, receivers.c.id)
        self._secret = secret

    def expect(self, site_id: int, comment_id: str, callback: Callback, key: str) -> bool:
        """Call a client back when this comment is decided otherwise; False: the site has too many addresses."""
        with writing(self.engine) as connection:
            receiver = self._receiver(connection, site_id, callback.url, key)
            if receiver is None:
                return False
            new = {"receiver_id": receiver, "guid": callback.guid, "post": callback.post, "parent": callback.parent}
            statement = insert_into(self.engine, callbacks).values(comment_id=comment_id, **new)
            connection.execute(statement.on_conflict_do_update(index_elements=["comment_id"], set_=new))
            return True

    def _receiver(self, connection: Connection, site_id: int, url: str, key: str) -> int | None:
        """The number of an address; it is noted with the key that it was named with last."""
        mine = and_(receivers.c.site_id == site_id, receivers.c.url == url)
        row = connection.execute(select(receivers).where(mine)).one_or_none()
        if row is None:
            return self._begin(connection, site_id, url, key)
        if unseal(self._secret, PURPOSE, row.key) != key:
            new = {"key": seal(self._secret, PURPOSE, key), "next_at": 0, "attempts": 0}
            connection.execute(update(receivers).where(receivers.c.id == row.id).values(new))
        return int(row.id)

    def _begin(self, connection: Connection, site_id: int, url: str, key: str) -> int | None:
        hold_log(connection, site_id)  # Two servers that meet a blog for the first time take turns.
        mine = receivers.c.site_id == site_id
        if connection.execute(select(func.count()).where(mine).select_from(receivers)).scalar_one() >= MOST_RECEIVERS:
            return None
        row = {"site_id": site_id, "url": url, "key": seal(self._secret, PURPOSE, key), "created_at": now_ms()}
        fresh = {"delivered": last_number(connection, site_id), **AFRESH}
        connection.execute(insert_unless_there(self.engine, receivers, ("site_id", "url")), {**row, **fresh})
        return int(connection.execute(select(receivers.c.id).where(mine, receivers.c.url == url)).scalar_one())

    def claim(self, receiver_id: int, now: int) -> CalledBack | None:
        """An address that is due, for whoever asks first, as with webhooks."""
        with writing(self.engine) as connection:
            if not self._claim(connection, receiver_id, now):
                return None
            query = select(receivers, sites.c.name, sites.c.policy).join(sites).where(receivers.c.id == receiver_id)
            return self._to_receiver(connection.execute(query).one())

    def _to_receiver(self, row: Row[Any]) -> CalledBack:
        return CalledBack(
            id=row.id,
            site_id=row.site_id,
            site=row.name,
            choices=choices_of(row.policy),
            url=row.url,
            key=unseal(self._secret, PURPOSE, row.key),
            delivered=row.delivered,
            failures=row.attempts,
            next_at=row.next_at,
            last_at=row.last_at,
            last_error=row.last_error,
        )

    def of_site(self, site_id: int) -> list[CalledBack]:
        """The addresses of a site."""
        query = select(receivers, sites.c.name, sites.c.policy).join(sites).where(receivers.c.site_id == site_id)
        with reading(self.engine) as connection:
            return [self._to_receiver(row) for row in connection.execute(query.order_by(receivers.c.url))]

    def later(self, claimed: CalledBack) -> tuple[list[Later], int]:
        """What an address has not been told yet, oldest first, and the number of the last decision looked at."""
        with reading(self.engine) as connection:
            last = last_number(connection, claimed.site_id)  # First: what comes meanwhile is looked at next time.
            query = (
                select(decisions, callbacks.c.guid, callbacks.c.post, callbacks.c.parent)
                .join(callbacks, callbacks.c.comment_id == decisions.c.comment_id)
                .where(callbacks.c.receiver_id == claimed.id, decisions.c.site_id == claimed.site_id)
                .where(decisions.c.number > claimed.delivered)
                .order_by(decisions.c.number)
                .limit(MOST_IN_CALL)
            )
            rows = connection.execute(query).all()
            found = [Later(told_of(row), _callback(row, claimed.url), _email(connection, row)) for row in rows]
        if len(rows) == MOST_IN_CALL:
            return found, rows[-1].number
        return found, max(last, rows[-1].number) if rows else last

    def drop(self, receiver_id: int) -> None:
        """Call an address back no more, whatever it waits for."""
        with writing(self.engine) as connection:
            connection.execute(delete(callbacks).where(callbacks.c.receiver_id == receiver_id))
            connection.execute(delete(receivers).where(receivers.c.id == receiver_id))


def forget_callbacks(connection: Connection, site_id: int, until: str) -> None:
    """Take out what is known of comments before an id, and then addresses of which nothing is left, with their keys."""
    mine = select(receivers.c.id).where(receivers.c.site_id == site_id)
    connection.execute(delete(callbacks).where(callbacks.c.receiver_id.in_(mine), callbacks.c.comment_id < until))
    left = exists().where(callbacks.c.receiver_id == receivers.c.id)
    connection.execute(delete(receivers).where(receivers.c.site_id == site_id, ~left))


def _callback(row: Row[Any], url: str) -> Callback:
    return Callback(url, row.guid, row.post, row.parent)


def _email(connection: Connection, row: Row[Any]) -> str | None:
    """The author's address, as long as it is kept."""
    newest = and_(revisions.c.comment_id == row.comment_id, revisions.c.number == last_of(revisions))
    body = connection.execute(select(revisions.c.body).where(newest)).scalar_one()
    author = comment_of(body).author
    return author.email if author is not None else None
