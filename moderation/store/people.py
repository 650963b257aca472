"""People in a database: accounts, their roles on sites, one-time links, signing in.

Tokens are 32 random bytes. They are kept as an HMAC with the installation's secret, so that whoever reads the database
can neither sign in nor join.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from itertools import groupby
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select, true, update
from sqlalchemy.exc import IntegrityError

from moderation.errors import (
    BadName,
    LastOwner,
    SignInRefused,
    StoreUnavailable,
    UserExists,
    UserNotFound,
    WrongPassword,
)
from moderation.passwords import Passwords
from moderation.people import Preferences, Role, User, checked_name, checked_password, checked_preferences
from moderation.secret import keyed_hash
from moderation.store import attempts, invitations, now_ms, sessions
from moderation.store.audit import note
from moderation.store.database import insert_into, reading, writing
from moderation.store.invitations import FIRST_MS, INVITATION_MS, RESET_MS, Invitation
from moderation.store.schema import facts, memberships, sites, users
from moderation.store.sessions import Session

DASHBOARD, COMMAND = "dashboard", "command"
SYSTEM = "hamlet"
"""Who makes the first link."""

_preferences = msgspec.json.Decoder(Preferences).decode


class People:
    """Accounts, roles and sessions. What people do, and what is done to them, is noted in the audit log."""

    def __init__(
        self,
        engine: Engine,
        secret: bytes,
        passwords: Passwords | None = None,
        clock: Callable[[], int] = now_ms,
    ) -> None:
        self._engine = engine
        self._secret = secret
        self._passwords = passwords or Passwords()
        self._clock = clock

    # -- Accounts

    def any(self) -> bool:
        """Whether there is an account at all."""
        with reading(self._engine) as connection:
            return invitations.is_anybody_there(connection)

    def all(self) -> list[User]:
        """All accounts by name."""
        with reading(self._engine) as connection:
            return _users(connection, true())

    def of_site(self, site_id: int) -> list[User]:
        """Everybody who has a role on a site, by name."""
        members = select(memberships.c.user_id).where(memberships.c.site_id == site_id)
        with reading(self._engine) as connection:
            return _users(connection, users.c.id.in_(members))

    def user(self, name: str) -> User:
        """An account by name; raises ``UserNotFound``."""
        with reading(self._engine) as connection:
            return _one(connection, users.c.name == _possible_name(name), name)

    def user_by_id(self, user_id: int) -> User:
        """An account by its number; raises ``UserNotFound``."""
        with reading(self._engine) as connection:
            return _by_id(connection, user_id)

    def choose(self, user_id: int, preferences: Preferences, *, via: str = DASHBOARD) -> User:
        """Keep what a person has chosen; raises ``BadPreferences``."""
        text = msgspec.json.encode(checked_preferences(preferences)).decode()
        with writing(self._engine) as connection:
            connection.execute(update(users).where(users.c.id == user_id).values(preferences=text))
            user = _by_id(connection, user_id)
            note(connection, site_id=None, actor=user.name, via=via, action="preferences")
            return user

    def disable(self, name: str, *, by: str, via: str = COMMAND) -> User:
        """Refuse an account from now on and end its sessions; raises ``LastOwner`` or ``UserNotFound``."""
        with writing(self._engine) as connection:
            user = _one(connection, users.c.name == _possible_name(name), name)
            for site_id in sorted(user.roles):
                _refuse_last_owner(connection, user, site_id)
            connection.execute(update(users).where(users.c.id == user.id).values(disabled_at=self._clock()))
            sessions.end_all(connection, user.id)
            invitations.take_back_resets(connection, user.id)
            invitations.take_back_made_by(connection, user.name)
            note(connection, site_id=None, actor=by, via=via, action="disable", user=user.name)
            return _by_id(connection, user.id)

    def enable(self, name: str, *, by: str, via: str = COMMAND) -> User:
        """Let a disabled account in again; raises ``UserNotFound``."""
        with writing(self._engine) as connection:
            user = _one(connection, users.c.name == _possible_name(name), name)
            connection.execute(update(users).where(users.c.id == user.id).values(disabled_at=None))
            note(connection, site_id=None, actor=by, via=via, action="enable", user=user.name)
            return _by_id(connection, user.id)

    # -- Roles

    def set_role(self, user_id: int, site_id: int, role: Role, *, by: str, via: str = DASHBOARD) -> None:
        """Give a person a role on a site, instead of the one they have; raises ``LastOwner`` or ``UserNotFound``."""
        with writing(self._engine) as connection:
            user = _by_id(connection, user_id)
            _void_resets(connection, user, site_id)
            if role is not Role.OWNER:
                _refuse_last_owner(connection, user, site_id)
                invitations.take_back_made_by(connection, user.name, site_id)
            self._keep_role(connection, user_id, site_id, role)
            note(connection, site_id=site_id, actor=by, via=via, action="role", user=user.name, role=role)

    def add_owner(self, user_id: int, site_id: int, *, via: str = DASHBOARD) -> None:
        """Make whoever created a site its owner."""
        self.set_role(user_id, site_id, Role.OWNER, by=self.user_by_id(user_id).name, via=via)

    def remove(self, user_id: int, site_id: int, *, by: str, via: str = DASHBOARD) -> None:
        """Take a person's role on a site and end their sessions; raises ``LastOwner`` or ``UserNotFound``."""
        with writing(self._engine) as connection:
            user = _by_id(connection, user_id)
            if site_id not in user.roles:
                raise UserNotFound(user.name)
            _refuse_last_owner(connection, user, site_id)
            of_both = memberships.c.user_id == user_id, memberships.c.site_id == site_id
            connection.execute(delete(memberships).where(*of_both))
            sessions.end_all(connection, user_id)
            invitations.take_back_made_by(connection, user.name, site_id)  # No link leads them back in.
            note(connection, site_id=site_id, actor=by, via=via, action="remove", user=user.name)

    def _keep_role(self, connection: Connection, user_id: int, site_id: int, role: Role) -> None:
        row = {"user_id": user_id, "site_id": site_id, "role": role.value}
        adding = insert_into(self._engine, memberships).values(row)
        connection.execute(
            adding.on_conflict_do_update(index_elements=("user_id", "site_id"), set_={"role": role.value})
        )

    # -- One-time links

    def first_token(self) -> str | None:
        """The token of a link that makes the first owner; older ones are void. None: there are accounts."""
        with writing(self._engine) as connection:
            _in_turn(connection)
            if invitations.is_anybody_there(connection):
                return None
            invitations.take_back_first(connection)
            token, digest = self._new_token("invitation")
            invitations.keep(connection, digest, lasting=FIRST_MS, by=SYSTEM, now=self._clock())
            note(connection, site_id=None, actor=SYSTEM, via=COMMAND, action="first-link")
            return token

    def invite(self, site_id: int, role: Role, *, by: str, via: str = DASHBOARD) -> str:
        """The token of a link to join a site, shown once."""
        with writing(self._engine) as connection:
            token, digest = self._new_token("invitation")
            invitations.keep(
                connection, digest, lasting=INVITATION_MS, by=by, now=self._clock(), role=role, site_id=site_id
            )
            note(connection, site_id=site_id, actor=by, via=via, action="invite", role=role)
            return token

    def reset_link(self, name: str, *, by: str, via: str = DASHBOARD) -> str:
        """The token of a link to set a person's password anew, shown once; older ones are void."""
        with writing(self._engine) as connection:
            user = _one(connection, users.c.name == _possible_name(name), name)
            invitations.take_back_resets(connection, user.id)
            token, digest = self._new_token("invitation")
            invitations.keep(connection, digest, lasting=RESET_MS, by=by, now=self._clock(), user_id=user.id)
            note(connection, site_id=None, actor=by, via=via, action="reset-link", user=user.name)
            return token

    def invitation(self, token: str) -> Invitation:
        """What a link is good for; raises ``BadToken``."""
        with reading(self._engine) as connection:
            return invitations.find(connection, self._digest("invitation", token), self._clock())

    def join(self, token: str, name: str, password: str, *, via: str = DASHBOARD) -> User:
        """Make an account by a link; raises ``BadToken``, ``BadName``, ``BadPassword`` or ``UserExists``."""
        name = checked_name(name)
        checked_password(password, name)
        self.invitation(token)  # Nobody without a link makes the server hash passwords.
        kept = self._passwords.hash(password)
        with writing(self._engine) as connection:
            invitation = self._use(connection, token, for_new=True)
            user_id = _add_user(connection, name, kept, self._clock())
            for site_id in _sites_of(connection, invitation):
                self._keep_role(connection, user_id, site_id, invitation.role)
                note(connection, site_id=site_id, actor=name, via=via, action="join", role=invitation.role)
            if invitation.is_first:
                note(connection, site_id=None, actor=name, via=via, action="join")
            return _by_id(connection, user_id)

    def accept(self, token: str, user_id: int, *, via: str = DASHBOARD) -> User:
        """Join a site with an account one has; a role that is higher already stays. Raises ``BadToken``."""
        with writing(self._engine) as connection:
            user = _by_id(connection, user_id)
            invitation = self._use(connection, token, for_new=True)
            for site_id in _sites_of(connection, invitation):
                _void_resets(connection, user, site_id)
                if not user.may(invitation.role, site_id):
                    self._keep_role(connection, user_id, site_id, invitation.role)
                note(connection, site_id=site_id, actor=user.name, via=via, action="join", role=invitation.role)
            return _by_id(connection, user_id)

    def reset_password(self, token: str, password: str, *, via: str = DASHBOARD) -> User:
        """Set a password by a link and end all sessions; raises ``BadToken`` or ``BadPassword``."""
        checked_password(password, self.invitation(token).user)
        kept = self._passwords.hash(password)
        with writing(self._engine) as connection:
            user = _by_id(connection, self._use(connection, token, for_new=False).user_id or 0)
            connection.execute(update(users).where(users.c.id == user.id).values(password=kept))
            sessions.end_all(connection, user.id)
            attempts.clear(connection, attempts.places(self._secret, user.name, ""))
            note(connection, site_id=None, actor=user.name, via=via, action="reset-password")
            return user

    def _use(self, connection: Connection, token: str, *, for_new: bool) -> Invitation:
        _in_turn(connection)
        return invitations.use(connection, self._digest("invitation", token), self._clock(), for_reset=not for_new)

    # -- Signing in

    def sign_in(self, name: str, password: str, address: str, about: str = "", *, via: str = DASHBOARD) -> str:
        """The token of a new session; raises ``SignInRefused``, the same whether or not there is such an account."""
        name = _possible_name(name)
        where = attempts.places(self._secret, name, address)
        self._begin_attempt(where)
        with reading(self._engine) as connection:
            row = connection.execute(select(users).where(users.c.name == name)).one_or_none()
        if not self._passwords.fits(password, row.password if row else None) or row is None or row.disabled_at:
            raise SignInRefused
        fresh = self._passwords.hash(password) if self._passwords.is_stale(row.password) else row.password
        token, digest = self._new_token("session")
        with writing(self._engine) as connection:
            # Only if nobody has set another password, or disabled the account, while this one was compared.
            same = users.c.id == row.id, users.c.password == row.password, users.c.disabled_at.is_(None)
            if connection.execute(update(users).where(*same).values(password=fresh)).rowcount != 1:
                raise SignInRefused
            attempts.clear(connection, where)
            sessions.start(connection, digest, row.id, about, self._clock())
            note(connection, site_id=None, actor=row.name, via=via, action="sign-in")
        return token

    def user_of(self, token: str) -> User | None:
        """Whose session it is; None if it has expired, was ended, or the account is disabled."""
        now, digest = self._clock(), self._digest("session", token)
        with reading(self._engine) as connection:
            session = sessions.living(connection, digest, now)
            found = _users(connection, users.c.id == session.user_id) if session else []
        if session is None or not found or found[0].disabled_at is not None:
            return None
        if sessions.is_stale(session, now):
            # Reading goes on while the database cannot be written just now.
            with suppress(StoreUnavailable), writing(self._engine) as connection:
                sessions.touch(connection, session, now)
        return found[0]

    def sessions(self, user_id: int, token: str = "") -> list[Session]:
        """Living sessions of a person; the one of ``token`` is marked."""
        with reading(self._engine) as connection:
            return sessions.of_user(connection, user_id, self._digest("session", token), self._clock())

    def sign_out(self, token: str, *, via: str = DASHBOARD) -> None:
        """End a session, if it is one."""
        user, digest = self.user_of(token), self._digest("session", token)
        with writing(self._engine) as connection:
            if sessions.end(connection, digest) and user is not None:
                note(connection, site_id=None, actor=user.name, via=via, action="sign-out")

    def sign_out_everywhere(self, user_id: int, *, via: str = DASHBOARD) -> None:
        """End every session of a person."""
        with writing(self._engine) as connection:
            user = _by_id(connection, user_id)
            sessions.end_all(connection, user_id)
            note(connection, site_id=None, actor=user.name, via=via, action="sign-out-everywhere")

    def change_password(self, user_id: int, old: str, new: str, *, keep: str = "", via: str = DASHBOARD) -> None:
        """Set another password; sessions end but for the one of the token ``keep``.

        Raises ``BadPassword``, or ``WrongPassword`` if ``old`` is not the one there is. Guesses count as sign-ins do.
        """
        user = self.user_by_id(user_id)
        checked_password(new, user.name)
        where = attempts.places(self._secret, user.name, "")
        self._begin_attempt(where)
        with reading(self._engine) as connection:
            known = connection.execute(select(users.c.password).where(users.c.id == user_id)).scalar_one()
        if not self._passwords.fits(old, known):
            raise WrongPassword
        kept = self._passwords.hash(new)
        with writing(self._engine) as connection:
            connection.execute(update(users).where(users.c.id == user_id).values(password=kept))
            sessions.end_all(connection, user_id, but=self._digest("session", keep))
            invitations.take_back_resets(connection, user_id)
            attempts.clear(connection, where)
            note(connection, site_id=None, actor=user.name, via=via, action="change-password")

    def prune(self) -> int:
        """Take out expired sessions, old links and old counts of failures; returns how many."""
        now = self._clock()
        with writing(self._engine) as connection:
            return sum(part.prune(connection, now) for part in (sessions, invitations, attempts))

    def throttled(self) -> int:
        """How many accounts and addresses are slowed down after failures."""
        with reading(self._engine) as connection:
            return attempts.throttled(connection, self._clock())

    def _begin_attempt(self, where: dict[str, int]) -> None:
        with writing(self._engine) as connection:
            wait = attempts.begin(self._engine, connection, where, self._clock())
        if wait:
            raise SignInRefused(wait)

    def _new_token(self, purpose: str) -> tuple[str, str]:
        token = secrets.token_urlsafe(32)
        return token, self._digest(purpose, token)

    def _digest(self, purpose: str, token: str) -> str:
        return keyed_hash(self._secret, purpose, token)


