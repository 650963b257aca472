"""Sites and their keys.

A key is exactly 12 lower-case hex digits, because a compatible protocol asks for that. That is too short to be kept
under a plain hash, so it is kept as an HMAC with the installation's secret, which is not in the database.
"""

from __future__ import annotations

import hmac
import re
import secrets
import threading
import time
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from moderation.errors import KeyNotFound, SchemaMismatch, SiteExists, SiteNotFound
from moderation.policy import Choices
from moderation.review import Actor
from moderation.secret import keyed_hash, load_secret
from moderation.settings import Settings
from moderation.store import now_ms
from moderation.store.audit import note_by
from moderation.store.database import insert_unless_there, reading, writing
from moderation.store.rows import as_text, choices_of
from moderation.store.schema import facts, keys, sites

KEY = re.compile(r"[0-9a-f]{12}")
SITE_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")
PREFIX_LENGTH = 4
REMEMBERED_SECONDS = 1.0
"""How long a worker trusts a key it has seen: a key revoked elsewhere works at most this much longer."""
MAX_REMEMBERED = 10_000


@dataclass(frozen=True, slots=True)
class Site:
    """One blog."""

    id: int
    name: str
    choices: Choices
    policy_number: int
    model: int | None = None
    """Number of its own model that serves; None: the base model."""


@dataclass(frozen=True, slots=True)
class Key:
    """What may be shown of a key."""

    site: str
    prefix: str
    created_at: int
    revoked_at: int | None


def _to_site(row: Row[tuple[object, ...]]) -> Site:
    return Site(row.id, row.name, choices_of(row.policy), row.policy_number, row.model)


def count_change(connection: Connection, site_id: int, **values: Any) -> None:
    """Give the change of a site's policy, rules or model a number, by which running servers notice it."""
    new = {**values, "policy_number": sites.c.policy_number + 1}
    connection.execute(update(sites).where(sites.c.id == site_id).values(new))


COMMAND = Actor("command", "command")
"""Who is written down where nobody is named: whoever sat at the command line."""


def _changes(before: Choices, after: Choices) -> dict[str, object]:
    """What was chosen anew, for the log; of tables only what differs in them."""
    old, new = msgspec.to_builtins(before), msgspec.to_builtins(after)
    return {name: _change(old.get(name), new.get(name)) for name in {**old, **new} if old.get(name) != new.get(name)}


def _change(old: Any, new: Any) -> object:
    if not isinstance(old or new, dict):
        return "as at first" if new is None else new
    were, are = old or {}, new or {}
    return {name: are.get(name, "as at first") for name in {**were, **are} if were.get(name) != are.get(name)}


