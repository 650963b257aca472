"""What a site is to be told of its comments after the first answer: an ordered log, one for each site.

The log is the outbox of the site's webhook and the feed that the site may poll. Both remember a number and ask for
what comes after it, so numbers must become visible in their order: whoever writes holds the site's row until the end
of the transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, insert, select

from moderation.past import Outcome
from moderation.store.database import reading
from moderation.store.facts import fact, set_fact
from moderation.store.schema import decisions, sites
from moderation.verdict import Decision


@dataclass(frozen=True, slots=True)
class Told:
    """A decision that the site is to follow from now on."""

    comment_id: str
    external_id: str | None
    decision: Decision
    outcome: Outcome | None
    """What a person said; None: nobody did, or it was taken back."""
    by: str
    at: int


def tell(connection: Connection, site_id: int, rows: Sequence[Told]) -> None:
    """Add decisions to a site's log, in their order, within the caller's transaction; best at its end.

    Until that ends, every other transaction that tells the site something waits.
    """
    if not rows:
        return
    hold_log(connection, site_id)
    last = last_number(connection, site_id)
    connection.execute(insert(decisions), [_row(site_id, number, one) for number, one in enumerate(rows, last + 1)])
    set_fact(connection, _counter(site_id), str(last + len(rows)))


def hold_log(connection: Connection, site_id: int) -> None:
    """Let nobody else write into a site's log until the transaction ends; comments can be added meanwhile."""
    # SQLite has one writer; there the words of the lock are left out.
    connection.execute(select(sites.c.id).where(sites.c.id == site_id).with_for_update(key_share=True))


def last_number(connection: Connection, site_id: int) -> int:
    """The number of the newest decision in a site's log; 0 before the first.

    Counted, not looked up: decisions on comments that were erased are gone, but no number is ever used again.
    """
    return int(fact(connection, _counter(site_id)) or 0)


def _counter(site_id: int) -> str:
    return f"decisions:{site_id}"


def after(connection: Connection, site_id: int, number: int, limit: int) -> list[tuple[int, Told]]:
    """The decisions behind a number, oldest first, each with its own number."""
    query = select(decisions).where(decisions.c.site_id == site_id, decisions.c.number > number)
    return [(row.number, told_of(row)) for row in connection.execute(query.order_by(decisions.c.number).limit(limit))]


def read_after(engine: Engine, site_id: int, number: int, limit: int) -> list[tuple[int, Told]]:
    """The same, in a transaction of its own."""
    with reading(engine) as connection:
        return after(connection, site_id, number, limit)


def _row(site_id: int, number: int, one: Told) -> dict[str, Any]:
    return {
        "site_id": site_id,
        "number": number,
        "comment_id": one.comment_id,
        "external_id": one.external_id,
        "decision": one.decision.value,
        "outcome": one.outcome.value if one.outcome is not None else None,
        "decided_by": one.by,
        "decided_at": one.at,
    }


def told_of(row: Row[Any]) -> Told:
    """A row of the log."""
    return Told(
        row.comment_id,
        row.external_id,
        Decision(row.decision),
        Outcome(row.outcome) if row.outcome is not None else None,
        row.decided_by,
        row.decided_at,
    )
