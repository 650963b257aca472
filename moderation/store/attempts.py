"""Failed sign-ins, counted by account and by address, to slow down who guesses."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, Engine, and_, delete, func, or_, select, update

from moderation.secret import keyed_hash
from moderation.store.database import insert_unless_there
from moderation.store.schema import attempts

FREE = {"account": 5, "address": 20}
"""Failures that cost nothing. Many people may share an address."""
LONGEST_WAIT_SECONDS = 15 * 60
FORGOTTEN_AFTER_MS = 24 * 3_600_000


def places(secret: bytes, name: str, address: str) -> dict[str, int]:
    """Where an attempt is counted, with how many failures are free there; names and addresses only as keyed hashes."""
    of = {"account": name, "address": _network(address)}
    return {f"{kind}:{keyed_hash(secret, kind, value)}": FREE[kind] for kind, value in of.items() if value}


def begin(engine: Engine, connection: Connection, where: dict[str, int], now: int) -> int:
    """Count an attempt as failed before it is made; returns 0, or how many seconds to wait, and then counts nothing.

    Counted first, so that a hundred guesses sent at once do not all find an empty count.
    """
    for place in sorted(where):  # Always in the same order: no two transactions wait for each other.
        row = {"place": place, "failures": 0, "last_at": now}
        connection.execute(insert_unless_there(engine, attempts, ("place",)), row)
    query = select(attempts).where(attempts.c.place.in_(where)).order_by(attempts.c.place).with_for_update()
    found = {row.place: (row.failures, row.last_at) for row in connection.execute(query)}
    wait = max((_wait_ms(*found[place], where[place], now) for place in found), default=0)
    if wait > 0:
        return -(-wait // 1000)
    for place, (failures, last_at) in found.items():
        counted = 1 if _is_forgotten(last_at, now) else failures + 1
        connection.execute(update(attempts).where(attempts.c.place == place).values(failures=counted, last_at=now))
    return 0


def clear(connection: Connection, where: dict[str, int]) -> None:
    """Forget the failures: one has signed in."""
    connection.execute(delete(attempts).where(attempts.c.place.in_(where)))


def throttled(connection: Connection, now: int) -> int:
    """How many accounts and addresses have to wait just now, or would after one more failure."""
    recent = attempts.c.last_at > now - LONGEST_WAIT_SECONDS * 1000
    beyond = [and_(attempts.c.place.startswith(f"{kind}:"), attempts.c.failures >= free) for kind, free in FREE.items()]
    query = select(func.count()).select_from(attempts).where(recent, or_(*beyond))
    return connection.execute(query).scalar_one()


def prune(connection: Connection, now: int) -> int:
    """Take out counts that are a day old; returns how many."""
    return connection.execute(delete(attempts).where(attempts.c.last_at < now - FORGOTTEN_AFTER_MS)).rowcount


def _wait_ms(failures: int, last_at: int, free: int, now: int) -> int:
    if failures < free or _is_forgotten(last_at, now):
        return 0
    seconds = min(1 << min(failures - free, 20), LONGEST_WAIT_SECONDS)
    return last_at + seconds * 1000 - now


def _is_forgotten(last_at: int, now: int) -> bool:
    return now - last_at > FORGOTTEN_AFTER_MS


def _network(address: str) -> str:
    """The address, or for IPv6 the /64 that one customer has to himself."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
