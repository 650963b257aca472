"""Reviews in the database: added, taken back, and what follows from them, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, and_, func, insert, select

from moderation.errors import AlreadySettled, Changed, CommentNotFound, NothingToUndo, NotYours, TooLate
from moderation.past import Outcome, outcome_of
from moderation.policy import Mode
from moderation.review import (
    UNDO_FOR,
    Actor,
    Card,
    Counts,
    Done,
    Filter,
    Order,
    Page,
    Result,
    decision_after,
)
from moderation.store import Review
from moderation.store.audit import note_by
from moderation.store.database import in_portions, reading, writing
from moderation.store.decisions import Told, tell
from moderation.store.past import PastTables
from moderation.store.queue import QueueTables
from moderation.store.rows import choices_of, find
from moderation.store.schema import comments, last_of, reviews, revisions, samples, sites, verdicts
from moderation.verdict import Decision

OPEN, NONE = "open", "none"
"""Outcomes of reviews that take something back: into the queue, and out of it as if nothing had been said."""
IMPORTED = "imported"
"""Note of reviews that were made elsewhere: of comments that somebody has picked, and not one after the other here."""


@dataclass(frozen=True, slots=True)
class _State:
    """What was last said of a comment, and how many things were said before."""

    number: int = 0
    stored: str | None = None
    reviewer: str = ""
    at: int = 0
    later: int = 0
    """Versions after the first."""

    @property
    def seen(self) -> int:
        """What who knows all of this has seen; see :class:`~moderation.review.Card`."""
        return self.number + self.later

    @property
    def outcome(self) -> Outcome | None:
        return outcome_of(self.stored)


class ReviewTables:
    """Writes of reviews; every call works inside the caller's transaction."""

    def __init__(self, past: PastTables, queue: QueueTables) -> None:
        self._past, self._queue = past, queue

    def settle(
        self,
        connection: Connection,
        site_id: int,
        said: Mapping[str, Review],
        seen: Mapping[str, int] | None,
        actor: Actor,
        *,
        quiet: bool = False,
    ) -> dict[str, Result]:
        """See :class:`~moderation.review.ReviewStore`. ``quiet``: the site is told nothing."""
        found = _located(connection, site_id, said)
        states = _states(connection, [row.id for row in found.values()])
        results: dict[str, Result] = {asked: CommentNotFound(asked) for asked in said if asked not in found}
        fresh: list[tuple[str, Row[Any], Review]] = []
        named: dict[str, str] = {}
        for asked, row in found.items():
            if named.setdefault(row.id, asked) != asked:  # By our id and by the site's own: it is settled once.
                continue
            state, review = states.get(row.id, _State()), said[asked]
            if seen is not None and state.seen != seen.get(asked, 0):
                results[asked] = _late(row, state, review, seen.get(asked, 0))
            else:
                fresh.append((asked, row, review))
        for asked, row, review in fresh:
            results[asked] = self._add(connection, row, states.get(row.id, _State()), review, str(review.outcome))
        self._follow(connection, site_id, [(row, review) for _, row, review in fresh], actor, quiet=quiet)
        return results | {asked: results[named[row.id]] for asked, row in found.items()}

    def _follow(
        self,
        connection: Connection,
        site_id: int,
        fresh: Sequence[tuple[Row[Any], Review]],
        actor: Actor,
        *,
        quiet: bool,
    ) -> None:
        """What comes with reviews: out of the queue, noted, and told to the site."""
        self._queue.leave(connection, [row.id for row, _ in fresh])
        told = []
        for row, review in fresh:
            if review.outcome is not None:
                decision = decision_after(review.outcome)
                told.append(
                    Told(row.id, row.external_id, decision, review.outcome, review.reviewer, review.reviewed_at)
                )
                note_by(connection, site_id, actor, "review", row.id, outcome=review.outcome.value)
        if not quiet:
            tell(connection, site_id, told)

    def _add(self, connection: Connection, row: Row[Any], state: _State, review: Review, stored: str) -> Done:
        number = state.number + 1
        values = (row.id, number, stored, review.reviewer, review.note, review.reviewed_at)
        connection.execute(insert(reviews).values(values))
        self._past.review(connection, row.site_id, row.id, state.outcome, review.outcome)
        return Done(row.id, row.external_id, review, number, number + state.later, waiting=stored == OPEN)

    def take_back(
        self,
        connection: Connection,
        site_id: int,
        comment_id: str,
        number: int,
        actor: Actor,
        now: int,
        *,
        own: bool,
    ) -> Done:
        """See :class:`~moderation.review.ReviewStore`."""
        row = find(connection, site_id, comment_id, lock=True)
        said = _all(connection, row.id)
        newest = said[-1] if said else _State()
        if newest.number == number + 1 and newest.outcome is None and newest.reviewer == actor.name:
            review = Review(None, newest.reviewer, newest.at)
            waits = newest.stored == OPEN
            return Done(row.id, row.external_id, review, newest.number, newest.seen, waits, repeated=True)
        _refuse(row, newest, number, actor, now, own)
        before = said[-2].stored if len(said) > 1 else None
        stands = _newest_decision(connection, row.id)
        drawn = _is_drawn(connection, row.id)
        stored = before or (OPEN if stands is Decision.HOLD or drawn else NONE)
        review = Review(outcome_of(stored), actor.name, now, f"review {number} taken back")
        done = self._add(connection, row, newest, review, stored)
        if stored == OPEN:
            self._queue.enter_stored(connection, site_id, [row.id], now)
        undecided = Decision.HOLD if stored == OPEN and not drawn else stands
        if _only_watches(connection, site_id):
            undecided = Decision.ACCEPT
        decision = decision_after(review.outcome) if review.outcome is not None else undecided
        tell(connection, site_id, [Told(row.id, row.external_id, decision, review.outcome, actor.name, now)])
        note_by(connection, site_id, actor, "undo", row.id, number=number)
        return done

    def reopen(self, connection: Connection, site_id: int, comment_id: str, actor: Actor, now: int) -> Done:
        """See :class:`~moderation.review.ReviewStore`. The site is told nothing: what it shows it goes on showing."""
        row = find(connection, site_id, comment_id, lock=True)
        state = _states(connection, [row.id]).get(row.id, _State())
        review = Review(None, actor.name, now)
        if self._queue.waits(connection, row.id):
            return Done(row.id, row.external_id, review, state.number, state.seen, waiting=True, repeated=True)
        done = self._add(connection, row, state, review, OPEN)
        self._queue.enter_stored(connection, site_id, [row.id], now)
        note_by(connection, site_id, actor, "reopen", row.id)
        return done


