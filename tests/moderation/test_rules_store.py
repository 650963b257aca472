"""Rules in a database, and the comments they are tried on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from moderation.errors import BadRule, RuleExists, RuleNotFound
from moderation.past import Outcome
from moderation.rules import NewRule
from moderation.rules.checked import checked
from moderation.store import Judged, Review, now_ms
from moderation.store import rules as module
from moderation.store.rules import RuleBook
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import keep, make_judged
from tests.conftest import DATABASES

pytestmark = DATABASES


@pytest.fixture
def sites(engine) -> Sites:
    sites = Sites(engine, b"a secret of the tests")
    sites.create_site("ann")
    sites.create_site("ben")
    return sites


@pytest.fixture
def ann(sites) -> int:
    return sites.site("ann").id


@pytest.fixture
def ben(sites) -> int:
    return sites.site("ben").id


@pytest.fixture
def book(engine, sites) -> RuleBook:
    return RuleBook(engine)


def block(value: str, kind: str = "domain", **changes) -> NewRule:
    return checked("block", kind, value, **changes)


def test_a_rule_is_kept_as_it_is(book, ann):
    wanted = block("a.example", note="why", created_by="ann", expires_at=now_ms() + 5_000)
    added = book.add_one(ann, wanted)
    assert book.all(ann) == [added] == [book.get(ann, added.id)]
    assert (added.value, added.note, added.created_by, added.expires_at) == (
        "a.example", "why", "ann", wanted.expires_at,
    )  # fmt: skip
    assert (added.hits, added.last_hit_at) == (0, None)


def test_rules_belong_to_one_site(book, ann, ben):
    added = book.add_one(ann, block("a.example"))
    assert book.all(ben) == []
    for call in (book.get, book.remove, book.change):
        with pytest.raises(RuleNotFound):
            call(ben, added.id)
    assert book.add_one(ben, block("a.example")).id != added.id


def test_the_same_rule_is_refused(book, ann):
    added = book.add_one(ann, block("a.example"))
    with pytest.raises(RuleExists, match=f"rule {added.id} "):
        book.add_one(ann, block("a.example", note="another"))
    assert book.add_one(ann, checked("hold", "domain", "a.example")).id != added.id


def test_a_list_reports_its_duplicates(book, ann):
    known = book.add_one(ann, block("a.example"))
    done = book.add(ann, [block("b.example"), block("a.example"), block("b.example")])
    (added,) = done.rules
    assert done.duplicates == {1: known, 2: added}


def test_an_empty_list_adds_nothing(book, ann):
    assert book.add(ann, []).rules == ()


def test_a_long_list_is_added_in_its_order(book, ann):
    done = book.add(ann, [block(f"{i}.example") for i in range(1_200)])
    assert [rule.value for rule in done.rules] == [f"{i}.example" for i in range(1_200)]
    assert book.count(ann) == 1_200
    assert [rule.value for rule in book.all(ann, after=done.rules[9].id, most=2)] == ["10.example", "11.example"]


def test_too_many_rules_are_refused(book, ann, monkeypatch):
    monkeypatch.setattr(module, "MOST_RULES", 3)
    monkeypatch.setattr(module, "MOST_REGEXES", 1)
    with pytest.raises(BadRule, match="at most 3"):
        book.add(ann, [block(f"{i}.example") for i in range(4)])
    with pytest.raises(BadRule, match="at most 1 .*use other kinds"):
        book.add(ann, [block("a", "regex"), block("b", "regex")])
    assert book.all(ann) == []


def test_a_change_is_kept_and_the_rest_stays(book, ann):
    added = book.add_one(ann, block("a.example", note="old"))
    until = now_ms() + 9_000
    assert book.change(ann, added.id, note=" new ").note == "new"
    changed = book.change(ann, added.id, expires_at=until)
    assert (changed.note, changed.expires_at) == ("new", until)
    assert book.change(ann, added.id, expires_at=None).expires_at is None
    with pytest.raises(BadRule):
        book.change(ann, added.id, expires_at=1)


def test_a_removed_rule_is_gone(book, ann):
    added = book.add_one(ann, block("a.example"))
    assert book.remove(ann, added.id) == added
    with pytest.raises(RuleNotFound):
        book.remove(ann, added.id)


def test_every_change_has_a_number_and_nothing_else_has(book, sites, ann):
    def number() -> int:
        return sites.site("ann").policy_number

    added = book.add_one(ann, block("a.example"))
    assert number() == 1
    book.add(ann, [block("b.example"), block("c.example")])
    assert number() == 2
    book.add(ann, [block("b.example")])
    book.change(ann, added.id)
    assert number() == 2
    book.change(ann, added.id, note="x")
    book.remove(ann, added.id)
    assert (number(), sites.site("ben").policy_number) == (4, 0)


def test_hits_are_counted_without_a_number(engine, book, sites, ann):
    added = book.add_one(ann, block("a.example"))
    SqlStore(engine).record([Judged(ann, *make_judged(), rules=(added.id,)), Judged(ann, *make_judged("b"))])
    assert book.get(ann, added.id).hits == 1
    assert sites.site("ann").policy_number == 1


def test_lists_added_at_once_never_add_a_rule_twice(book, ann):
    wanted = [block(f"{i}.example") for i in range(20)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda _: book.add(ann, wanted), range(4)))
    assert sorted(len(one.rules) for one in done) == [0, 0, 0, 20]
    assert book.count(ann) == 20


# -- History


def test_a_site_without_comments_has_no_history(book, ann):
    assert list(book.history(ann)) == []


def test_history_is_newest_first_with_what_was_decided_and_said(engine, book, ann, ben):
    store = SqlStore(engine)
    judged = [make_judged(f"n{i}", Decision.HOLD if i else Decision.ACCEPT) for i in range(3)]
    kept = keep(store, ann, judged)
    keep(store, ben, judged)
    for outcome in (Outcome.HAM, Outcome.SPAM):
        store.review(ann, kept[1].id, Review(outcome, "ann", now_ms()))
    found = {one.comment.text: (one.decision, one.outcome) for one in book.history(ann)}
    assert found == {
        "n0": (Decision.ACCEPT, None), "n1": (Decision.HOLD, Outcome.SPAM), "n2": (Decision.HOLD, None),
    }  # fmt: skip
    ids = [one.received_at for one in book.history(ann)]
    assert ids == sorted(ids, reverse=True)


def test_history_has_the_newest_text_and_the_first_decision(engine, book, ann):
    store = SqlStore(engine)
    keep(store, ann, [make_judged("old", Decision.ACCEPT, id="c1")])
    keep(store, ann, [make_judged("new", Decision.REJECT, id="c1")])
    (one,) = book.history(ann)
    assert (one.comment.text, one.decision) == ("new", Decision.ACCEPT)


def test_history_leaves_out_trials(engine, book, ann):
    keep(SqlStore(engine), ann, [make_judged("try", is_test=True)])
    assert list(book.history(ann)) == []


def test_history_is_read_in_portions_up_to_a_bound(engine, book, ann, monkeypatch):
    monkeypatch.setattr(module, "AT_ONCE", 2)
    keep(SqlStore(engine), ann, [make_judged(f"n{i}") for i in range(7)])
    assert len({one.comment.text for one in book.history(ann)}) == 7
    assert len(list(book.history(ann, most=5))) == 5
    assert list(book.history(ann, since=now_ms() + 1_000)) == []


def test_the_id_of_a_removed_rule_is_never_given_again(book, ann, ben):
    kept = book.add_one(ben, block("kept.example"))
    removed = [book.add_one(ann, block(f"{name}.example")) for name in "ab"]
    for rule in reversed(removed):
        book.remove(ann, rule.id)
    ids = [rule.id for rule in book.add(ann, [block("c.example"), block("d.example")]).rules]
    assert len({kept.id, *ids, *(rule.id for rule in removed)}) == 5
    with pytest.raises(RuleNotFound):
        book.remove(ann, removed[-1].id)
