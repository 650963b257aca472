"""The queue: who waits, who settles, who may take it back; on every database."""

from __future__ import annotations

from threading import Barrier, Thread
from time import sleep

import pytest
from sqlalchemy import select, update

from moderation.comment import Author, Post
from moderation.errors import (
    AlreadySettled,
    BadFilter,
    Changed,
    CommentNotFound,
    NothingToUndo,
    NotYours,
    TooLate,
)
from moderation.past import DAY, Kind, Outcome
from moderation.review import (
    CLAIMED_FOR,
    MOST_AT_ONCE,
    Actor,
    Done,
    Facet,
    Filter,
    Order,
    ReviewQueue,
)
from moderation.store import now_ms
from moderation.store.audit import acts
from moderation.store.decisions import after
from moderation.store.labels import LabelTables
from moderation.store.reviews import SqlReviews
from moderation.store.schema import queue as queue_table
from moderation.store.schema import sites
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import make_author
from tests.conftest import DATABASES
from tests.moderation.evidence import ANN, BEN, COPY, NOW, OTHER, SECRET, keep_one

pytestmark = DATABASES
ANNE, BOB = Actor("anne", "dashboard"), Actor("bob", "dashboard")


class Clock:
    """A clock that stands until it is set."""

    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(engine):
    sites = Sites(engine, SECRET)
    sites.create_site("ann")
    sites.create_site("ben")
    return SqlStore(engine)


@pytest.fixture
def waits(store, engine, clock):
    """The queue of a database with two sites."""
    return ReviewQueue(SqlReviews(engine), clock)


def hold(store, text: str = "Is it held?", **options) -> str:
    began = now_ms()
    while now_ms() == began:  # Ids sort by time to the millisecond: the next one's is another.
        sleep(0.0002)
    return keep_one(store, text, Decision.HOLD, **options).id


def ids(page) -> list[str]:
    return [card.waiting.comment_id for card in page.cards]


def said(waits, comment_id: str, outcome: Outcome = Outcome.HAM, actor: Actor = ANNE, seen: int | None = 0, **more):
    counted = {comment_id: seen} if seen is not None else None
    return waits.settle(ANN, [comment_id], outcome, actor, seen=counted, **more)[comment_id]


# -- Who waits


def test_what_is_held_waits_and_nothing_else(store, waits):
    held = hold(store)
    keep_one(store, OTHER, Decision.ACCEPT)
    keep_one(store, "Buy now", Decision.REJECT)
    assert ids(waits.page([ANN])) == [held]


def test_a_trial_does_not_wait(store, waits):
    hold(store, is_test=True)
    assert ids(waits.page([ANN])) == []


def test_a_card_has_the_comment_its_verdict_and_its_record(store, waits):
    hold(store, author=make_author())
    (card,) = waits.page([ANN]).cards
    assert card.comment.text == "Is it held?"
    assert card.verdict.decision is Decision.HOLD
    assert {kind for kind, _ in card.records} >= {Kind.EMAIL, Kind.NAME}
    assert all(record.held == 1 for record in card.records.values())


def test_a_site_does_not_see_what_another_waits_for(store, waits):
    hold(store, site=BEN)
    assert ids(waits.page([ANN])) == []
    assert len(ids(waits.page([ANN, BEN]))) == 1


def test_a_comment_that_changes_and_is_accepted_leaves_the_queue(store, waits):
    hold(store, id="7")
    keep_one(store, "Is it changed?", Decision.ACCEPT, id="7")
    assert ids(waits.page([ANN])) == []


def test_a_comment_that_changes_and_is_held_again_waits_as_it_is_now(store, waits):
    hold(store, id="7")
    keep_one(store, "Is it changed?", Decision.HOLD, id="7")
    (card,) = waits.page([ANN]).cards
    assert card.comment.text == card.waiting.words.strip().capitalize() == "Is it changed?"


def test_a_held_campaign_waits(store, waits):
    kept = sorted(keep_one(store, COPY, id=str(number)).id for number in range(3))
    store.hold_campaign(ANN, kept[0])
    (card,) = waits.page([ANN]).cards
    assert [card.waiting.comment_id, *(twin.comment_id for twin in card.twins)] == kept


# -- In which order, and how narrowed


def test_near_copies_are_one_card(store, waits):
    kept = [hold(store, COPY, id=str(number)) for number in range(4)]
    other = hold(store, OTHER)
    page = waits.page([ANN])
    assert ids(page) == [kept[0], other]
    assert [twin.comment_id for twin in page.cards[0].twins] == kept[1:]


