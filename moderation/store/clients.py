"""Who calls: counted in memory, written down every few seconds, so that no request waits for it.

What a worker has not written yet is lost if it is killed: it is a few seconds of counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from threading import Lock
from typing import Any

from sqlalchemy import Connection, Engine, Row, case, delete, func, or_, select, update

from moderation.background import Soon
from moderation.errors import HamletError
from moderation.past import DAY, HOUR
from moderation.secret import keyed_hash
from moderation.store import now_ms
from moderation.store.audit import note
from moderation.store.database import in_portions, insert_into, reading, writing
from moderation.store.schema import clients, keys, sites, strangers

WRITTEN_EVERY = 10.0
"""Seconds."""
MOST_FEEDBACK = 200
"""What one key can say of comments in an hour before it is shown: people seldom do as much, a script does more."""
MOST_AGENT, MOST_ERROR, MOST_ADDRESS = 200, 200, 12
MOST_STRANGERS, MOST_STRANGERS_AT_ONCE = 5_000, 500
"""Rows that are kept, and of those that come between two writes; who guesses keys fills no database."""
STRANGERS_FOR = 30 * DAY
Name = tuple[int, str, str]
"""A site, the first digits of its key, and the protocol."""


@dataclass(slots=True)
class _Counts:
    """What has not been written yet of one client."""

    agent: str = ""
    calls: int = 0
    errors: int = 0
    feedback: int = 0
    last_at: int = 0
    last_error: str | None = None
    last_error_at: int | None = None


@dataclass(slots=True)
class _Unknown:
    """Likewise of a caller whose key is none."""

    calls: int = 0
    last_at: int = 0


@dataclass(frozen=True, slots=True)
class Client:
    """One key as it is used by one protocol."""

    site: str
    prefix: str
    surface: str
    agent: str
    calls: int
    errors: int
    first_at: int
    last_at: int
    last_error: str | None
    last_error_at: int | None
    flooded_at: int | None


@dataclass(frozen=True, slots=True)
class Stranger:
    """A caller whose key is none, or was revoked."""

    site: str | None
    """Whose key it was; None: nobody's."""
    surface: str
    address: str
    """Tells senders apart, and says nothing else of them."""
    agent: str
    calls: int
    first_at: int
    last_at: int


