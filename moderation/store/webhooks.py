"""The webhooks of sites: where each is told its decisions, how far it has been told, and when to try again.

The decisions themselves stay in their log (:mod:`moderation.store.decisions`); a webhook is a place in it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, Select, delete, func, insert, select, update

from moderation.errors import WebhookNotFound
from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.audit import note_by
from moderation.store.database import reading, writing
from moderation.store.decisions import hold_log, last_number
from moderation.store.places import AFRESH, Places
from moderation.store.schema import decisions, sites, webhooks
from moderation.webhooks import new_salt


@dataclass(frozen=True, slots=True)
class Webhook:
    """The webhook of one site."""

    site_id: int
    site: str
    url: str
    salt: str
    delivered: int
    """Number of the last decision that was taken."""
    failures: int
    """Since then."""
    next_at: int
    """Not tried before."""
    last_at: int | None
    last_error: str | None
    created_at: int

    @property
    def place(self) -> int:
        """A site has one."""
        return self.site_id


class Webhooks(Places):
    """The webhooks of all sites in a database."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine, webhooks.c.site_id)

    def set(self, site_id: int, url: str, *, actor: Actor) -> Webhook:
        """Tell a site at this URL from now on, at once what waits. A new webhook begins with the next decision."""
        with writing(self.engine) as connection:
            hold_log(connection, site_id)
            if _find(connection, site_id) is None:
                _begin(connection, site_id, url)
            else:
                _change(connection, site_id, url=url, **AFRESH)
            note_by(connection, site_id, actor, "webhook-set", url=url)
            return _one(connection, site_id)

    def show(self, site_id: int) -> Webhook:
        """The webhook of a site; raises ``WebhookNotFound``."""
        with reading(self.engine) as connection:
            return _one(connection, site_id)

    def all(self) -> list[Webhook]:
        """All webhooks, by the names of their sites."""
        with reading(self.engine) as connection:
            return [_to_webhook(row) for row in connection.execute(_QUERY.order_by(sites.c.name))]

    def rotate(self, site_id: int, *, actor: Actor) -> Webhook:
        """Sign with another key from now on; raises ``WebhookNotFound``."""
        with writing(self.engine) as connection:
            _one(connection, site_id, lock=True)
            _change(connection, site_id, salt=new_salt(), **AFRESH)
            note_by(connection, site_id, actor, "webhook-rotated")
            return _one(connection, site_id)

    def remove(self, site_id: int, *, actor: Actor) -> Webhook:
        """Tell the site no more; returns what it was, or raises ``WebhookNotFound``."""
        with writing(self.engine) as connection:
            known = _one(connection, site_id, lock=True)
            connection.execute(delete(webhooks).where(webhooks.c.site_id == site_id))
            note_by(connection, site_id, actor, "webhook-removed", url=known.url)
            return known

    def claim(self, site_id: int, now: int) -> Webhook | None:
        """A webhook that is due, for whoever asks first."""
        with writing(self.engine) as connection:
            return _one(connection, site_id) if self._claim(connection, site_id, now) else None

    def waiting(self, webhook: Webhook) -> int:
        """How many decisions have not been taken yet."""
        query = select(func.count()).select_from(decisions).where(decisions.c.site_id == webhook.site_id)
        with reading(self.engine) as connection:
            return connection.execute(query.where(decisions.c.number > webhook.delivered)).scalar_one()


_QUERY: Select[Any] = select(webhooks, sites.c.name).join(sites, sites.c.id == webhooks.c.site_id)


def _begin(connection: Connection, site_id: int, url: str) -> None:
    row = {"site_id": site_id, "url": url, "salt": new_salt(), "delivered": last_number(connection, site_id)}
    connection.execute(insert(webhooks).values(**row, **AFRESH, created_at=now_ms()))


def _change(connection: Connection, site_id: int, **values: Any) -> None:
    connection.execute(update(webhooks).where(webhooks.c.site_id == site_id).values(values))


def _find(connection: Connection, site_id: int, *, lock: bool = False) -> Webhook | None:
    query = _QUERY.where(webhooks.c.site_id == site_id)
    row = connection.execute(query.with_for_update(of=webhooks) if lock else query).one_or_none()
    return _to_webhook(row) if row is not None else None


def _one(connection: Connection, site_id: int, *, lock: bool = False) -> Webhook:
    found = _find(connection, site_id, lock=lock)
    if found is None:
        name = connection.execute(select(sites.c.name).where(sites.c.id == site_id)).scalar_one_or_none()
        raise WebhookNotFound(str(name))
    return found


def _to_webhook(row: Row[Any]) -> Webhook:
    return Webhook(
        site_id=row.site_id,
        site=row.name,
        url=row.url,
        salt=row.salt,
        delivered=row.delivered,
        failures=row.attempts,
        next_at=row.next_at,
        last_at=row.last_at,
        last_error=row.last_error,
        created_at=row.created_at,
    )
