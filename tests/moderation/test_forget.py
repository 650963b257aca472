"""Forgetting a person: shown first, then erased, with nothing left in any count."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select

from moderation.comment import Author
from moderation.errors import BadSetting, CommentNotFound
from moderation.past import DAY, Kind, Outcome
from moderation.store import Review
from moderation.store.forget import Person, Who, erase, held
from moderation.store.retention import prune
from moderation.store.schema import audit, metadata, records, traces
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import keep, make_author, make_comment, make_judged
from tests.conftest import DATABASES
from tests.moderation.evidence import (
    ANN,
    BEN,
    COPY,
    NOW,
    OTHER,
    SECRET,
    campaign_of,
    keep_all,
    keep_one,
    past_of,
    record_of,
)

EMAIL, IP = "ann@example.org", "192.0.2.1"
BY_ANN = make_author(ip=IP)
BY_BOB = Author(name="Bob", email="bob@example.com", ip=IP)


@pytest.fixture
def store(engine):
    made = Sites(engine, SECRET)
    assert [made.create_site(name).id for name in ("ann", "ben")] == [ANN, BEN]
    return SqlStore(engine)


def person(value: str = EMAIL, who: Who = Who.EMAIL) -> Person:
    return Person(who, value, SECRET)


def forget(engine, value: str = EMAIL, who: Who = Who.EMAIL, site: int | None = None) -> int:
    """Erase a person; how many comments went."""
    found = held(engine, person(value, who), site)
    for one in found:
        erase(engine, person(value, who), one)
    return sum(len(one.comments) for one in found)


def rows(engine) -> dict[str, int]:
    """How many rows each table holds."""
    with engine.begin() as connection:
        return {
            name: connection.execute(select(func.count()).select_from(table)).scalar_one()
            for name, table in metadata.tables.items()
        }


def is_there(store, checked, site: int = ANN) -> bool:
    try:
        store.history(site, checked.id)
    except CommentNotFound:
        return False
    return True


# -- Whom


@DATABASES
@pytest.mark.parametrize(
    ("who", "value"),
    [
        (Who.EMAIL, EMAIL),
        (Who.EMAIL, " Ann+blog@EXAMPLE.org "),
        (Who.AUTHOR, "Ann"),
        (Who.AUTHOR, " ＡＮＮ "),
        (Who.IP, IP),
        (Who.IP, f"::ffff:{IP}"),
    ],
)
def test_a_person_is_found_in_any_spelling_and_erased(store, engine, who, value):
    mine = keep_one(store, author=BY_ANN)
    other = keep_one(store, author=Author(name="Cleo", email="cleo@example.net", ip="198.51.100.1"))
    assert forget(engine, value, who) == 1
    assert (is_there(store, mine), is_there(store, other)) == (False, True)


@DATABASES
def test_an_address_of_ipv6_is_its_network(store, engine):
    mine = keep_one(store, author=Author(ip="2001:db8::1"))
    assert forget(engine, "2001:db8::ffff", Who.IP) == 1
    assert not is_there(store, mine)


@DATABASES
def test_a_person_behind_a_proxy_is_found_anywhere_in_the_chain(store, engine):
    keep_one(store, author=Author(ip=f"{IP}, 10.0.0.1"))
    assert forget(engine, IP, Who.IP) == 1


@DATABASES
def test_trials_and_comments_without_traces_are_found_as_well(store, engine):
    trial = keep_one(store, author=BY_ANN, is_test=True)
    (untraced,) = keep(store, ANN, [make_judged(author=BY_ANN)])
    assert forget(engine) == 2
    assert not is_there(store, trial)
    assert not is_there(store, untraced)


@DATABASES
def test_a_person_who_came_with_a_change_is_found(store, engine):
    keep_one(store, "A", author=BY_BOB, id="c1")
    keep_one(store, "B", author=BY_ANN, id="c1")
    assert forget(engine) == 1


@DATABASES
def test_a_person_whose_addresses_are_gone_is_found_by_traces(store, engine):
    checked = keep_one(store, author=BY_ANN)
    prune(engine, Sites(engine, SECRET).all(), int(checked.id[:12], 16) + 91 * DAY)
    assert forget(engine) == 1


@DATABASES
def test_of_a_stranger_nothing_is_held(store, engine):
    keep_one(store, author=BY_ANN)
    assert held(engine, person("nobody@example.org")) == []


@pytest.mark.parametrize(
    ("who", "value"), [(Who.EMAIL, "ann"), (Who.EMAIL, ""), (Who.AUTHOR, " "), (Who.IP, "1.2.3"), (Who.IP, "ann")]
)
def test_what_names_nobody_is_refused(who, value):
    with pytest.raises(BadSetting, match=f"--{who}"):
        Person(who, value, SECRET)


# -- What is shown


@DATABASES
def test_all_that_is_held_is_shown_and_stays(store, engine):
    checked = keep_one(store, "A" * 200, author=BY_ANN, id="c1")
    keep_one(store, "B", author=BY_ANN, id="c1")
    store.review(ANN, checked.id, Review(Outcome.HAM, "bob", 7))
    before = rows(engine)
    (found,) = held(engine, person())
    assert (found.site, found.comments) == ("ann", (checked.id,))
    assert (found.revisions, found.verdicts, found.reviews, found.first_reviewed_at) == (2, 2, 1, 7)
    assert (found.records, found.shown) == ((person().trace,), ("B",))
    assert rows(engine) == before


@DATABASES
def test_each_site_is_shown_by_itself(store, engine):
    for site in (ANN, BEN):
        keep_one(store, author=BY_ANN, site=site)
    assert [one.site for one in held(engine, person())] == ["ann", "ben"]
    assert [one.site for one in held(engine, person(), BEN)] == ["ben"]


# -- What is erased


@DATABASES
def test_of_the_only_person_of_a_site_nothing_is_left(store, engine):
    empty = rows(engine)
    for decision in Decision:
        checked = keep_one(store, COPY, decision, author=BY_ANN, id=decision.value)
        store.review(ANN, checked.id, Review(Outcome.SPAM, "bob", NOW))
    keep_one(store, OTHER, author=BY_ANN, id="accept")
    assert forget(engine) == 3
    # Facts: a count of decisions, so that no number is used again.
    assert rows(engine) | {"audit": 0, "facts": 0} == empty | {"audit": 0, "facts": 0}


@DATABASES
def test_the_log_of_acts_stays_and_names_no_erased_comment(store, engine):
    checked = keep_one(store, COPY, author=BY_ANN)
    store.review(ANN, checked.id, Review(Outcome.SPAM, "bob", NOW))
    forget(engine)
    with engine.begin() as connection:
        said = select(audit.c.action, audit.c.comment_id).where(audit.c.actor == "bob")
        assert connection.execute(said).all() == [("review", None)]


@DATABASES
def test_the_counts_of_what_is_shared_go_down(store, engine):
    for author, decision, outcome in (
        (BY_ANN, Decision.ACCEPT, "ham"),
        (BY_ANN, Decision.REJECT, "spam"),
        (BY_BOB, Decision.REJECT, "spam"),
    ):
        checked = keep_one(store, COPY, decision, author=author)
        store.review(ANN, checked.id, Review(Outcome(outcome), "cleo", NOW))
    forget(engine)
    for record in (
        record_of(store, Kind.IP, ip=IP),
        past_of(store, make_comment()).one(Kind.SITE),
        campaign_of(store),
    ):
        assert (record.accepted, record.rejected, record.ham, record.spam) == (0, 1, 0, 1)


@DATABASES
def test_the_person_s_own_records_vanish(store, engine):
    keep_one(store, author=BY_ANN)
    keep_one(store, author=BY_BOB)
    forget(engine)
    left = past_of(store, make_comment(author=BY_ANN)).records
    assert {kind for kind, _ in left} == {Kind.SITE, Kind.IP, Kind.PREFIX}
    with engine.begin() as connection:
        for table in (records, traces):
            assert person().trace not in set(connection.execute(select(table.c.trace)).scalars())


@DATABASES
def test_only_the_newest_review_is_taken_out(store, engine):
    mine = keep_one(store, author=BY_ANN)
    for outcome in ("spam", "ham"):
        store.review(ANN, mine.id, Review(Outcome(outcome), "cleo", NOW))
    other = keep_one(store, author=BY_BOB)
    store.review(ANN, other.id, Review(Outcome.SPAM, "cleo", NOW))
    forget(engine)
    record = record_of(store, Kind.IP, ip=IP)
    assert (record.ham, record.spam) == (0, 1)


@DATABASES
def test_another_site_is_not_touched(store, engine):
    mine, theirs = keep_one(store, COPY, author=BY_ANN), keep_one(store, COPY, author=BY_ANN, site=BEN)
    assert forget(engine, site=ANN) == 1
    assert (is_there(store, mine), is_there(store, theirs, BEN)) == (False, True)
    assert record_of(store, Kind.EMAIL, BEN, email=EMAIL).comments == 1
    assert campaign_of(store, site=BEN).comments == 1


@DATABASES
def test_a_campaign_of_one_goes_with_its_sketch(store, engine):
    keep_one(store, COPY, author=BY_ANN)
    keep_one(store, OTHER, author=BY_ANN)
    keep_one(store, OTHER, author=BY_BOB)
    forget(engine)
    assert (campaign_of(store, COPY), campaign_of(store, OTHER).comments) == (None, 1)
    found = rows(engine)
    assert (found["campaigns"], found["bands"]) == (1, 8)


@DATABASES
def test_forgetting_twice_finds_nothing(store, engine):
    keep_one(store, author=BY_ANN)
    found = held(engine, person())
    assert [forget(engine), forget(engine)] == [1, 0]
    for one in found:
        erase(engine, person(), one)


@DATABASES
def test_a_comment_that_came_after_the_look_is_erased_too(store, engine):
    keep_one(store, author=BY_ANN)
    (found,) = held(engine, person())
    late = keep_one(store, author=BY_ANN)
    erase(engine, person(), found)
    assert not is_there(store, late)


@DATABASES
def test_hundreds_of_comments_are_erased(store, engine):
    keep_all(store, [make_comment(f"{COPY} {number}", author=BY_ANN) for number in range(450)])
    assert forget(engine) == 450
    assert rows(engine)["comments"] == 0


@DATABASES
def test_a_forgotten_person_can_come_back(store, engine):
    keep_one(store, author=BY_ANN, id="c1")
    forget(engine)
    assert not keep_one(store, author=BY_ANN, id="c1").repeated
    assert record_of(store, Kind.EMAIL, email=EMAIL).comments == 1
