"""Records, traces and campaigns in the database: what a site has seen before, at the same cost however much it is.

Every key has one record, found by its primary key, and every campaign eight keys of its near-copies: a check asks
twice and writes a few dozen rows, whether the site is new or has a million comments.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, and_, bindparam, case, delete, literal_column, select, update

from moderation.campaigns import ALIKE, WINDOW, alike
from moderation.past import (
    LISTED,
    Campaign,
    Kind,
    Outcome,
    Past,
    Record,
    Trace,
    first_record,
    merged,
)
from moderation.store import Judged, Trail
from moderation.store.database import Prepared, PreparedLookup, insert_into, insert_unless_there
from moderation.store.rows import stored_traces
from moderation.store.schema import bands, campaigns, records, revisions, traces

_FIELDS = tuple(Record.__dataclass_fields__)
# Written out: a statement that is compiled once binds the values of its rows and nothing else.
_ONE: Any = literal_column("1")
_COUNTS = ("accepted", "held", "rejected", "ham", "spam", "abuse")


class PastTables:
    """Reads and writes of what a site has seen; every call works inside the caller's transaction."""

    def __init__(self, engine: Engine) -> None:
        self._add_records = Prepared(engine, _adding_up(engine))
        self._add_traces = Prepared(
            engine, insert_unless_there(engine, traces, tuple(traces.primary_key.columns.keys()))
        )
        self._add_campaigns = Prepared(engine, _newest_of(engine, "campaigns"))
        self._add_bands = Prepared(engine, _newest_of(engine, "bands"))
        columns = [records.c[name] for name in _FIELDS]
        self._records = PreparedLookup(engine, select(records.c.trace, *columns), records.c.site_id, records.c.trace)
        same = and_(campaigns.c.site_id == bands.c.site_id, campaigns.c.id == bands.c.campaign)
        near = select(bands.c.band, bands.c.campaign, bands.c.seen_at, campaigns.c.signature).join(campaigns, same)
        self._near = PreparedLookup(engine, near, bands.c.site_id, bands.c.band)

    def recall(self, connection: Connection, asked: Sequence[tuple[int, Trail]]) -> list[Past]:
        """See :class:`~moderation.store.Store`."""
        known = [Past()] * len(asked)
        for site_id in dict.fromkeys(site_id for site_id, _ in asked):
            mine = [i for i, (site, _) in enumerate(asked) if site == site_id]
            found = self._recall(connection, site_id, [asked[i][1] for i in mine])
            for i, past in zip(mine, found, strict=True):
                known[i] = past
        return known

    def _recall(self, connection: Connection, site_id: int, trails: Sequence[Trail]) -> list[Past]:
        near = self._candidates(connection, site_id, trails)
        members = [near.of(trail) for trail in trails]
        wanted = {trace for trail in trails for trace in trail.traces}
        wanted |= {(Kind.CAMPAIGN, one) for one in members if one is not None}
        found = self.records(connection, site_id, wanted)
        pasts = []
        for trail, campaign in zip(trails, members, strict=True):
            known = {trace: found[trace] for trace in trail.traces if trace in found}
            record = found.get((Kind.CAMPAIGN, campaign)) if campaign is not None else None
            pasts.append(
                Past(known, Campaign(campaign, record) if campaign is not None and record is not None else None)
            )
        return pasts

    def records(self, connection: Connection, site_id: int, keys: Iterable[Trace]) -> dict[Trace, Record]:
        """The records of some keys; a key that was never met has none."""
        by_text = {f"{kind}:{key}": (kind, key) for kind, key in keys}
        rows = self._records(connection, site_id, sorted(by_text))
        return {by_text[row[0]]: Record(*row[1:]) for row in rows}

    def _candidates(self, connection: Connection, site_id: int, trails: Sequence[Trail]) -> _Near:
        sought = {band for trail in trails if trail.sketch is not None for band in trail.sketch.bands}
        return _Near(self._near(connection, site_id, sorted(sought)))

    def keep(self, connection: Connection, kept: Iterable[tuple[str, Judged]]) -> dict[str, list[str]]:
        """Count comments, given with their ids, in the records of their traces, and sort them into campaigns.

        Returns the traces of each: which records count it.
        """
        counted: dict[str, list[str]] = {}
        found: dict[tuple[int, str], Record] = {}
        led: list[tuple[Any, ...]] = []
        near: dict[int, _Near] = {}
        signatures: dict[tuple[int, str], tuple[bytes, int]] = {}
        keys: dict[tuple[int, int], tuple[str, int]] = {}
        for comment_id, one in kept:
            if one.comment.is_test:
                continue
            trail, of_comment = one.trail, list(one.trail.traces)
            if trail.sketch is not None:
                # Copies that arrive in one batch do not know of each other until here.
                batch = near.setdefault(one.site_id, _Near())
                campaign = one.past.campaign.id if one.past.campaign else batch.of(trail)
                if campaign is None:
                    campaign = comment_id
                batch.add(campaign, trail)
                of_comment.append((Kind.CAMPAIGN, campaign))
                known, seen_at = signatures.get((one.site_id, campaign), (trail.sketch.signature, 0))
                signatures[one.site_id, campaign] = known, max(seen_at, trail.when)
                for band in trail.sketch.bands:
                    _, seen_at = keys.get((one.site_id, band), ("", 0))
                    keys[one.site_id, band] = campaign, max(seen_at, trail.when)
            new = first_record(one.verdict.decision, trail.when, trail.live)
            counted[comment_id] = [f"{kind}:{key}" for kind, key in of_comment]
            for (kind, _), trace in zip(of_comment, counted[comment_id], strict=True):
                place = one.site_id, trace
                found[place] = merged(found[place], new) if place in found else new
                if kind in LISTED:
                    led.append((*place, comment_id))
        # In one order, so that two servers that count the same keys do not wait for each other.
        if found:
            self._add_records(connection, [_row(place, found[place]) for place in sorted(found)])
        if led:
            self._add_traces(connection, sorted(led))
        if signatures:
            self._add_campaigns(connection, [(*place, *signatures[place]) for place in sorted(signatures)])
            self._add_bands(connection, [(*place, *keys[place]) for place in sorted(keys)])
        return counted

    def review(
        self, connection: Connection, site_id: int, comment_id: str, before: Outcome | None, outcome: Outcome | None
    ) -> None:
        """Bring records up to date with a review, whose comment had been judged ``before``."""
        if before is not outcome:
            mine = self.counting(connection, comment_id)
            self.count(connection, site_id, mine, more=_named(outcome), fewer=_named(before))

    def count(
        self,
        connection: Connection,
        site_id: int,
        counting: Sequence[str],
        *,
        more: Iterable[str],
        fewer: Iterable[str],
    ) -> None:
        """Count one more and one fewer in some columns of records; names of no column are passed over."""
        column = records.c
        values: dict[str, Any] = {name: column[name] + 1 for name in more if name in _COUNTS}
        values |= {name: case((column[name] > 0, column[name] - 1), else_=0) for name in fewer if name in _COUNTS}
        if values:
            # One at a time and in the order of `keep`, so that two servers do not wait for each other.
            statement = update(records).where(records.c.site_id == site_id, records.c.trace == bindparam("of"))
            for trace in sorted(counting):
                connection.execute(statement.values(values), {"of": trace})

    def members(self, connection: Connection, site_id: int, trace: Trace) -> list[str]:
        """Ids of the comments that left a trace, oldest first."""
        query = select(traces.c.comment_id).where(
            traces.c.site_id == site_id, traces.c.trace == f"{trace[0]}:{trace[1]}"
        )
        return list(connection.execute(query.order_by(traces.c.comment_id)).scalars())

    def counting(self, connection: Connection, comment_id: str) -> list[str]:
        """The traces of a comment: which records count it."""
        first = and_(revisions.c.comment_id == comment_id, revisions.c.number == 1)
        return stored_traces(connection.execute(select(revisions.c.traces).where(first)).scalar_one())

    def campaign_of(self, connection: Connection, comment_id: str) -> str | None:
        """The campaign a comment belongs to."""
        prefix = f"{Kind.CAMPAIGN}:"
        found = [trace for trace in self.counting(connection, comment_id) if trace.startswith(prefix)]
        return found[0].removeprefix(prefix) if found else None

    def forget_campaigns(self, connection: Connection, before: int) -> int:
        """Forget campaigns without a member since ``before``; their records stay. Returns how many."""
        gone = connection.execute(delete(campaigns).where(campaigns.c.seen_at < before)).rowcount
        connection.execute(delete(bands).where(bands.c.seen_at < before))
        return gone