@dataclass(slots=True)
class Clients:
    """The clients of all sites in a database."""

    engine: Engine
    secret: bytes
    _counts: dict[Name, _Counts] = field(default_factory=dict)
    _unknown: dict[tuple[str, str, str, str], _Unknown] = field(default_factory=dict)
    """By digest of the key, protocol, hash of the address, and client."""
    _lock: Lock = field(default_factory=Lock)
    _soon: Soon = field(init=False)

    def __post_init__(self) -> None:
        self._soon = Soon(self.flush, WRITTEN_EVERY, self.engine)

    def called(self, name: Name, agent: str, error: str | None = None, *, feedback: bool = False) -> None:
        """Count a call; ``feedback``: it said what people think of a comment."""
        now = now_ms()
        with self._lock:
            counts = self._counts.setdefault(name, _Counts())
            counts.agent, counts.last_at = agent, now
            counts.calls += 1
            counts.feedback += feedback
            if error is not None:
                counts.errors += 1
                counts.last_error, counts.last_error_at = error[:MOST_ERROR], now
        self._soon.ask()

    def refused(self, key: str, surface: str, address: str, agent: str) -> None:
        """Count a call with a key that is none."""
        whose = keyed_hash(self.secret, "key", key)  # As keys are kept, to find those that were revoked.
        place = keyed_hash(self.secret, "stranger", address)[:MOST_ADDRESS]
        who = whose, surface, place, agent[:MOST_AGENT]
        with self._lock:
            if who in self._unknown or len(self._unknown) < MOST_STRANGERS_AT_ONCE:
                unknown = self._unknown.setdefault(who, _Unknown())
                unknown.calls += 1
                unknown.last_at = now_ms()
        self._soon.ask()

    def flush(self) -> None:
        """Write down what was counted."""
        with self._lock:
            counts, unknown = self._counts, self._unknown
            self._counts, self._unknown = {}, {}
        if not counts and not unknown:
            return
        try:
            with writing(self.engine) as connection:
                for name in sorted(counts):  # In one order, so that two servers do not wait for each other.
                    self._write(connection, name, counts[name])
                self._write_strangers(connection, unknown)
        except HamletError:  # Later it may be possible.
            self._put_back(counts, unknown)
            raise

    def _put_back(self, counts: dict[Name, _Counts], unknown: dict[tuple[str, str, str, str], _Unknown]) -> None:
        with self._lock:
            for name, old in counts.items():
                new = self._counts.setdefault(name, replace(old, calls=0, errors=0, feedback=0))
                new.calls += old.calls
                new.errors += old.errors
                new.feedback += old.feedback
                if new.last_error is None:
                    new.last_error, new.last_error_at = old.last_error, old.last_error_at
            for who, before in unknown.items():
                self._unknown.setdefault(who, _Unknown(0, before.last_at)).calls += before.calls

    def _write(self, connection: Connection, name: Name, counts: _Counts) -> None:
        site_id, prefix, surface = name
        hour = counts.last_at // HOUR
        row = {
            "site_id": site_id,
            "prefix": prefix,
            "surface": surface,
            "agent": counts.agent[:MOST_AGENT],
            "calls": counts.calls,
            "errors": counts.errors,
            "first_at": counts.last_at,
            "last_at": counts.last_at,
            "last_error": counts.last_error,
            "last_error_at": counts.last_error_at,
            "hour": hour,
            "in_hour": counts.feedback,
        }
        statement = insert_into(self.engine, clients).values(row)
        fresh = statement.excluded
        new: dict[str, Any] = {
            "agent": fresh.agent,
            "last_at": fresh.last_at,
            "calls": clients.c.calls + fresh.calls,
            "errors": clients.c.errors + fresh.errors,
            "last_error": func.coalesce(fresh.last_error, clients.c.last_error),
            "last_error_at": func.coalesce(fresh.last_error_at, clients.c.last_error_at),
            "hour": fresh.hour,
            "in_hour": case((clients.c.hour == fresh.hour, clients.c.in_hour), else_=0) + fresh.in_hour,
        }
        connection.execute(statement.on_conflict_do_update(index_elements=["site_id", "prefix", "surface"], set_=new))
        if counts.feedback:
            _note_flood(connection, name, counts)

    def _write_strangers(self, connection: Connection, unknown: dict[tuple[str, str, str, str], _Unknown]) -> None:
        if not unknown:
            return
        revoked = _revoked(connection, sorted({whose for whose, *_ in unknown}))
        room = MOST_STRANGERS - connection.execute(select(func.count()).select_from(strangers)).scalar_one()
        rows: dict[str, dict[str, Any]] = {}
        for (whose, surface, address, agent), found in unknown.items():
            site_id = revoked.get(whose)
            digest = keyed_hash(self.secret, "stranger", f"{site_id}\0{surface}\0{address}\0{agent}")
            row = rows.setdefault(
                digest,
                {"digest": digest, "site_id": site_id, "surface": surface, "address": address, "agent": agent}
                | {"calls": 0, "first_at": found.last_at, "last_at": 0},
            )
            row["calls"] += found.calls
            row["last_at"] = max(row["last_at"], found.last_at)
        for digest in sorted(rows):
            row = rows[digest]
            more = {"calls": strangers.c.calls + row["calls"], "last_at": row["last_at"]}
            known = connection.execute(update(strangers).where(strangers.c.digest == digest).values(more)).rowcount
            if not known and room > 0:
                statement = insert_into(self.engine, strangers).values(row)
                connection.execute(statement.on_conflict_do_update(index_elements=["digest"], set_=more))
                room -= 1

    def of_sites(self, site_ids: list[int]) -> list[Client]:
        """The clients of some sites, by site, the newest call first."""
        query = select(clients, sites.c.name).join(sites).where(clients.c.site_id.in_(site_ids))
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(sites.c.name, clients.c.last_at.desc())).all()
        return [_to_client(row) for row in rows]

    def strangers(self, site_ids: list[int], limit: int = 100) -> list[Stranger]:
        """Callers whose key is nobody's, or was one of these sites', the newest call first."""
        mine = or_(strangers.c.site_id.is_(None), strangers.c.site_id.in_(site_ids))
        query = select(strangers, sites.c.name).outerjoin(sites).where(mine)
        with reading(self.engine) as connection:
            rows = connection.execute(query.order_by(strangers.c.last_at.desc()).limit(limit)).all()
        return [
            Stranger(row.name, row.surface, row.address, row.agent, row.calls, row.first_at, row.last_at)
            for row in rows
        ]


def forget_strangers(connection: Connection, now: int) -> None:
    """Take out who has not called for long."""
    connection.execute(delete(strangers).where(strangers.c.last_at < now - STRANGERS_FOR))


def _note_flood(connection: Connection, name: Name, counts: _Counts) -> None:
    """Note, once an hour, that a client gives more feedback than people would."""
    site_id, prefix, surface = name
    begun = counts.last_at // HOUR * HOUR
    mine = clients.c.site_id == site_id, clients.c.prefix == prefix, clients.c.surface == surface
    unnoted = or_(clients.c.flooded_at.is_(None), clients.c.flooded_at < begun)
    flood = update(clients).where(*mine, clients.c.in_hour > MOST_FEEDBACK, unnoted).values(flooded_at=counts.last_at)
    if connection.execute(flood).rowcount:
        detail = {"key": prefix, "client": counts.agent[:MOST_AGENT], "in_an_hour": f"more than {MOST_FEEDBACK}"}
        note(connection, site_id=site_id, actor="machine", via=surface, action="feedback-flood", **detail)


def _revoked(connection: Connection, digests: list[str]) -> dict[str, int]:
    """The sites of keys that were revoked, by the keys' digests."""
    found: dict[str, int] = {}
    for some in in_portions(digests):
        query = select(keys.c.digest, keys.c.site_id).where(keys.c.digest.in_(some), keys.c.revoked_at.is_not(None))
        found.update({row.digest: row.site_id for row in connection.execute(query)})
    return found


def _to_client(row: Row[Any]) -> Client:
    return Client(
        site=row.name,
        prefix=row.prefix,
        surface=row.surface,
        agent=row.agent,
        calls=row.calls,
        errors=row.errors,
        first_at=row.first_at,
        last_at=row.last_at,
        last_error=row.last_error,
        last_error_at=row.last_error_at,
        flooded_at=row.flooded_at,
    )
