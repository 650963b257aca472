"""One-time links: for the first owner, to join a site, to set a password anew. Only a keyed hash of each is kept."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, or_, select, true, update

from moderation.errors import BadToken
from moderation.people import Role
from moderation.store.schema import invitations, sites, users

DAY_MS = 24 * 3_600_000
FIRST_MS, INVITATION_MS, RESET_MS = DAY_MS, 7 * DAY_MS, DAY_MS
KEPT_MS = 30 * DAY_MS
"""How long used and expired ones are kept."""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a one-time link is good for."""

    site_id: int | None
    site: str
    """Its name; empty: all sites there are."""
    role: Role
    user_id: int | None
    """Whose password it sets anew; None: it makes a new account."""
    user: str
    created_by: str
    expires_at: int

    @property
    def is_first(self) -> bool:
        """Whether it makes the first owner."""
        return self.site_id is None and self.user_id is None

    @property
    def is_reset(self) -> bool:
        """Whether it sets a password anew."""
        return self.user_id is not None


def keep(
    connection: Connection,
    digest: str,
    *,
    lasting: int,
    by: str,
    now: int,
    role: Role = Role.OWNER,
    site_id: int | None = None,
    user_id: int | None = None,
) -> None:
    """Keep a link's hash and what it is good for."""
    row = {
        "digest": digest,
        "site_id": site_id,
        "role": role,
        "user_id": user_id,
        "created_by": by,
        "created_at": now,
        "expires_at": now + lasting,
    }
    connection.execute(insert(invitations).values(row))


def find(connection: Connection, digest: str, now: int) -> Invitation:
    """What an unused link is good for; raises ``BadToken``."""
    query = (
        select(invitations, sites.c.name.label("site"), users.c.name.label("user"))
        .outerjoin(sites, sites.c.id == invitations.c.site_id)
        .outerjoin(users, users.c.id == invitations.c.user_id)
        .where(invitations.c.digest == digest, invitations.c.used_at.is_(None), invitations.c.expires_at > now)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise BadToken
    return _to_invitation(row)


def use(connection: Connection, digest: str, now: int, *, for_reset: bool) -> Invitation:
    """Use a link up; of two that try at once, one raises ``BadToken``. So does a link that is for something else."""
    found = find(connection, digest, now)
    if found.is_reset is not for_reset or (found.is_first and is_anybody_there(connection)):
        raise BadToken
    unused = invitations.c.digest == digest, invitations.c.used_at.is_(None)
    if connection.execute(update(invitations).where(*unused).values(used_at=now)).rowcount != 1:
        raise BadToken
    return found


def is_anybody_there(connection: Connection) -> bool:
    """Whether there is an account at all."""
    return connection.execute(select(users.c.id).limit(1)).first() is not None


def take_back_first(connection: Connection) -> None:
    """Make older links for the first owner void."""
    connection.execute(delete(invitations).where(invitations.c.site_id.is_(None), invitations.c.user_id.is_(None)))


def take_back_resets(connection: Connection, user_id: int, *, but_by: str = "") -> None:
    """Make older links that set a person's password void, all or all but those that somebody made."""
    unused = invitations.c.user_id == user_id, invitations.c.used_at.is_(None)
    connection.execute(delete(invitations).where(*unused, invitations.c.created_by != but_by))


def take_back_made_by(connection: Connection, name: str, site_id: int | None = None) -> None:
    """Make void the links that a person made: all of them, or those to a site and those that set passwords."""
    mine = invitations.c.created_by == name, invitations.c.used_at.is_(None)
    here = or_(invitations.c.site_id == site_id, invitations.c.user_id.is_not(None)) if site_id is not None else true()
    connection.execute(delete(invitations).where(*mine, here))


def prune(connection: Connection, now: int) -> int:
    """Take out links that expired long ago; returns how many."""
    return connection.execute(delete(invitations).where(invitations.c.expires_at < now - KEPT_MS)).rowcount


def _to_invitation(row: Row[Any]) -> Invitation:
    return Invitation(
        site_id=row.site_id,
        site=row.site or "",
        role=Role(row.role),
        user_id=row.user_id,
        user=row.user or "",
        created_by=row.created_by,
        expires_at=row.expires_at,
    )