class SqlReviews:
    """A :class:`~moderation.review.ReviewStore` in a database; safe to use from many threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        past = PastTables(engine)
        self._queue = QueueTables(engine, past)
        self._tables = ReviewTables(past, self._queue)

    def page(self, site_ids: Sequence[int], wanted: Filter, order: Order, after: str | None, limit: int) -> Page:
        """See :class:`~moderation.review.ReviewStore`."""
        with reading(self._engine) as connection:
            return self._queue.page(connection, site_ids, wanted, order, after, limit)

    def card(self, site_id: int, comment_id: str) -> Card:
        """See :class:`~moderation.review.ReviewStore`."""
        with reading(self._engine) as connection:
            return self._queue.card(connection, site_id, find(connection, site_id, comment_id).id)

    def counts(self, site_ids: Sequence[int], wanted: Filter) -> Counts:
        """See :class:`~moderation.review.ReviewStore`."""
        with reading(self._engine) as connection:
            return self._queue.counts(connection, site_ids, wanted)

    def arrived(self, site_ids: Sequence[int], wanted: Filter, since: int) -> int:
        """See :class:`~moderation.review.ReviewStore`."""
        with reading(self._engine) as connection:
            return self._queue.arrived(connection, site_ids, wanted, since)

    def claim(self, site_ids: Sequence[int], comment_ids: Sequence[str], by: str, now: int) -> dict[str, str]:
        """See :class:`~moderation.review.ReviewStore`."""
        with writing(self._engine) as connection:
            return self._queue.claim(connection, site_ids, comment_ids, by, now)

    def release(self, site_ids: Sequence[int], comment_ids: Sequence[str], by: str) -> None:
        """See :class:`~moderation.review.ReviewStore`."""
        with writing(self._engine) as connection:
            self._queue.release(connection, site_ids, comment_ids, by)

    def settle(
        self,
        site_id: int,
        said: Mapping[str, Review],
        seen: Mapping[str, int] | None,
        actor: Actor,
        *,
        quiet: bool = False,
    ) -> dict[str, Result]:
        """See :class:`~moderation.review.ReviewStore`. ``quiet``: the site is told nothing."""
        with writing(self._engine) as connection:
            return self._tables.settle(connection, site_id, said, seen, actor, quiet=quiet)

    def newest(self, comment_ids: Sequence[str]) -> dict[str, Outcome | None]:
        """What was last said of comments, by our ids; those of which nothing was said are left out."""
        with reading(self._engine) as connection:
            states = _states(connection, comment_ids)
            return {one: state.outcome for one, state in states.items() if state.number}

    def take_back(self, site_id: int, comment_id: str, number: int, actor: Actor, now: int, *, own: bool) -> Done:
        """See :class:`~moderation.review.ReviewStore`."""
        with writing(self._engine) as connection:
            return self._tables.take_back(connection, site_id, comment_id, number, actor, now, own=own)

    def reopen(self, site_id: int, comment_id: str, actor: Actor, now: int) -> Done:
        """See :class:`~moderation.review.ReviewStore`."""
        with writing(self._engine) as connection:
            return self._tables.reopen(connection, site_id, comment_id, actor, now)


def _only_watches(connection: Connection, site_id: int) -> bool:
    """Whether a site is in shadow mode, in which no machine holds anything against a comment."""
    policy = connection.execute(select(sites.c.policy).where(sites.c.id == site_id)).scalar_one()
    return choices_of(policy).mode is Mode.SHADOW


def _is_drawn(connection: Connection, comment_id: str) -> bool:
    """Whether a person is to look at it, whatever was decided."""
    return connection.execute(select(samples.c.share).where(samples.c.comment_id == comment_id)).first() is not None


def _refuse(row: Row[Any], newest: _State, number: int, actor: Actor, now: int, own: bool) -> None:
    """Raise what forbids to take a review back."""
    if newest.number == 0 or (newest.number == number and newest.outcome is None):
        raise NothingToUndo(row.id)
    if newest.number != number:
        raise AlreadySettled(row.id, newest.reviewer, newest.outcome, newest.at, newest.number)
    if own and newest.reviewer != actor.name:
        raise NotYours(row.id, newest.reviewer)
    if now - newest.at > UNDO_FOR:
        raise TooLate(row.id)


def _late(row: Row[Any], state: _State, review: Review, seen: int) -> Result:
    """The answer to who acts on what was reviewed meanwhile; their own repetition is no conflict."""
    if state.reviewer == review.reviewer and state.outcome is review.outcome:
        same = Review(state.outcome, state.reviewer, state.at)
        return Done(row.id, row.external_id, same, state.number, state.seen, waiting=False, repeated=True)
    if state.number <= seen:  # It is not a review that is new.
        return Changed(row.id)
    return AlreadySettled(row.id, state.reviewer, state.outcome, state.at, state.number)


def _located(connection: Connection, site_id: int, asked: Iterable[str]) -> dict[str, Row[Any]]:
    """The rows of comments, by our ids or the site's own, kept from others until the end."""
    names, found = list(asked), {}
    for column in (comments.c.id, comments.c.external_id):
        for some in in_portions([name for name in names if name not in found]):
            own = select(comments).where(comments.c.site_id == site_id, column.in_(some))
            # In one order, so that two people who settle the same do not wait for each other.
            rows = connection.execute(own.order_by(comments.c.id).with_for_update())
            found.update({getattr(row, column.name): row for row in rows})
    return found