def test_pages_follow_each_other_and_miss_nothing(store, waits):
    kept = [hold(store, f"{OTHER} {number} {chr(97 + number) * 9}", id=str(number)) for number in range(7)]
    found, after_ = [], None
    while True:
        page = waits.page([ANN], Filter(words="missing"), limit=2, after=after_)
        found += [one for card in page.cards for one in (card.waiting.comment_id, *(t.comment_id for t in card.twins))]
        after_ = page.after
        if after_ is None:
            break
    assert sorted(found) == sorted(kept)


@pytest.mark.parametrize("order", list(Order))
def test_a_page_of_two_sites_is_in_one_order(store, waits, order):
    texts = ["first of all", "zebras and apes", "green eggs", "ham sandwich today", "quite another", "sixth"]
    for number, text in enumerate(texts):
        hold(store, text, site=(ANN, BEN)[number % 2])
    whole = ids(waits.page([ANN, BEN], order=order))
    first = waits.page([ANN, BEN], order=order, limit=4)
    assert ids(first) + ids(waits.page([ANN, BEN], order=order, limit=4, after=first.after)) == whole
    assert len(whole) == 6


def test_the_queue_is_narrowed_by_every_facet(store, waits):
    first = hold(store, "see http://shop.example/x", author=make_author(name="Eve"), post=Post(url="/a"), language="de")
    hold(store, OTHER, post=Post(url="/b"), language="en")
    row = waits.page([ANN], Filter({Facet.POST: "/a"})).cards[0].waiting
    for facet, value in (
        (Facet.LANGUAGE, "de"),
        (Facet.DOMAIN, "shop.example"),
        (Facet.AUTHOR, row.author),
        (Facet.CAMPAIGN, row.campaign),
    ):
        assert ids(waits.page([ANN], Filter({facet: value}))) == [first]


def test_a_search_takes_percent_signs_as_they_are(store, waits):
    found = hold(store, "save 100% today")
    hold(store, "save 100 today")
    assert ids(waits.page([ANN], Filter(words="100% SAVE"))) == [found]


def test_what_waits_longer_can_be_asked_for(store, waits, engine):
    hold(store)
    with engine.begin() as connection:
        entered = connection.execute(select(queue_table.c.entered_at)).scalar_one()
    assert ids(waits.page([ANN], Filter(until=entered))) == []
    assert len(ids(waits.page([ANN], Filter(until=entered + 1)))) == 1


def test_counts_tell_how_often_each_value_is_met(store, waits):
    hold(store, "eins zwei drei", language="de", author=Author(name="Eve"))
    hold(store, OTHER, language="en", author=Author(name="Eve"))
    found = waits.counts([ANN])
    assert (found.total, found.more, found.by_site) == (2, False, {ANN: 2})
    assert found.facets[Facet.LANGUAGE] == {"de": 1, "en": 1}
    ((trace, count),) = found.facets[Facet.AUTHOR].items()
    assert (found.names[trace], count) == ("Eve", 2)


def test_new_arrivals_are_counted(store, waits, engine):
    hold(store)
    with engine.begin() as connection:
        entered = connection.execute(select(queue_table.c.entered_at)).scalar_one()
    assert waits.arrived([ANN], Filter(), entered - 1) == 1
    assert waits.arrived([ANN], Filter(), entered) == 0


@pytest.mark.parametrize("after_", ["", "x", "1.zz", "1." + "f" * 31, "99999999999." + "0" * 32, "1;DROP"])
def test_a_place_that_is_none_is_refused(waits, after_):
    with pytest.raises(BadFilter, match="not a place"):
        waits.page([ANN], after=after_)


# -- Settling


@pytest.mark.parametrize(("outcome", "decision"), [("ham", "accept"), ("spam", "reject"), ("other", "reject")])
def test_settling_ends_waiting_and_tells_the_site(store, waits, engine, outcome, decision):
    comment_id = hold(store, id="their-7")
    done = said(waits, comment_id, Outcome(outcome))
    assert isinstance(done, Done) and (done.number, done.waiting) == (1, False)
    assert ids(waits.page([ANN])) == []
    with engine.begin() as connection:
        ((_, told),) = after(connection, ANN, 0, 9)
    assert (told.external_id, told.decision, told.outcome, told.by) == ("their-7", decision, outcome, "anne")


def test_settling_is_noted(store, waits, engine):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM)
    with engine.begin() as connection:
        (act,) = acts(connection, [ANN], actions=["review"])
    assert (act.actor, act.via, act.action, act.comment_id) == ("anne", "dashboard", "review", comment_id)


