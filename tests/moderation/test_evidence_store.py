"""What a store remembers of authors, addresses, domains and near-copies: in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import event, func, select, text

from moderation.campaigns import WINDOW
from moderation.comment import Author
from moderation.errors import CommentNotFound
from moderation.past import DAY, HOUR, Campaign, Kind, Outcome
from moderation.policy import Choices, Override
from moderation.store import Judged, MemoryStore, Review, Trail, id_from, migrate
from moderation.store.labels import LabelTables
from moderation.store.schema import campaigns, records, sites, traces
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import keep, make_author, make_comment, make_judged, make_verdict
from tests.conftest import DATABASES
from tests.moderation.elsewhere import start, together
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
    trails_of,
)

STORES = pytest.mark.parametrize("kind", ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
ACCEPT, HOLD, REJECT = Decision
EMAIL = "ann@example.org"
BY_ANN = make_author()


@pytest.fixture
def store(kind, request):
    """An empty store; in a database, of the sites ANN and BEN."""
    return MemoryStore() if kind == "memory" else request.getfixturevalue("sql_store")


@pytest.fixture
def sql_store(engine):
    made = Sites(engine, SECRET)
    assert [made.create_site(name).id for name in ("ann", "ben")] == [ANN, BEN]
    return SqlStore(engine)


def say(store, checked, outcome, site=ANN):
    return store.review(site, checked.id, Review(Outcome(outcome), "ann", NOW))


def judged(record) -> tuple[int, int, int]:
    return record.ham, record.spam, record.abuse


def count(engine, table) -> int:
    with engine.begin() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


# -- Records


@STORES
def test_of_a_stranger_nothing_is_known(store):
    past = past_of(store, make_comment(author=BY_ANN))
    assert (dict(past.records), past.campaign) == ({}, None)


@STORES
def test_what_was_recorded_is_recalled(store):
    keep_one(store, "see http://shop.example.com/x", author=BY_ANN)
    past = past_of(store, make_comment("http://www.example.com", author=make_author(ip="192.0.2.1")))
    assert {kind for kind, _ in past.records} == {Kind.SITE, Kind.EMAIL, Kind.URL, Kind.NAME, Kind.DOMAIN}
    assert past.of(Kind.DOMAIN)[0][0] == "example.org"


@STORES
def test_a_record_counts_by_decision(store):
    for decision in (ACCEPT, ACCEPT, HOLD, REJECT, REJECT, REJECT):
        keep_one(store, decision=decision, author=BY_ANN)
    record = record_of(store, Kind.EMAIL, email=EMAIL)
    assert (record.accepted, record.held, record.rejected, record.comments) == (2, 1, 3, 6)


@STORES
def test_a_record_knows_the_first_and_the_last_time(store):
    for when in (NOW, NOW - 3 * DAY, NOW - DAY):
        keep_one(store, author=BY_ANN, when=when)
    record = record_of(store, Kind.EMAIL, email=EMAIL)
    assert (record.first_at, record.last_at) == (NOW - 3 * DAY, NOW)


@STORES
@pytest.mark.parametrize("hours", [(0, 0, 1), (1, 0, 0), (0, 1, 0), (0, 1, 2), (2, 1, 0), (5, 0, 5)])
def test_every_store_counts_the_comments_of_an_hour_alike(store, hours):
    for hour in hours:
        keep_one(store, author=BY_ANN, when=NOW + hour * HOUR)
    record, newest = record_of(store, Kind.EMAIL, email=EMAIL), max(hours)
    assert (record.in_hour, record.before) == (hours.count(newest), hours.count(newest - 1))


@STORES
def test_a_batch_is_counted_like_one_comment_after_the_other(store):
    keep_all(store, [make_comment(str(number), author=BY_ANN) for number in range(30)])
    record = record_of(store, Kind.EMAIL, email=EMAIL)
    assert (record.accepted, record.in_hour) == (30, 30)


@STORES
def test_a_backfill_is_counted_but_not_for_the_hour(store):
    keep_one(store, author=BY_ANN)
    keep_one(store, author=BY_ANN, when=NOW - 400 * DAY, live=False)
    record = record_of(store, Kind.EMAIL, email=EMAIL)
    assert (record.comments, record.per_hour(NOW)) == (2, 1.0)


@STORES
def test_a_trial_is_never_counted(store):
    checked = keep_one(store, COPY, author=BY_ANN, is_test=True)
    say(store, checked, "spam")
    assert (record_of(store, Kind.EMAIL, email=EMAIL), campaign_of(store)) == (None, None)


@STORES
def test_a_comment_sent_again_is_counted_once(store):
    for _ in range(3):
        keep_one(store, author=BY_ANN, id="c1")
    assert record_of(store, Kind.EMAIL, email=EMAIL).comments == 1


@STORES
def test_a_changed_comment_is_counted_once(store):
    for words, decision in (("A", ACCEPT), ("B", REJECT)):
        keep_one(store, words, decision, author=BY_ANN, id="c1")
    record = record_of(store, Kind.EMAIL, email=EMAIL)
    assert (record.accepted, record.rejected) == (1, 0)


@STORES
def test_the_same_author_is_a_stranger_on_another_site(store):
    checked = keep_one(store, COPY, author=BY_ANN)
    say(store, checked, "spam")
    past = past_of(store, make_comment(COPY, author=BY_ANN), BEN)
    assert (dict(past.records), past.campaign) == ({}, None)


@STORES
def test_two_sites_in_one_question_do_not_mix(store):
    keep_one(store, author=BY_ANN)
    keep_one(store, author=BY_ANN, site=BEN, decision=REJECT)
    (trail,) = trails_of([make_comment(author=BY_ANN)])
    found = [past.one(Kind.EMAIL) for past in store.recall([(BEN, trail), (ANN, trail), (BEN, trail)])]
    assert [record.accepted for record in found] == [0, 1, 0]


@STORES
def test_an_author_who_changes_the_name_keeps_the_record_by_e_mail(store):
    keep_one(store, author=Author(name="Ann", email=EMAIL))
    assert record_of(store, Kind.EMAIL, name="Somebody else", email="Ann+blog@EXAMPLE.org").comments == 1
    assert record_of(store, Kind.NAME, name="Somebody else", email=EMAIL) is None


@STORES
def test_a_question_about_nothing_has_no_answer(store):
    assert store.recall([]) == []
    (past,) = store.recall([(ANN, Trail())])
    assert (dict(past.records), past.campaign) == ({}, None)


# -- Reviews


@STORES
def test_a_review_adds_to_the_records(store):
    checked = keep_one(store, "http://shop.example.com", author=BY_ANN)
    history = say(store, checked, "spam")
    assert [one.outcome for one in history.reviews] == [Outcome.SPAM]
    past = past_of(store, make_comment("http://shop.example.com", author=BY_ANN))
    assert {judged(record) for record in past.records.values()} == {(0, 1, 0)}


@STORES
def test_the_newest_review_replaces_the_one_before(store):
    checked = keep_one(store, author=BY_ANN)
    for outcome in ("spam", "spam", "ham", "other", "abuse"):
        say(store, checked, outcome)
    assert judged(record_of(store, Kind.EMAIL, email=EMAIL)) == (0, 0, 1)
    assert [one.outcome for one in store.history(ANN, checked.id).reviews] == ["spam", "spam", "ham", "other", "abuse"]


@STORES
def test_reviews_of_two_comments_add_up(store):
    for _ in range(2):
        say(store, keep_one(store, author=BY_ANN), "ham")
    assert judged(record_of(store, Kind.EMAIL, email=EMAIL)) == (2, 0, 0)


@STORES
def test_a_campaign_knows_what_was_said_of_its_comments(store):
    say(store, keep_one(store, COPY), "spam")
    assert judged(campaign_of(store)) == (0, 1, 0)


@STORES
@pytest.mark.parametrize("site", [ANN, BEN])
def test_only_its_own_site_can_review_a_comment(store, site):
    checked = keep_one(store, id="c1")
    for name in (checked.id, "c1") if site == BEN else ("c2", ""):
        with pytest.raises(CommentNotFound):
            store.review(site, name, Review(Outcome.HAM, "ann", NOW))


@DATABASES
def test_a_review_can_be_read_back_whole(sql_store):
    checked = keep_one(sql_store)
    review = Review(Outcome.OTHER, "ännchen", NOW, "a note\n👍")
    assert sql_store.review(ANN, checked.id, review).reviews == (review,)
    assert sql_store.history(ANN, checked.id).reviews == (review,)


@DATABASES
def test_what_was_labelled_tells_the_newest_outcome_and_the_evidence(sql_store, engine):
    for number, said in enumerate((["ham", "spam"], ["ham"], [])):
        checked = keep_one(sql_store, id=f"c{number}")
        for outcome in said:
            say(sql_store, checked, outcome)
    say(sql_store, keep_one(sql_store, is_test=True), "spam")
    say(sql_store, keep_one(sql_store, site=BEN), "spam", BEN)
    labels = list(LabelTables(engine).all(ANN))
    assert sorted(one.outcome for one in labels) == ["ham", "spam"]
    assert all(one.evidence == make_verdict().evidence for one in labels)


# -- Campaigns


@STORES
def test_a_near_copy_finds_the_campaign(store):
    keep_one(store, COPY, REJECT)
    assert campaign_of(store, COPY.replace("roofs", "R00fs").upper()).rejected == 1
    assert campaign_of(store, OTHER) is None


@STORES
def test_a_thousand_copies_in_one_batch_are_one_campaign(store):
    ids = {one.id for one in keep_all(store, [make_comment(COPY, id=str(number)) for number in range(1_000)])}
    assert len(ids) == 1_000
    assert campaign_of(store).comments == 1_000


@DATABASES
def test_two_campaigns_in_one_batch_stay_two(sql_store, engine):
    keep_all(sql_store, [make_comment(words) for words in (COPY, OTHER, COPY, OTHER, COPY)])
    assert count(engine, campaigns) == 2
    assert [campaign_of(sql_store, words).comments for words in (COPY, OTHER)] == [3, 2]


@STORES
def test_copies_are_found_for_thirty_days_after_the_last(store):
    keep_one(store, COPY, when=NOW)
    keep_one(store, COPY, when=NOW + 20 * DAY)
    assert campaign_of(store, when=NOW + 50 * DAY).comments == 2
    assert campaign_of(store, when=NOW + 50 * DAY + 1) is None


@STORES
def test_copies_after_a_long_pause_are_another_campaign(store):
    keep_one(store, COPY)
    late = NOW + WINDOW + DAY
    keep_one(store, COPY, when=late)
    assert campaign_of(store, when=late).comments == 1


@STORES
def test_a_copy_with_a_late_clock_joins_its_campaign(store):
    keep_one(store, COPY, when=NOW)
    keep_one(store, COPY, when=NOW - 2 * HOUR)
    assert campaign_of(store).comments == 2
    assert campaign_of(store).last_at == NOW


@DATABASES
def test_a_batch_in_any_order_keeps_the_newest_time_of_its_campaign(sql_store, engine):
    batch = [make_judged(COPY, id=str(number)) for number in range(3)]
    trails = [trails_of([comment], when)[0] for (comment, *_), when in zip(batch, (5, NOW, 7), strict=True)]
    sql_store.record([Judged(ANN, *one, trail) for one, trail in zip(batch, trails, strict=True)])
    with engine.begin() as connection:
        assert connection.execute(select(func.max(campaigns.c.seen_at))).scalar_one() == NOW


@DATABASES
def test_a_campaign_lists_its_comments_oldest_first(sql_store):
    ids = [keep_one(sql_store, COPY, decision, id=str(decision)).id for decision in (ACCEPT, REJECT)]
    say(sql_store, sql_store.history(ANN, "reject"), "spam")
    keep_one(sql_store, OTHER)
    found = sql_store.campaign_of(ANN, "reject")
    assert found.id == ids[0]
    assert sorted((one.external_id, one.decision, one.outcome) for one in found.members) == [
        ("accept", ACCEPT, None),
        ("reject", REJECT, Outcome.SPAM),
    ]
    assert [one.id for one in found.members] == sorted(ids)


@DATABASES
@pytest.mark.parametrize("changes", [{"text": "Hi"}, {"text": COPY, "is_test": True}])
def test_a_comment_without_near_copies_stands_alone(sql_store, changes):
    keep_one(sql_store, COPY)
    checked = keep_one(sql_store, **changes)
    assert [one.id for one in sql_store.campaign_of(ANN, checked.id).members] == [checked.id]


@DATABASES
def test_another_site_s_campaign_is_not_shown(sql_store):
    keep_one(sql_store, COPY, site=BEN)
    mine = keep_one(sql_store, COPY, id="mine")
    assert [one.id for one in sql_store.campaign_of(ANN, "mine").members] == [mine.id]
    for call in (sql_store.campaign_of, sql_store.hold_campaign):
        with pytest.raises(CommentNotFound):
            call(BEN, mine.id)


@DATABASES
def test_holding_a_campaign_holds_what_was_accepted_and_not_called_ham(sql_store):
    first, ham, _ = (keep_one(sql_store, COPY, decision) for decision in (ACCEPT, ACCEPT, REJECT))
    say(sql_store, ham, "ham")
    held = sql_store.hold_campaign(ANN, ham.id)
    assert [(one.id, one.decision) for one in held.members] == [(first.id, HOLD)]
    verdicts = sql_store.history(ANN, first.id).verdicts
    assert [(one.verdict.decision, one.revision) for one in verdicts] == [(ACCEPT, 1), (HOLD, 1)]
    assert verdicts[1].verdict.reasons[0].code == "campaign"


@DATABASES
def test_a_campaign_is_held_once(sql_store):
    checked = keep_one(sql_store, COPY)
    assert len(sql_store.hold_campaign(ANN, checked.id).members) == 1
    assert sql_store.hold_campaign(ANN, checked.id).members == ()


@DATABASES
def test_a_held_comment_that_changes_gets_the_next_verdict(sql_store):
    keep_one(sql_store, COPY, id="c1")
    sql_store.hold_campaign(ANN, "c1")
    changed = keep_one(sql_store, OTHER, REJECT, id="c1")
    assert not changed.repeated
    found = sql_store.history(ANN, "c1")
    assert [(one.revision, one.verdict.decision) for one in found.verdicts] == [(1, ACCEPT), (1, HOLD), (2, REJECT)]
    assert keep_one(sql_store, OTHER, id="c1").verdict.decision is REJECT


@DATABASES
def test_a_large_campaign_is_held_with_few_statements(sql_store, engine):
    keep_all(sql_store, [make_comment(COPY, id=str(number)) for number in range(600)])
    statements = counted(engine)
    assert len(sql_store.hold_campaign(ANN, "7").members) == 600
    assert len(statements) <= 25


# -- Cost


def counted(engine) -> list[str]:
    """The statements that the engine executes from now on."""
    statements: list[str] = []

    @event.listens_for(engine, "before_cursor_execute")
    def _note(connection, cursor, statement, *_):
        statements.append(statement)

    return statements


@DATABASES
def test_a_look_into_the_past_costs_the_same_after_a_flood(sql_store, engine):
    asked = [(ANN, trail) for trail in trails_of([make_comment(COPY, author=BY_ANN)])]
    statements = counted(engine)
    sql_store.recall(asked)
    before = len(statements)
    keep_all(sql_store, [make_comment(f"{COPY} {number}", author=BY_ANN) for number in range(2_000)])
    statements.clear()
    (past,) = sql_store.recall(asked)
    assert past.one(Kind.EMAIL).comments == 2_000
    assert isinstance(past.campaign, Campaign)
    assert len(statements) == before


@DATABASES
def test_only_what_can_be_listed_is_listed(sql_store, engine):
    keep_one(sql_store, COPY, author=make_author(ip="192.0.2.1"))
    with engine.begin() as connection:
        kinds = {trace.partition(":")[0] for trace in connection.execute(select(traces.c.trace)).scalars()}
    assert kinds == {"email", "url", "ip", "name", "domain", "campaign"}


@DATABASES
def test_no_address_is_kept_in_records_as_it_is(sql_store, engine):
    keep_one(sql_store, author=make_author(ip="192.0.2.77"))
    with engine.begin() as connection:
        kept = " ".join(connection.execute(select(records.c.trace)).scalars())
    assert not any(part in kept for part in ("ann@", "Ann", "192.0.2", "ann.example"))


# -- Many writers


@DATABASES
def test_threads_that_count_the_same_keys_lose_nothing(sql_store):
    barrier = Barrier(8)

    def work(writer: int) -> None:
        barrier.wait()
        for number in range(10):
            checked = keep_one(sql_store, f"{COPY} {writer}", author=BY_ANN, id=f"{writer}-{number}")
            if number % 2:
                say(sql_store, checked, "ham")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    for record in (record_of(sql_store, Kind.EMAIL, email=EMAIL), past_of(sql_store, make_comment()).one(Kind.SITE)):
        assert (record.accepted, record.ham, record.in_hour) == (80, 40, 80)


@DATABASES
def test_processes_that_count_the_same_keys_lose_nothing(sql_store, database_url):
    keep_one(sql_store, COPY, author=BY_ANN)
    together(*(start("count", database_url, str(ANN), own) for own in ("a", "b")))
    assert record_of(sql_store, Kind.EMAIL, email=EMAIL).comments == 61
    assert campaign_of(sql_store).comments == 61


@DATABASES
def test_batches_of_new_and_changed_comments_and_reviews_do_not_wait_for_each_other(sql_store):
    keep_all(sql_store, [make_comment(COPY, author=BY_ANN, id=f"shared-{number}") for number in range(4)])
    barrier = Barrier(4)

    def work(writer: int) -> None:
        barrier.wait()
        for number in range(10):
            if writer % 2:
                sql_store.review(ANN, f"shared-{number % 4}", Review(Outcome.SPAM, "ann", NOW))
            else:
                mine = make_comment(f"{COPY} {writer} {number}", author=BY_ANN, id=f"{writer}-{number}")
                changed = make_comment(f"{OTHER} {writer} {number}", author=BY_ANN, id=f"shared-{number % 4}")
                keep_all(sql_store, [mine, changed])

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    record = record_of(sql_store, Kind.EMAIL, email=EMAIL)
    assert (record.accepted, record.spam) == (24, 4)


# -- A database of the version before


@pytest.fixture
def old(empty_url, open_engine):
    """A database at version 0001 with a site that has thresholds of its own, and a reviewed comment."""
    engine = open_engine(empty_url)
    migrate.upgrade(engine)
    migrate.downgrade(engine, "0001")
    policy = json.dumps({"spam": {"hold_at": 0.4, "reject_at": None}})
    with engine.begin() as connection:
        for statement in (
            f"INSERT INTO sites VALUES (1, 'ann', '{policy}', 3, 5)",
            "INSERT INTO sites VALUES (2, 'ben', '{}', 0, 5)",
            f"INSERT INTO comments VALUES ('{id_from(5)}', 1, 'c1', false, 5)",
            f"""INSERT INTO revisions VALUES ('{id_from(5)}', 1, 'digest', '{{"text":"Hi"}}', 5)""",
            f"INSERT INTO verdicts VALUES ('{id_from(5)}', 1, 1, 'accept', '{{}}', '{{}}', '[]', 'm', 'p', 5)",
            f"INSERT INTO reviews VALUES ('{id_from(5)}', 1, 'ham', 'ann', NULL, 5)",
        ):
            connection.exec_driver_sql(statement)
    return engine


@DATABASES
def test_an_old_database_keeps_its_policies(old):
    migrate.upgrade(old)
    ann, ben = Sites(old, SECRET).all()
    assert ann.choices == Choices(thresholds={"spam": Override(hold_at=0.4, reject_at=None)})
    assert (ann.policy_number, ben.choices) == (3, Choices())


@DATABASES
def test_an_old_comment_can_still_be_shown_reviewed_and_changed(old):
    migrate.upgrade(old)
    store = SqlStore(old)
    assert store.history(ANN, "c1").verdicts[0].verdict.evidence == {}
    store.review(ANN, "c1", Review(Outcome.SPAM, "ann", NOW))
    assert [(one.evidence, one.outcome) for one in LabelTables(old).all(ANN)] == [({}, Outcome.SPAM)]
    assert [one.external_id for one in store.campaign_of(ANN, "c1").members] == ["c1"]
    (changed,) = keep(store, ANN, [make_judged("Changed", id="c1")])
    assert (changed.id, changed.repeated) == (id_from(5), False)


@DATABASES
def test_going_back_restores_the_policies(old):
    with old.begin() as connection:
        before = connection.execute(select(sites.c.policy).order_by(sites.c.id)).scalars().all()
    migrate.upgrade(old)
    migrate.downgrade(old, "0001")
    with old.begin() as connection:
        after = connection.execute(select(sites.c.policy).order_by(sites.c.id)).scalars().all()
        assert [json.loads(one) for one in after] == [json.loads(one) for one in before]
        assert connection.execute(text("SELECT count(*) FROM verdicts")).scalar_one() == 1


# -- Ids of times


@pytest.mark.parametrize("milliseconds", [-1, -(10**15), 0])
def test_before_1970_there_is_no_id(milliseconds):
    assert id_from(milliseconds) == "0" * 32


@pytest.mark.parametrize("milliseconds", [1, NOW, 10**18])
def test_the_lowest_id_of_a_time_has_the_length_of_all(milliseconds):
    assert len(id_from(milliseconds)) == 32
    assert id_from(milliseconds) > id_from(milliseconds - 1) or milliseconds > 16**12