def _named(outcome: Outcome | None) -> list[str]:
    return [outcome] if outcome is not None else []


class _Near:
    """The campaigns of one site that some comments could belong to."""

    def __init__(self, rows: Iterable[Any] = ()) -> None:
        self._by_band: dict[int, str] = {}
        self._seen_at: dict[int, int] = {}
        self._signatures: dict[str, bytes] = {}
        for band, campaign, seen_at, signature in rows:
            self._by_band[band], self._seen_at[band] = campaign, seen_at
            self._signatures[campaign] = signature

    def add(self, campaign: str, trail: Trail) -> None:
        """Make a comment of this batch known to the next."""
        if trail.sketch is not None:
            self._signatures.setdefault(campaign, trail.sketch.signature)
            for band in trail.sketch.bands:
                self._by_band.setdefault(band, campaign)
                self._seen_at[band] = max(self._seen_at.get(band, 0), trail.when)

    def of(self, trail: Trail) -> str | None:
        """The campaign a comment belongs to: the one most alike, if any is alike enough."""
        if trail.sketch is None:
            return None
        oldest = trail.when - WINDOW
        candidates = {
            self._by_band[band]
            for band in trail.sketch.bands
            if band in self._by_band and self._seen_at[band] >= oldest
        }
        likeness = {one: alike(self._signatures[one], trail.sketch.signature) for one in sorted(candidates)}
        best = max(likeness, key=likeness.__getitem__, default=None)
        return best if best is not None and likeness[best] >= ALIKE else None


