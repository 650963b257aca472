"""Sessions of people who are signed in. Of a session's token only a keyed hash is kept."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, delete, insert, select, update

from moderation.printable import printable
from moderation.store.schema import sessions

DAY_MS = 24 * 3_600_000
IDLE_MS, LONGEST_MS = 14 * DAY_MS, 90 * DAY_MS
"""How long a session lives unused, and however much it is used."""
SEEN_EVERY_MS = 5 * 60_000
"""How exactly it is noted when a session was last used: reading a page seldom writes."""
MOST_ABOUT = 200


@dataclass(frozen=True, slots=True)
class Session:
    """A session as its owner sees it."""

    created_at: int
    seen_at: int
    expires_at: int
    about: str
    """The browser, as it calls itself."""
    is_this: bool
    """Whether it is the one that asks."""


@dataclass(frozen=True, slots=True)
class Living:
    """A session that is good at this moment."""

    digest: str
    user_id: int
    created_at: int
    seen_at: int


def start(connection: Connection, digest: str, user_id: int, about: str, now: int) -> None:
    """Begin a session."""
    row = {
        "digest": digest,
        "user_id": user_id,
        "created_at": now,
        "seen_at": now,
        "expires_at": now + IDLE_MS,
        "about": printable(about)[:MOST_ABOUT],
    }
    connection.execute(insert(sessions).values(row))


def living(connection: Connection, digest: str, now: int) -> Living | None:
    """The session, unless it has expired or was ended."""
    row = connection.execute(select(sessions).where(sessions.c.digest == digest)).one_or_none()
    if row is None or min(row.expires_at, row.created_at + LONGEST_MS) <= now:
        return None
    return Living(row.digest, row.user_id, row.created_at, row.seen_at)


def is_stale(session: Living, now: int) -> bool:
    """Whether it is time to note that the session is used."""
    return now - session.seen_at >= SEEN_EVERY_MS


def touch(connection: Connection, session: Living, now: int) -> None:
    """Note that the session is used, which prolongs it."""
    until = min(now + IDLE_MS, session.created_at + LONGEST_MS)
    changed = update(sessions).where(sessions.c.digest == session.digest)
    connection.execute(changed.values(seen_at=now, expires_at=until))


def of_user(connection: Connection, user_id: int, this: str, now: int) -> list[Session]:
    """Living sessions of a person, the last used first."""
    query = select(sessions).where(sessions.c.user_id == user_id, sessions.c.expires_at > now)
    found = connection.execute(query.order_by(sessions.c.seen_at.desc(), sessions.c.digest))
    return [Session(row.created_at, row.seen_at, row.expires_at, row.about, row.digest == this) for row in found]


def end(connection: Connection, digest: str) -> int:
    """End a session; returns how many there were: one or none."""
    return connection.execute(delete(sessions).where(sessions.c.digest == digest)).rowcount


def end_all(connection: Connection, user_id: int, *, but: str = "") -> int:
    """End the sessions of a person, all or all but one; returns how many."""
    return connection.execute(delete(sessions).where(sessions.c.user_id == user_id, sessions.c.digest != but)).rowcount


def prune(connection: Connection, now: int) -> int:
    """Take out sessions that have expired; returns how many."""
    return connection.execute(delete(sessions).where(sessions.c.expires_at <= now)).rowcount
