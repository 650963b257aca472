"""Places in the log of decisions: who is told claims its place, says what became of it, and is told again later.

A place is a row of a table of its own kind, with the number of the last decision that was taken there.
"""

from __future__ import annotations

from typing import Any, Protocol

from sqlalchemy import Column, Connection, Engine, and_, exists, select, update
from sqlalchemy.sql import ColumnElement

from moderation.printable import printable
from moderation.store import now_ms
from moderation.store.database import reading, writing
from moderation.store.schema import decisions

LEASE = 90_000
"""Milliseconds a deliverer has for one message; one that takes longer has died, and another one tries."""
MOST_ERROR = 500
"""Characters of a failure that are kept."""
AFRESH: dict[str, Any] = {"attempts": 0, "next_at": 0, "last_error": None}


class Claimed(Protocol):
    """A place as it was when it was claimed."""

    @property
    def place(self) -> int:
        """Its number."""
        ...

    @property
    def failures(self) -> int:
        """Since something was taken."""
        ...

    @property
    def next_at(self) -> int:
        """When the claim ends."""
        ...


class Places:
    """Places of one kind, found by the column that numbers them."""

    def __init__(self, engine: Engine, number: Column[Any]) -> None:
        self.engine = engine
        self._number, self._table = number, number.table

    def due(self, now: int) -> list[int]:
        """Places that may be tried now and that have something to be told, the longest waiting first."""
        query = select(self._number).where(self._is_due(now)).order_by(self._table.c.next_at)
        with reading(self.engine) as connection:
            return list(connection.execute(query).scalars())

    def _is_due(self, now: int) -> ColumnElement[bool]:
        own = self._table.c
        waits = exists().where(decisions.c.site_id == own.site_id, decisions.c.number > own.delivered)
        return and_(own.next_at <= now, waits)

    def _claim(self, connection: Connection, place: int, now: int) -> bool:
        """Claim a place that is due: nobody else gets it until the lease is over or it settled."""
        # The condition is looked at again by whoever waited for another's claim.
        mine = and_(self._number == place, self._is_due(now))
        return bool(connection.execute(update(self._table).where(mine).values(next_at=now + LEASE)).rowcount)

    def succeeded(self, claimed: Claimed, delivered: int) -> bool:
        """Note that all up to a number is done with. False: the claim was lost meanwhile, or the place changed."""
        return self._settle(claimed, delivered=delivered, **AFRESH)

    def failed(self, claimed: Claimed, why: str, wait: int) -> bool:
        """Note a failure, and how many milliseconds to wait; False as above."""
        said = printable(why)[:MOST_ERROR]
        return self._settle(claimed, attempts=claimed.failures + 1, next_at=now_ms() + wait, last_error=said)

    def _settle(self, claimed: Claimed, **values: Any) -> bool:
        # Who changed the place, or claimed it after us, has written another time.
        mine = and_(self._number == claimed.place, self._table.c.next_at == claimed.next_at)
        with writing(self.engine) as connection:
            new = update(self._table).where(mine).values(last_at=now_ms(), **values)
            return bool(connection.execute(new).rowcount)
