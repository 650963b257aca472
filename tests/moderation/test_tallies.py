"""How many comments a site got, by what was decided and said of them."""

from __future__ import annotations

import pytest

from moderation.past import DAY, Outcome
from moderation.store import Review, now_ms
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.store.tallies import first_arrival, tally
from moderation.verdict import Decision
from tests.builders import keep, make_judged
from tests.conftest import DATABASES

pytestmark = DATABASES


@pytest.fixture
def store(engine):
    sites = Sites(engine, b"a secret of the tests")
    assert [sites.create_site(name).id for name in ("ann", "ben")] == [1, 2]
    return SqlStore(engine)


def test_a_new_site_has_no_first_comment(store, engine):
    keep(store, 2, [make_judged("Hi")])
    assert first_arrival(engine, 1) is None


def test_comments_are_counted_by_their_first_verdict_and_their_newest_review(store, engine):
    keep(store, 1, [make_judged("Hi", Decision.ACCEPT, id="c1"), make_judged("Ho", Decision.ACCEPT)])
    keep(store, 1, [make_judged("Changed", Decision.REJECT, id="c1")])
    for outcome in (Outcome.SPAM, Outcome.HAM):
        store.review(1, "c1", Review(outcome, "ann", now_ms()))
    found = tally(engine, 1, 0, now_ms() + DAY)
    assert found == {(Decision.ACCEPT, Outcome.HAM): 1, (Decision.ACCEPT, None): 1}


def test_trials_and_other_sites_are_not_counted(store, engine):
    keep(store, 1, [make_judged("Hi", is_test=True)])
    keep(store, 2, [make_judged("Hi")])
    assert tally(engine, 1, 0, now_ms() + DAY) == {}


def test_other_times_are_not_counted(store, engine):
    keep(store, 1, [make_judged("Hi")])
    first = first_arrival(engine, 1)
    assert tally(engine, 1, first + 1, first + DAY) == tally(engine, 1, first - DAY, first) == {}
    assert tally(engine, 1, first, first + 1).total() == 1
