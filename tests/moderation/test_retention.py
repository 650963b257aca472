"""Raw addresses go when their time is over; what was judged stays judged."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select, update

from moderation.campaigns import WINDOW
from moderation.comment import Author, Comment
from moderation.past import DAY, Kind
from moderation.policy import Choices
from moderation.store import id_from
from moderation.store.retention import AT_ONCE, Pruned, prune, stripped
from moderation.store.schema import bands, campaigns, revisions
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from tests.builders import make_author, make_comment
from tests.conftest import DATABASES
from tests.moderation.evidence import ANN, BEN, COPY, OTHER, SECRET, campaign_of, keep_all, keep_one, record_of

BY_ANN = make_author(ip="192.0.2.1", user_agent="Firefox")
EMAIL = "ann@example.org"


@pytest.fixture
def site(engine):
    """The site ANN; another is there, too."""
    made = Sites(engine, SECRET)
    ann, _ = (made.create_site(name) for name in ("ann", "ben"))
    return ann


@pytest.fixture
def store(site, engine):
    return SqlStore(engine)


def made_at(store, comment_id) -> int:
    return int(comment_id[:12], 16)


def after(store, checked, days: float) -> int:
    """The time so many days after a comment came."""
    return made_at(store, checked.id) + int(days * DAY)


def authors(store, comment_id, site=ANN) -> list[Author]:
    return [one.comment.author for one in store.history(site, comment_id).revisions]


def keeping(site, days: int):
    return replace(site, choices=Choices(keep_addresses_days=days))


@DATABASES
def test_raw_addresses_go_and_the_rest_stays(store, site, engine):
    checked = keep_one(store, "Hi", author=BY_ANN)
    assert prune(engine, [site], after(store, checked, 91)) == Pruned(1, 0)
    (revision,) = store.history(ANN, checked.id).revisions
    assert revision.comment == Comment(text="Hi", author=Author(name="Ann", url="https://ann.example.org"))


@DATABASES
def test_until_then_nothing_goes(store, site, engine):
    checked = keep_one(store, author=BY_ANN)
    assert prune(engine, [site], after(store, checked, 90)) == Pruned(0, 0)
    assert authors(store, checked.id) == [BY_ANN]


@DATABASES
def test_the_record_still_works_without_the_addresses(store, site, engine):
    checked = keep_one(store, author=BY_ANN)
    prune(engine, [site], after(store, checked, 91))
    assert record_of(store, Kind.EMAIL, email=EMAIL).comments == 1
    assert record_of(store, Kind.IP, ip="192.0.2.1").comments == 1


@DATABASES
def test_a_comment_sent_again_afterwards_is_still_the_same(store, site, engine):
    checked = keep_one(store, author=BY_ANN, id="c1")
    prune(engine, [site], after(store, checked, 91))
    assert keep_one(store, author=BY_ANN, id="c1").repeated


@DATABASES
@pytest.mark.parametrize("days", [0, 36_500])
def test_a_site_may_keep_them(store, site, engine, days):
    checked = keep_one(store, author=BY_ANN)
    assert prune(engine, [keeping(site, days)], after(store, checked, 10_000)).revisions == 0
    assert authors(store, checked.id) == [BY_ANN]


@DATABASES
def test_pruning_again_finds_nothing(store, site, engine):
    checked = keep_one(store, author=BY_ANN)
    keep_one(store, author=None)
    assert [prune(engine, [site], after(store, checked, 91)).revisions for _ in range(2)] == [1, 0]


@DATABASES
def test_pruning_goes_on_where_it_ended(store, site, engine):
    first = keep_one(store, author=BY_ANN)
    prune(engine, [site], after(store, first, 91))
    second = keep_one(store, author=BY_ANN)
    assert prune(engine, [site], after(store, second, 92)).revisions == 1
    assert authors(store, second.id)[0].email is None


@DATABASES
def test_a_shorter_time_takes_in_what_a_longer_one_left(store, site, engine):
    checked = keep_one(store, author=BY_ANN)
    now = after(store, checked, 20)
    assert [prune(engine, [keeping(site, days)], now).revisions for days in (90, 30, 10)] == [0, 0, 1]


@DATABASES
def test_sites_have_times_of_their_own(store, site, engine):
    mine, other = keep_one(store, author=BY_ANN), keep_one(store, author=BY_ANN, site=BEN)
    _, ben = Sites(engine, SECRET).all()
    assert prune(engine, [keeping(site, 10), keeping(ben, 0)], after(store, mine, 20)).revisions == 1
    assert authors(store, other.id, BEN) == [BY_ANN]


@DATABASES
def test_more_than_one_portion_is_pruned(store, site, engine):
    kept = keep_all(store, [make_comment(author=BY_ANN)] * (2 * AT_ONCE))
    assert prune(engine, [site], after(store, kept[-1], 91)).revisions == 2 * AT_ONCE


@DATABASES
def test_a_change_that_came_later_is_stripped_later(store, site, engine):
    checked = keep_one(store, "A", author=BY_ANN, id="c1")
    keep_one(store, "B", author=BY_ANN, id="c1")
    received(engine, 2, after(store, checked, 60))
    assert prune(engine, [site], after(store, checked, 91)).revisions == 1
    assert [author.email for author in authors(store, "c1")] == [None, EMAIL]
    assert prune(engine, [site], after(store, checked, 151)).revisions == 1
    assert [author.email for author in authors(store, "c1")] == [None, None]


@DATABASES
def test_a_change_to_a_comment_that_was_pruned_is_pruned_as_well(store, site, engine):
    checked = keep_one(store, "A", author=BY_ANN, id="c1")
    prune(engine, [site], after(store, checked, 100))
    keep_one(store, "B", author=BY_ANN, id="c1")
    received(engine, 2, after(store, checked, 101))
    assert prune(engine, [site], after(store, checked, 192)).revisions == 1
    assert authors(store, "c1")[1].ip is None


def received(engine, number: int, when: int) -> None:
    """Put the time at which a revision came."""
    with engine.begin() as connection:
        connection.execute(update(revisions).where(revisions.c.number == number).values(received_at=when))


@DATABASES
def test_a_backfill_is_pruned_by_when_it_came(store, site, engine):
    checked = keep_one(store, author=BY_ANN, when=1_000, live=False)
    assert prune(engine, [site], after(store, checked, 1)).revisions == 0


@DATABASES
def test_campaigns_long_past_are_forgotten_with_their_keys(store, site, engine):
    keep_one(store, COPY, when=1_000_000)
    keep_one(store, OTHER, when=1_000_000 + DAY)
    assert prune(engine, [site], 1_000_000 + WINDOW + 1) == Pruned(0, 1)
    assert (campaign_of(store, COPY, when=2_000_000), campaign_of(store, OTHER, when=2_000_000).comments) == (None, 1)
    with engine.begin() as connection:
        left = set(connection.execute(select(bands.c.campaign)).scalars())
        assert left == set(connection.execute(select(campaigns.c.id)).scalars())


@DATABASES
def test_before_1970_nothing_is_too_old(store, site, engine):
    checked = keep_one(store, author=BY_ANN)
    assert prune(engine, [site], 5) == Pruned(0, 0)
    assert authors(store, checked.id) == [BY_ANN]


@pytest.mark.parametrize("author", [None, Author(), Author(name="Ann"), BY_ANN])
def test_a_stripped_comment_is_stripped_once(author):
    bare = stripped(make_comment(author=author))
    assert stripped(bare) == bare
    assert bare.author is None or (bare.author.email, bare.author.ip, bare.author.user_agent) == (None,) * 3


def test_the_ids_of_a_time_lie_between_those_before_and_after():
    assert id_from(999) < f"{999:012x}{'f' * 20}" < id_from(1_000)