def test_settling_is_counted_in_the_records(store, waits):
    comment_id = hold(store, author=make_author())
    said(waits, comment_id, Outcome.SPAM)
    card = SqlReviews(store._engine).card(ANN, comment_id)
    assert {record.spam for (kind, _), record in card.records.items() if kind is Kind.EMAIL} == {1}


def test_who_comes_second_learns_who_was_first(store, waits):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM, BOB)
    late = said(waits, comment_id, Outcome.HAM, ANNE)
    assert isinstance(late, AlreadySettled)
    assert (late.by, late.outcome, late.number) == ("bob", "spam", 1)
    assert [review.outcome for review in store.history(ANN, comment_id).reviews] == ["spam"]


def test_what_its_site_has_changed_meanwhile_is_looked_at_again(store, waits):
    comment_id = hold(store, id="7")
    hold(store, "Buy my hats", id="7")
    assert isinstance(said(waits, comment_id), Changed)
    (card,) = waits.page([ANN]).cards
    assert (card.comment.text, card.seen) == ("Buy my hats", 1)
    assert isinstance(said(waits, comment_id, Outcome.SPAM, seen=1), Done)


def test_near_copies_say_how_much_of_them_is_shown(store, waits):
    kept = [hold(store, COPY, id=str(number)) for number in range(2)]
    said(waits, kept[1])
    waits.undo(ANN, kept[1], 1, ANNE)
    (card,) = waits.page([ANN]).cards
    assert [twin.seen for twin in card.twins] == [2]


def test_the_same_key_twice_says_it_once(store, waits):
    comment_id = hold(store)
    said(waits, comment_id)
    again = said(waits, comment_id)
    assert isinstance(again, Done) and again.repeated
    assert len(store.history(ANN, comment_id).reviews) == 1


def test_a_decision_can_be_changed_by_who_has_seen_it(store, waits):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM, BOB)
    assert isinstance(said(waits, comment_id, Outcome.HAM, ANNE, seen=1), Done)
    assert store.history(ANN, comment_id).reviews[-1].outcome is Outcome.HAM


def test_of_two_who_settle_at_once_one_wins(store, waits, engine):
    comment_id = hold(store)
    for turn in range(10):
        results, barrier = [], Barrier(2)

        def act(actor: Actor, outcome: Outcome, turn=turn, results=results, barrier=barrier) -> None:
            barrier.wait()
            results.append(
                ReviewQueue(SqlReviews(engine)).settle(ANN, [comment_id], outcome, actor, seen={comment_id: turn})
            )

        both = [Thread(target=act, args=one) for one in ((ANNE, Outcome.HAM), (BOB, Outcome.SPAM))]
        for thread in both:
            thread.start()
        for thread in both:
            thread.join()
        kinds = sorted(type(result[comment_id]).__name__ for result in results)
        assert kinds == ["AlreadySettled", "Done"]
        assert len(store.history(ANN, comment_id).reviews) == turn + 1


def test_many_are_settled_at_once_and_each_has_its_result(store, waits):
    kept = [hold(store, COPY, id=str(number)) for number in range(5)]
    said(waits, kept[2], Outcome.HAM, BOB)
    results = waits.settle(ANN, [*kept, "nobody's"], Outcome.SPAM, ANNE, seen={})
    assert [type(results[one]) for one in kept] == [Done, Done, AlreadySettled, Done, Done]
    assert isinstance(results["nobody's"], CommentNotFound)


def test_the_site_s_own_ids_are_taken_too(store, waits):
    hold(store, id="their-7")
    assert isinstance(said(waits, "their-7"), Done)


def test_what_another_site_has_is_not_found(store, waits):
    assert isinstance(said(waits, hold(store, site=BEN)), CommentNotFound)


def test_too_many_at_once_are_refused(waits):
    with pytest.raises(BadFilter, match="at most 1,000"):
        waits.settle(ANN, ["x"] * (MOST_AT_ONCE + 1), Outcome.HAM, ANNE)


# -- Taking back


def test_undo_puts_the_comment_back_into_the_queue(store, waits, engine):
    comment_id = hold(store, author=make_author())
    said(waits, comment_id, Outcome.SPAM)
    done = waits.undo(ANN, comment_id, 1, ANNE)
    assert (done.waiting, done.number, done.review.outcome) == (True, 2, None)
    (card,) = waits.page([ANN]).cards
    assert [review.outcome for review in card.reviews] == ["spam", None]
    assert all(record.spam == 0 for record in card.records.values())
    with engine.begin() as connection:
        told = [one.decision for _, one in after(connection, ANN, 0, 9)]
    assert told == ["reject", "hold"]


