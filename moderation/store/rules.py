"""Rules of sites, and the comments that candidate rules are tried on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, Engine, Row, Select, and_, delete, func, insert, select, update

from moderation.errors import BadRule, RuleExists, RuleNotFound
from moderation.past import outcome_of
from moderation.review import Actor
from moderation.rules import Action, NewRule, Rule, RuleKind
from moderation.rules.checked import MOST_NOTE, check_expiry, checked_text
from moderation.rules.replay import MOST_COMMENTS, Stored
from moderation.store import id_from, now_ms
from moderation.store.audit import note_by
from moderation.store.database import reading, writing
from moderation.store.facts import fact, set_fact
from moderation.store.rows import comment_of
from moderation.store.schema import comments, first_of, last_of, reviews, revisions, rules, sites, verdicts
from moderation.store.sites import count_change
from moderation.verdict import Decision

MOST_RULES, MOST_REGEXES = 100_000, 10_000
"""Rules of one site, and regular expressions among them."""
AT_ONCE = 500
"""Comments read, and rules written, in one go."""
LARGEST_ID = 2**31 - 1
LAST_REMOVED = "last-removed-rule"
"""The fact that tells the largest id of a rule that was removed."""

Said = tuple[str, str, str]
"""Action, kind and value: what makes two rules the same."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of rules that were to be added."""

    rules: tuple[Rule, ...]
    """Those that are new, in their order."""
    duplicates: dict[int, Rule]
    """By its place in the list, the rule that says the same already (or stands further up in the list)."""


class RuleBook:
    """The rules of all sites in a database. Every change counts as a change of the site's policy."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def all(self, site_id: int, *, after: int = 0, most: int | None = None) -> list[Rule]:
        """Rules of a site, oldest first: from the one behind the id ``after`` on, so many at most."""
        with reading(self._engine) as connection:
            return _all(connection, site_id, after, most)

    def count(self, site_id: int) -> int:
        """How many rules a site has."""
        with reading(self._engine) as connection:
            return _count(connection, site_id)

    def get(self, site_id: int, rule_id: int) -> Rule:
        """One rule; raises ``RuleNotFound``."""
        with reading(self._engine) as connection:
            return _get(connection, site_id, rule_id)

    def add_one(self, site_id: int, wanted: NewRule, *, actor: Actor | None = None) -> Rule:
        """Add a rule; raises ``RuleExists``, or ``BadRule`` if the site has too many."""
        added = self.add(site_id, [wanted], actor=actor)
        if added.duplicates:
            (known,) = added.duplicates.values()
            raise RuleExists(known.id, f"{known.action} {known.kind} {known.value}")
        return added.rules[0]

    def add(self, site_id: int, wanted: Sequence[NewRule], *, actor: Actor | None = None) -> Added:
        """Add rules, all or none, but for those that are there; raises ``BadRule`` if the site has too many."""
        now = now_ms()
        with writing(self._engine) as connection:
            # Locks the site on PostgreSQL, so that two lists added at once cannot both add the same rule.
            connection.execute(select(sites.c.id).where(sites.c.id == site_id).with_for_update())
            known = {_said(rule): rule for rule in _all(connection, site_id)}
            fresh, duplicates = _sorted_out(wanted, known)
            _refuse_too_many([*known.values(), *fresh])
            added = _insert(connection, site_id, fresh, now)
            if added:
                count_change(connection, site_id)
            for rule in added:
                _note(connection, site_id, actor or Actor(rule.created_by or "api", "api"), "add-rule", rule)
        known |= {_said(rule): rule for rule in added}
        return Added(tuple(added), {place: known[_said(wanted[place])] for place in duplicates})

    def change(
        self,
        site_id: int,
        rule_id: int,
        *,
        note: str | UnsetType = UNSET,
        expires_at: int | UnsetType | None = UNSET,
    ) -> Rule:
        """Change a rule's note or expiry; raises ``RuleNotFound`` or ``BadRule``. What it says is another rule."""
        values: dict[str, object] = {}
        if note is not UNSET:
            values["note"] = checked_text(note, "$.note", MOST_NOTE).strip()
        if expires_at is not UNSET:
            check_expiry(expires_at, now_ms())
            values["expires_at"] = expires_at
        with writing(self._engine) as connection:
            known = _get(connection, site_id, rule_id)
            if values:
                connection.execute(update(rules).where(rules.c.id == known.id).values(values))
                count_change(connection, site_id)
            return _get(connection, site_id, rule_id)

    def remove(self, site_id: int, rule_id: int, *, actor: Actor | None = None) -> Rule:
        """Remove a rule; returns what it was, or raises ``RuleNotFound``."""
        with writing(self._engine) as connection:
            known = _get(connection, site_id, rule_id)
            connection.execute(delete(rules).where(rules.c.id == known.id))
            set_fact(connection, LAST_REMOVED, str(max(known.id, _last_removed(connection))))
            count_change(connection, site_id)
            _note(connection, site_id, actor or Actor("api", "api"), "remove-rule", known)
            return known

    def history(self, site_id: int, *, most: int = MOST_COMMENTS, since: int = 0) -> Iterator[Stored]:
        """Comments of a site, newest first, trials left out; from ``since`` (milliseconds since 1970, UTC) on.

        Read in portions, each a transaction of its own: nobody waits for whoever looks at the comments.
        """
        before: str | None = None
        while most > 0:
            with reading(self._engine) as connection:
                rows = connection.execute(_history_query(site_id, id_from(since), before, min(most, AT_ONCE))).all()
            for row in rows:
                outcome = outcome_of(row.outcome)
                yield Stored(comment_of(row.body), row.received_at, Decision(row.decision), outcome)
            if len(rows) < AT_ONCE:
                return
            before, most = rows[-1].id, most - len(rows)