def _states(connection: Connection, ids: Sequence[str]) -> dict[str, _State]:
    found: dict[str, _State] = {}
    for some in in_portions(ids):
        newest = select(reviews).where(reviews.c.comment_id.in_(some), reviews.c.number == last_of(reviews))
        said = {row.comment_id: row for row in connection.execute(newest)}
        versions = select(revisions.c.comment_id, func.max(revisions.c.number).label("number"))
        grouped = versions.where(revisions.c.comment_id.in_(some)).group_by(revisions.c.comment_id)
        for row in connection.execute(grouped):
            found[row.comment_id] = _state(said.get(row.comment_id), row.number - 1)
    return found


def _all(connection: Connection, comment_id: str) -> list[_State]:
    versions = select(func.max(revisions.c.number)).where(revisions.c.comment_id == comment_id)
    later = connection.execute(versions).scalar_one() - 1
    query = select(reviews).where(reviews.c.comment_id == comment_id).order_by(reviews.c.number)
    return [_state(row, later) for row in connection.execute(query)]


def _state(row: Row[Any] | None, later: int) -> _State:
    if row is None:
        return _State(later=later)
    return _State(row.number, row.outcome, row.reviewer, row.reviewed_at, later)


def _newest_decision(connection: Connection, comment_id: str) -> Decision:
    newest = and_(verdicts.c.comment_id == comment_id, verdicts.c.number == last_of(verdicts))
    return Decision(connection.execute(select(verdicts.c.decision).where(newest)).scalar_one())