def test_a_site_that_only_watches_is_never_told_to_hold(store, waits, engine):
    comment_id = hold(store, author=make_author())
    said(waits, comment_id, Outcome.SPAM)
    with engine.begin() as connection:
        connection.execute(update(sites).where(sites.c.id == ANN).values(policy='{"mode":"shadow"}'))
    waits.undo(ANN, comment_id, 1, ANNE)
    with engine.begin() as connection:
        assert [one.decision for _, one in after(connection, ANN, 0, 9)] == ["reject", "accept"]


def test_what_was_taken_back_is_no_label(store, waits, engine):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM)
    waits.undo(ANN, comment_id, 1, ANNE)
    assert list(LabelTables(engine).all(ANN)) == []


def test_after_undo_it_can_be_settled_anew(store, waits):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM)
    waits.undo(ANN, comment_id, 1, ANNE)
    assert isinstance(said(waits, comment_id, Outcome.HAM, seen=2), Done)


def test_undo_of_a_correction_restores_what_was_said_before(store, waits):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM)
    said(waits, comment_id, Outcome.HAM, seen=1)
    assert waits.undo(ANN, comment_id, 2, ANNE).review.outcome is Outcome.SPAM
    assert ids(waits.page([ANN])) == []


def test_undo_of_a_review_of_an_accepted_comment_does_not_queue_it(store, waits):
    comment_id = keep_one(store, OTHER, Decision.ACCEPT).id
    said(waits, comment_id, Outcome.SPAM)
    assert not waits.undo(ANN, comment_id, 1, ANNE).waiting
    assert ids(waits.page([ANN])) == []


def test_undo_twice_is_once(store, waits):
    comment_id = hold(store)
    said(waits, comment_id)
    waits.undo(ANN, comment_id, 1, ANNE)
    assert waits.undo(ANN, comment_id, 1, ANNE).repeated
    assert len(store.history(ANN, comment_id).reviews) == 2


def test_undo_ends_with_the_day(store, waits, clock):
    comment_id = hold(store)
    said(waits, comment_id)
    clock.now += DAY + 1
    with pytest.raises(TooLate):
        waits.undo(ANN, comment_id, 1, ANNE)


def test_another_s_review_is_taken_back_by_an_owner_alone(store, waits):
    comment_id = hold(store)
    said(waits, comment_id, Outcome.SPAM, BOB)
    with pytest.raises(NotYours, match="bob's"):
        waits.undo(ANN, comment_id, 1, ANNE)
    assert waits.undo(ANN, comment_id, 1, ANNE, own=False).waiting


def test_what_was_said_after_it_is_not_undone(store, waits):
    comment_id = hold(store)
    said(waits, comment_id)
    said(waits, comment_id, Outcome.SPAM, BOB, seen=1)
    with pytest.raises(AlreadySettled, match="by bob"):
        waits.undo(ANN, comment_id, 1, ANNE)


def test_where_nothing_was_said_there_is_nothing_to_undo(store, waits):
    with pytest.raises(NothingToUndo):
        waits.undo(ANN, hold(store), 1, ANNE)


def test_any_comment_can_be_put_into_the_queue_once(store, waits):
    comment_id = keep_one(store, OTHER, Decision.REJECT).id
    assert waits.reopen(ANN, comment_id, ANNE).waiting
    assert waits.reopen(ANN, comment_id, BOB).repeated
    assert ids(waits.page([ANN])) == [comment_id]
    assert isinstance(said(waits, comment_id, seen=1), Done)
    assert ids(waits.page([ANN])) == []


# -- Looking at the same thing


def test_who_looks_at_a_comment_has_it_for_two_minutes(store, waits, clock):
    comment_id = hold(store)
    assert waits.claim([ANN], [comment_id], "anne") == {}
    assert waits.claim([ANN], [comment_id], "bob") == {comment_id: "anne"}
    clock.now += CLAIMED_FOR
    assert waits.claim([ANN], [comment_id], "bob") == {}


def test_what_is_released_is_free(store, waits):
    comment_id = hold(store)
    waits.claim([ANN], [comment_id], "anne")
    waits.release([ANN], [comment_id], "bob")
    assert waits.claim([ANN], [comment_id], "bob") == {comment_id: "anne"}
    waits.release([ANN], [comment_id], "anne")
    assert waits.claim([ANN], [comment_id], "bob") == {}


def test_of_another_site_nothing_is_claimed(store, waits):
    comment_id = hold(store, site=BEN)
    waits.claim([ANN], [comment_id], "anne")
    assert waits.page([BEN]).cards[0].waiting.claimant(NOW) is None