def _history_query(site_id: int, first: str, before: str | None, most: int) -> Select[tuple[str, int, str, str, str]]:
    """Newest body, first decision and newest review of the site's comments, from ids below ``before`` down."""
    query = (
        select(comments.c.id, comments.c.received_at, revisions.c.body, verdicts.c.decision, reviews.c.outcome)
        .select_from(comments)
        .join(revisions, and_(revisions.c.comment_id == comments.c.id, revisions.c.number == last_of(revisions)))
        .join(verdicts, and_(verdicts.c.comment_id == comments.c.id, verdicts.c.number == first_of(verdicts)))
        .outerjoin(reviews, and_(reviews.c.comment_id == comments.c.id, reviews.c.number == last_of(reviews)))
        .where(comments.c.site_id == site_id, comments.c.is_test.is_(False), comments.c.id >= first)
        .order_by(comments.c.id.desc())
        .limit(most)
    )
    return query if before is None else query.where(comments.c.id < before)


def _note(connection: Connection, site_id: int, actor: Actor, action: str, rule: Rule) -> None:
    said = f"{rule.action} {rule.kind} {rule.value}"[:200]
    note_by(connection, site_id, actor, action, rule=rule.id, says=said)


def _said(rule: Rule | NewRule) -> Said:
    return rule.action, rule.kind, rule.value


def _sorted_out(wanted: Sequence[NewRule], known: Mapping[Said, Rule]) -> tuple[list[NewRule], list[int]]:
    """Those that are new, and the places of those that are not."""
    fresh: dict[Said, NewRule] = {}
    duplicates = []
    for place, rule in enumerate(wanted):
        if _said(rule) in known or _said(rule) in fresh:
            duplicates.append(place)
        else:
            fresh[_said(rule)] = rule
    return list(fresh.values()), duplicates


def _refuse_too_many(all_of_them: Sequence[Rule | NewRule]) -> None:
    regexes = sum(rule.kind is RuleKind.REGEX for rule in all_of_them)
    if len(all_of_them) > MOST_RULES:
        raise BadRule(f"the site would have {len(all_of_them):,} rules; at most {MOST_RULES:,} are taken", "$")
    if regexes > MOST_REGEXES:
        raise BadRule(
            f"the site would have {regexes:,} rules of kind regex; at most {MOST_REGEXES:,} are taken: use other kinds",
            "$",
        )


def _insert(connection: Connection, site_id: int, fresh: Sequence[NewRule], now: int) -> list[Rule]:
    """Insert rules and read them back: only the database knows their ids."""
    last = connection.execute(select(func.max(rules.c.id)).where(rules.c.site_id == site_id)).scalar() or 0
    rows = [{**msgspec.to_builtins(rule), "site_id": site_id, "created_at": now, "hits": 0} for rule in fresh]
    if connection.dialect.name == "sqlite":
        # It would give the id of a removed rule again, and an old page or script would remove the wrong one.
        largest = connection.execute(select(func.max(rules.c.id))).scalar() or 0
        start = 1 + max(largest, _last_removed(connection))
        rows = [{**row, "id": number} for number, row in enumerate(rows, start)]
    for low in range(0, len(rows), AT_ONCE):
        connection.execute(insert(rules), rows[low : low + AT_ONCE])
    return _all(connection, site_id, last)


def _last_removed(connection: Connection) -> int:
    return int(fact(connection, LAST_REMOVED) or 0)


def _all(connection: Connection, site_id: int, after: int = 0, most: int | None = None) -> list[Rule]:
    query = select(rules).where(rules.c.site_id == site_id, rules.c.id > after).order_by(rules.c.id).limit(most)
    return [_to_rule(row) for row in connection.execute(query)]


def _count(connection: Connection, site_id: int) -> int:
    query = select(func.count()).select_from(rules).where(rules.c.site_id == site_id)
    return connection.execute(query).scalar_one()


def _get(connection: Connection, site_id: int, rule_id: int) -> Rule:
    row = None
    if 0 < rule_id <= LARGEST_ID:
        query = select(rules).where(rules.c.site_id == site_id, rules.c.id == rule_id)
        row = connection.execute(query).one_or_none()
    if row is None:
        raise RuleNotFound(rule_id)
    return _to_rule(row)


def _to_rule(row: Row[Any]) -> Rule:
    return Rule(
        id=row.id,
        action=Action(row.action),
        kind=RuleKind(row.kind),
        value=row.value,
        note=row.note,
        created_by=row.created_by,
        created_at=row.created_at,
        expires_at=row.expires_at,
        hits=row.hits,
        last_hit_at=row.last_hit_at,
    )
