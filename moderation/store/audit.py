"""The audit log: who did what, when and by which way. Rows are only ever added."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from itertools import islice
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, Select, insert, select

from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.schema import audit

_read_detail = msgspec.json.Decoder(dict[str, Any]).decode


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that was done."""

    id: int
    site_id: int | None
    """None: to the installation, not to one site."""
    at: int
    actor: str
    via: str
    """dashboard, api, command, mail or machine."""
    action: str
    comment_id: str | None
    detail: dict[str, Any]


def note(
    connection: Connection,
    *,
    site_id: int | None,
    actor: str,
    via: str,
    action: str,
    comment_id: str | None = None,
    **detail: object,
) -> None:
    """Write down an act, in the transaction that does it: both are kept, or neither."""
    row = {
        "site_id": site_id,
        "at": now_ms(),
        "actor": actor,
        "via": via,
        "action": action,
        "comment_id": comment_id,
        "detail": msgspec.json.encode(detail).decode(),
    }
    connection.execute(insert(audit).values(row))


def note_by(
    connection: Connection,
    site_id: int,
    actor: Actor,
    action: str,
    comment_id: str | None = None,
    /,
    **detail: object,
) -> None:
    """Likewise, what somebody did to a site."""
    note(connection, site_id=site_id, actor=actor.name, via=actor.via, action=action, comment_id=comment_id, **detail)


def acts(
    connection: Connection,
    site_ids: Sequence[int | None],
    *,
    actor: str | None = None,
    before: int | None = None,
    limit: int = 50,
    actions: Sequence[str] | None = None,
) -> list[Act]:
    """Acts on some sites (None: on the installation), newest first; the next page is ``before`` the last one's id.

    One query a site, each along an index and no longer than the page: a single query over many sites would have to
    sort all that they ever did.
    """
    found = (_of_site(connection, _query(one, actor, before, limit, actions)) for one in dict.fromkeys(site_ids))
    return list(islice(merge(*found, key=_newest_first), limit))


def _query(
    site_id: int | None, actor: str | None, before: int | None, limit: int, actions: Sequence[str] | None
) -> Select[Any]:
    # A comparison with None becomes IS NULL.
    query = select(audit).where(audit.c.site_id == site_id).order_by(audit.c.id.desc()).limit(limit)
    if actor is not None:
        query = query.where(audit.c.actor == actor)
    if before is not None:
        query = query.where(audit.c.id < before)
    return query if actions is None else query.where(audit.c.action.in_(actions))


def _of_site(connection: Connection, query: Select[Any]) -> Iterator[Act]:
    return map(_to_act, connection.execute(query).all())


def _newest_first(act: Act) -> int:
    return -act.id


def _to_act(row: Row[Any]) -> Act:
    return Act(row.id, row.site_id, row.at, row.actor, row.via, row.action, row.comment_id, _read_detail(row.detail))


def newest_of(connection: Connection, site_id: int, actions: Sequence[str], *, among: int = 20_000) -> Act | None:
    """The newest act of some sorts on a site, looked for among so many of its newest acts alone."""
    some = select(audit).where(audit.c.site_id == site_id).order_by(audit.c.id.desc()).limit(among).subquery()
    query = select(some).where(some.c.action.in_(actions)).order_by(some.c.id.desc()).limit(1)
    return next(_of_site(connection, query), None)


def acts_on(connection: Connection, comment_id: str) -> list[Act]:
    """Acts on one comment, oldest first."""
    query = select(audit).where(audit.c.comment_id == comment_id).order_by(audit.c.id)
    return [_to_act(row) for row in connection.execute(query)]
