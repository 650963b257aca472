"""The log of decisions: in order, without gaps, and never read past one that is still being written."""

from __future__ import annotations

from collections.abc import Sequence
from threading import Thread

import pytest
from sqlalchemy import Engine, delete, insert
from sqlalchemy.exc import IntegrityError

from moderation.past import Outcome
from moderation.store import Review
from moderation.store.database import failures_named
from moderation.store.decisions import Told, after, read_after, tell
from moderation.store.schema import comments, decisions
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.conftest import DATABASES
from tests.moderation.evidence import COPY, keep_one

# SQLite has one writer: there is no meanwhile.
POSTGRESQL = pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)])
ANN, BEN = 1, 2


@pytest.fixture(autouse=True)
def _sites(engine):
    found = Sites(engine, b"a secret of the tests")
    for name in ("ann", "ben"):
        found.create_site(name)


def make_told(comment_id: str = "c1", **changes: object) -> Told:
    values = {"external_id": "x1", "decision": Decision.REJECT, "outcome": Outcome.SPAM, "by": "ann", "at": 5}
    return Told(comment_id, **{**values, **changes})  # type: ignore[arg-type]


def tell_now(engine: Engine, site_id: int, told: Sequence[Told]) -> None:
    with failures_named(), engine.execution_options(writes=True).begin() as connection:
        tell(connection, site_id, told)


@DATABASES
def test_what_is_told_is_read_back_with_its_numbers(engine):
    first, second = make_told("a"), make_told("b", external_id=None, decision=Decision.ACCEPT, outcome=None)
    tell_now(engine, ANN, [first, second])
    assert read_after(engine, ANN, 0, 10) == [(1, first), (2, second)]


@DATABASES
def test_reading_begins_behind_the_cursor_and_ends_at_the_limit(engine):
    tell_now(engine, ANN, [make_told(str(i)) for i in range(5)])
    assert [number for number, _ in read_after(engine, ANN, 1, 3)] == [2, 3, 4]
    assert read_after(engine, ANN, 5, 3) == []


@DATABASES
def test_each_site_counts_for_itself(engine):
    tell_now(engine, ANN, [make_told("a"), make_told("b")])
    tell_now(engine, BEN, [make_told("c")])
    assert [number for number, _ in read_after(engine, BEN, 0, 10)] == [1]


@DATABASES
def test_telling_nothing_is_nothing(engine):
    tell_now(engine, ANN, [])
    assert read_after(engine, ANN, 0, 10) == []


@DATABASES
def test_what_is_rolled_back_was_not_told_and_leaves_no_gap(engine):
    with pytest.raises(RuntimeError), engine.execution_options(writes=True).begin() as connection:
        tell(connection, ANN, [make_told("a")])
        raise RuntimeError
    tell_now(engine, ANN, [make_told("b")])
    assert [(number, one.comment_id) for number, one in read_after(engine, ANN, 0, 10)] == [(1, "b")]


@DATABASES
def test_a_number_is_not_used_again_after_its_decision_was_erased(engine):
    tell_now(engine, ANN, [make_told("a"), make_told("b")])
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(delete(decisions).where(decisions.c.comment_id == "b"))
    tell_now(engine, ANN, [make_told("c")])
    assert [number for number, _ in read_after(engine, ANN, 2, 10)] == [3]


@DATABASES
def test_a_reader_never_skips_a_number_while_many_write(engine):
    writers, each = 6, 10

    def write() -> None:
        for _ in range(each):
            tell_now(engine, ANN, [make_told("a"), make_told("b")])

    threads = [Thread(target=write) for _ in range(writers)]
    for thread in threads:
        thread.start()
    seen = [0]
    while any(thread.is_alive() for thread in threads):
        seen += [number for number, _ in read_after(engine, ANN, seen[-1], 7)]
    seen += [number for number, _ in read_after(engine, ANN, seen[-1], 1_000)]
    assert seen == list(range(writers * each * 2 + 1))


@POSTGRESQL
def test_comments_come_in_while_a_site_is_told(engine):
    row = {"id": "0" * 32, "site_id": ANN, "is_test": False, "received_at": 1}
    with engine.begin() as telling, engine.begin() as checking:
        tell(telling, ANN, [make_told()])
        checking.exec_driver_sql("SET LOCAL lock_timeout = '2s'")
        checking.execute(insert(comments).values(row))
        assert after(checking, ANN, 0, 10) == []


@DATABASES
def test_a_campaign_that_is_held_is_told(engine):
    store = SqlStore(engine)
    kept = [keep_one(store, COPY, id=f"c{number}") for number in range(2)]
    keep_one(store, COPY, Decision.REJECT, id="c2")
    store.hold_campaign(ANN, "c0")
    told = [one for _, one in read_after(engine, ANN, 0, 10)]
    assert [(one.comment_id, one.external_id) for one in told] == [(kept[0].id, "c0"), (kept[1].id, "c1")]
    assert {(one.decision, one.outcome, one.by) for one in told} == {(Decision.HOLD, None, "campaign")}


@DATABASES
def test_what_a_person_said_is_not_undone_by_holding_the_campaign(engine):
    store = SqlStore(engine)
    kept = [keep_one(store, COPY, id=f"c{number}") for number in range(2)]
    store.review(ANN, kept[0].id, Review(Outcome.SPAM, "ann", 5))
    store.hold_campaign(ANN, "c1")
    held = [one.external_id for _, one in read_after(engine, ANN, 0, 10) if one.decision is Decision.HOLD]
    assert held == ["c1"]


@DATABASES
def test_a_site_that_is_not_there_cannot_be_told(engine):
    with pytest.raises(IntegrityError):
        tell_now(engine, 99, [make_told()])