class Sites:
    """Sites and keys in a database. Changes are noted in the audit log."""

    def __init__(self, engine: Engine, secret: bytes) -> None:
        self._engine = engine
        self.secret = secret
        self._remembered: dict[str, tuple[float, Site]] = {}
        self._lock = threading.Lock()

    @classmethod
    def opened(cls, engine: Engine, settings: Settings) -> Sites:
        """Those of a database that is up to date; raises ``SchemaMismatch`` if its secret is another one."""
        found = cls(engine, load_secret(settings.secret, settings.secret_file))
        found.check_secret()
        return found

    def _digest(self, key: str) -> str:
        return keyed_hash(self.secret, "key", key)

    def check_secret(self) -> None:
        """Note which secret this database's keys were made with; raises ``SchemaMismatch`` if it is another one."""
        mark = keyed_hash(self.secret, "mark", "hamlet")
        with writing(self._engine) as connection:
            made = {"name": "secret", "value": mark}
            connection.execute(insert_unless_there(self._engine, facts, ("name",)), made)
            kept = connection.execute(select(facts.c.value).where(facts.c.name == "secret")).scalar_one()
            if not hmac.compare_digest(kept, mark):
                error = SchemaMismatch("the secret is not the one this database's keys were made with")
                error.hint = "restore the secret file, set HAMLET_SECRET, or make new keys in a new database"
                raise error

    def create_site(self, name: str, *, actor: Actor = COMMAND) -> Site:
        """Add a site; raises ``SiteExists``, or ``ValueError`` for a bad name."""
        if not SITE_NAME.fullmatch(name):
            raise ValueError("a site's name has 1 to 63 characters of a-z, 0-9, dot, dash and underscore")
        row = {"name": name, "policy": "{}", "policy_number": 0, "created_at": now_ms()}
        try:
            with writing(self._engine) as connection:
                site_id = connection.execute(insert(sites).values(row).returning(sites.c.id)).scalar_one()
                note_by(connection, site_id, actor, "create-site", name=name)
        except IntegrityError as error:
            raise SiteExists(name) from error
        return self.site(name)

    def site(self, name: str) -> Site:
        """A site by name; raises ``SiteNotFound``."""
        if "\0" in name:  # PostgreSQL keeps no such text, and refuses to look for it.
            raise SiteNotFound(name)
        with reading(self._engine) as connection:
            row = connection.execute(select(sites).where(sites.c.name == name)).one_or_none()
        if row is None:
            raise SiteNotFound(name)
        return _to_site(row)

    def all(self) -> list[Site]:
        """All sites by name."""
        with reading(self._engine) as connection:
            return [_to_site(row) for row in connection.execute(select(sites).order_by(sites.c.name))]

    def choose(self, name: str, choices: Choices, *, actor: Actor = COMMAND) -> Site:
        """Replace what a site has chosen; every change gets a number, which verdicts carry."""
        site = self.site(name)
        with writing(self._engine) as connection:
            before = connection.execute(select(sites.c.policy).where(sites.c.id == site.id)).scalar_one()
            count_change(connection, site.id, policy=as_text(choices))
            note_by(connection, site.id, actor, "choose", **_changes(choices_of(before), choices))
        self.forget()
        return self.site(name)

    def create_key(self, name: str, *, actor: Actor = COMMAND) -> str:
        """Make a key for a site. This is the only time it is to be seen."""
        site = self.site(name)
        key = secrets.token_hex(6)
        row = {"site_id": site.id, "prefix": key[:PREFIX_LENGTH], "digest": self._digest(key), "created_at": now_ms()}
        with writing(self._engine) as connection:
            connection.execute(insert(keys).values(row))
            note_by(connection, site.id, actor, "create-key", key=row["prefix"])
        return key

    def keys(self, name: str | None = None) -> list[Key]:
        """Keys of one site or all, oldest first."""
        query = select(sites.c.name, keys).join(sites).order_by(keys.c.id)
        if name is not None:
            query = query.where(keys.c.site_id == self.site(name).id)
        with reading(self._engine) as connection:
            return [Key(row.name, row.prefix, row.created_at, row.revoked_at) for row in connection.execute(query)]

    def revoke_key(self, name: str, prefix: str, *, actor: Actor = COMMAND) -> Key:
        """Revoke the one living key of a site that begins with ``prefix`` (the whole key does, too)."""
        site = self.site(name)
        living = select(keys).where(keys.c.site_id == site.id, keys.c.revoked_at.is_(None))
        exact = self._digest(prefix)
        with writing(self._engine) as connection:
            found = [
                row
                for row in connection.execute(living)
                if hmac.compare_digest(row.digest, exact)
                or (len(prefix) <= PREFIX_LENGTH and row.prefix.startswith(prefix))
            ]
            if len(found) != 1 or not prefix:
                raise KeyNotFound(
                    prefix,
                    "no living key of the site begins with it"
                    if not found
                    else "more than one key fits: give the whole key",
                )
            row, now = found[0], now_ms()
            connection.execute(update(keys).where(keys.c.id == row.id).values(revoked_at=now))
            note_by(connection, site.id, actor, "revoke-key", key=row.prefix)
        self.forget()
        return Key(name, row.prefix, row.created_at, now)

    def of_key(self, key: str) -> Site | None:
        """The site a key belongs to, or None."""
        if not KEY.fullmatch(key):
            return None
        digest = self._digest(key)
        known = self._remembered.get(digest)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        # Looked up by an HMAC: what an index's timing could tell is nothing about the key.
        query = select(sites, keys.c.digest).join(keys).where(keys.c.digest == digest, keys.c.revoked_at.is_(None))
        with reading(self._engine) as connection:
            row = connection.execute(query).one_or_none()
        if row is None or not hmac.compare_digest(row.digest, digest):
            return None
        site = _to_site(row)
        with self._lock:
            if len(self._remembered) >= MAX_REMEMBERED:
                self._remembered.clear()
            self._remembered[digest] = time.monotonic() + REMEMBERED_SECONDS, site
        return site

    def forget(self) -> None:
        """Ask the database again, at once: sites or their rules have changed."""
        with self._lock:
            self._remembered.clear()