def _possible_name(name: str) -> str:
    """The name as it would be kept; empty, which nobody is called, for what cannot be one."""
    try:
        return checked_name(name)
    except BadName:
        return ""


def _in_turn(connection: Connection) -> None:
    """Let one transaction after the other make accounts, on PostgreSQL too: there is one first owner."""
    connection.execute(select(facts.c.name).where(facts.c.name == "secret").with_for_update())


def _add_user(connection: Connection, name: str, password: str, now: int) -> int:
    row = {"name": name, "password": password, "preferences": "{}", "created_at": now}
    try:
        key = connection.execute(insert(users).values(row)).inserted_primary_key
    except IntegrityError as error:
        raise UserExists(name) from error
    return int(key[0]) if key is not None else 0


def _sites_of(connection: Connection, invitation: Invitation) -> list[int]:
    if invitation.site_id is not None:
        return [invitation.site_id]
    return list(connection.execute(select(sites.c.id).order_by(sites.c.id)).scalars())


def _void_resets(connection: Connection, user: User, site_id: int) -> None:
    """Void links that set a person's password before they join another site, whose owner has not made them."""
    if site_id not in user.roles:
        invitations.take_back_resets(connection, user.id, but_by=COMMAND)


def _refuse_last_owner(connection: Connection, user: User, site_id: int) -> None:
    """Raise ``LastOwner`` if the person is the only one who owns the site and can sign in."""
    # Locks the site on PostgreSQL: two owners cannot step down at the same moment.
    site = connection.execute(select(sites.c.name).where(sites.c.id == site_id).with_for_update()).scalar_one()
    others = (
        select(func.count())
        .select_from(memberships.join(users))
        .where(memberships.c.site_id == site_id, memberships.c.role == Role.OWNER.value)
        .where(users.c.id != user.id, users.c.disabled_at.is_(None))
    )
    if user.may(Role.OWNER, site_id) and not connection.execute(others).scalar_one():
        raise LastOwner(user.name, site)


def _by_id(connection: Connection, user_id: int) -> User:
    return _one(connection, users.c.id == user_id, str(user_id))


def _one(connection: Connection, condition: ColumnElement[bool], name: str) -> User:
    found = _users(connection, condition)
    if not found:
        raise UserNotFound(name)
    return found[0]


def _users(connection: Connection, condition: ColumnElement[bool]) -> list[User]:
    query = (
        select(users, memberships.c.site_id, memberships.c.role)
        .outerjoin(memberships, memberships.c.user_id == users.c.id)
        .where(condition)
        .order_by(users.c.name, users.c.id, memberships.c.site_id)
    )
    rows = groupby(connection.execute(query).all(), key=lambda row: row.id)
    return [_to_user(list(of_one)) for _, of_one in rows]


def _to_user(rows: list[Row[Any]]) -> User:
    """A user from rows that differ only in the role."""
    roles = {row.site_id: Role(row.role) for row in rows if row.site_id is not None}
    one = rows[0]
    return User(one.id, one.name, roles, _preferences(one.preferences), one.created_at, one.disabled_at)