def _row(place: tuple[int, str], record: Record) -> tuple[Any, ...]:
    return *place, *(getattr(record, name) for name in _FIELDS)


def _adding_up(engine: Engine) -> Any:
    """INSERT INTO records, adding to the record that is there: ``moderation.past.merged`` in SQL."""
    old, statement = records.c, insert_into(engine, records)
    new = statement.excluded
    same, later, next_ = new.hour == old.hour, new.hour > old.hour, new.hour == old.hour + _ONE
    values: dict[str, Any] = {name: old[name] + new[name] for name in _COUNTS}
    values["first_at"] = case((new.first_at < old.first_at, new.first_at), else_=old.first_at)
    values["last_at"] = case((new.last_at > old.last_at, new.last_at), else_=old.last_at)
    values["hour"] = case((later, new.hour), else_=old.hour)
    values["in_hour"] = case((same, old.in_hour + new.in_hour), (later, new.in_hour), else_=old.in_hour)
    values["before"] = case(
        (same, old.before + new.before),
        (next_, new.before + old.in_hour),
        (later, new.before),
        (new.hour == old.hour - _ONE, old.before + new.in_hour),
        else_=old.before,
    )
    return statement.on_conflict_do_update(index_elements=["site_id", "trace"], set_=values)


def _newest_of(engine: Engine, name: str) -> Any:
    """INSERT INTO campaigns or bands; one that is there lives on, and a band whose campaign ended joins the new one."""
    table = {"campaigns": campaigns, "bands": bands}[name]
    statement = insert_into(engine, table)
    new, old = statement.excluded, table.c
    values: dict[str, Any] = {"seen_at": case((new.seen_at > old.seen_at, new.seen_at), else_=old.seen_at)}
    if name == "bands":
        values["campaign"] = case(
            (old.seen_at < new.seen_at - literal_column(str(WINDOW)), new.campaign), else_=old.campaign
        )
    keys = list(table.primary_key.columns.keys())
    return statement.on_conflict_do_update(index_elements=keys, set_=values)
