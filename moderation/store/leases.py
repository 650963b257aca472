"""Work that one process at a time may do, whatever the number of servers: a row says who does it, and until when.

Who has it renews it while it works; if that process dies, the row runs out and somebody else may begin.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, delete, or_

from moderation.errors import HamletError
from moderation.store import now_ms
from moderation.store.database import insert_into, writing
from moderation.store.schema import leases

HELD_FOR = 60_000
"""Milliseconds after which a holder that was not heard of has lost it."""
RENEWED_EVERY = 15.0
"""Seconds."""
log = logging.getLogger(__name__)


class Busy(HamletError):
    """Somebody else does this work just now."""

    hint = "wait until it is done; if that process died, its claim runs out within a minute"


@contextmanager
def held(engine: Engine, name: str) -> Iterator[None]:
    """Do work that nobody else may do meanwhile; raises :class:`Busy` if somebody does it."""
    holder = secrets.token_hex(16)
    if not take(engine, name, holder):
        raise Busy(f"{name.partition(':')[0]}: another process is at it")
    done = threading.Event()

    def renew() -> None:
        while not done.wait(RENEWED_EVERY):
            try:
                take(engine, name, holder)
            except HamletError as error:  # A database that is busy now may answer the next time, before it runs out.
                log.warning("lease %s: %s", name, error)

    thread = threading.Thread(target=renew, name=f"lease-{name}", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
        with writing(engine) as connection:
            connection.execute(delete(leases).where(leases.c.name == name, leases.c.holder == holder))


def take(engine: Engine, name: str, holder: str, *, now: int | None = None) -> bool:
    """Take a lease that is free or one's own, or renew it; False if somebody else has it."""
    at = now_ms() if now is None else now
    statement = insert_into(engine, leases).values(name=name, holder=holder, until=at + HELD_FOR)
    free = or_(leases.c.holder == holder, leases.c.until <= at)
    new = {"holder": statement.excluded.holder, "until": statement.excluded.until}
    taken = statement.on_conflict_do_update(index_elements=["name"], set_=new, where=free)
    with writing(engine) as connection:
        return connection.execute(taken.returning(leases.c.holder)).first() is not None
