"""The store: the same promises in memory, on SQLite and on PostgreSQL."""

from __future__ import annotations

import itertools
import json
import signal
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Barrier
from types import SimpleNamespace

import psycopg
import pytest
from sqlalchemy import Engine, event, func, insert, make_url, select, text

from moderation.comment import Author
from moderation.errors import BadSetting, CommentNotFound, StoreUnavailable
from moderation.store import Checked, Judged, MemoryStore, Review, Store, database
from moderation.store.schema import comments, reviews, revisions, verdicts
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision, Reason
from tests.builders import NOON, keep, make_author, make_comment, make_judged, make_verdict
from tests.conftest import DATABASES
from tests.moderation.elsewhere import start, together

ANN, BEN = 1, 2
STORES = pytest.mark.parametrize("kind", ["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
SQLITE = pytest.mark.parametrize("kind", ["sqlite"])
POSTGRESQL = pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)])
OpenEngine = Callable[[str], Engine]


@pytest.fixture
def store(kind: str, request: pytest.FixtureRequest) -> Store:
    """An empty store; in a database, of the sites ANN and BEN."""
    return MemoryStore() if kind == "memory" else request.getfixturevalue("sql_store")


@pytest.fixture
def sql_store(engine: Engine) -> SqlStore:
    sites = Sites(engine, b"a secret of the tests")
    assert [sites.create_site(name).id for name in ("ann", "ben")] == [ANN, BEN]
    return SqlStore(engine)


def record(store: Store, *arguments: object, site: int = ANN, **changes: object) -> Checked:
    """Record one comment."""
    (checked,) = keep(store, site, [make_judged(*arguments, **changes)])
    return checked


def texts(store: Store, comment_id: str, site: int = ANN) -> list[str]:
    return [one.comment.text for one in store.history(site, comment_id).revisions]


def count(engine: Engine) -> int:
    with engine.begin() as connection:
        return connection.execute(select(func.count()).select_from(comments)).scalar_one()


# -- What is recorded


@STORES
def test_a_recorded_comment_can_be_read_back_whole(store):
    comment = make_comment("Hi", id="c1", author=make_author(ip="192.0.2.7"), submitted_at=NOON, is_test=True)
    (checked,) = keep(store, ANN, [(comment, "digest", make_verdict())])
    (revision,) = store.history(ANN, checked.id).revisions
    assert revision.comment == comment


@STORES
def test_a_verdict_can_be_read_back_whole(store):
    reason = Reason("words", "the wording “pills” is typical of spam", 2.5, "spam", ((0, 5), (9, 14)))
    verdict = make_verdict(Decision.HOLD, reasons=(reason,))
    (checked,) = keep(store, ANN, [(make_comment(), "digest", verdict)])
    (judged,) = store.history(ANN, checked.id).verdicts
    assert (judged.verdict, judged.revision) == (verdict, 1)


@STORES
def test_a_new_comment_is_answered_with_its_verdict(store):
    checked = record(store, "Hi", Decision.REJECT)
    assert checked.verdict.decision is Decision.REJECT
    assert not checked.repeated


@STORES
def test_a_comment_sent_again_gets_the_verdict_it_got_first(store):
    first = record(store, "Hi", Decision.HOLD, id="c1")
    again = record(store, "Hi", Decision.ACCEPT, id="c1")
    assert again == Checked(first.id, first.verdict, repeated=True)


@STORES
def test_a_comment_sent_again_adds_nothing_to_its_history(store):
    first = record(store, id="c1")
    before = store.history(ANN, first.id)
    record(store, id="c1")
    assert store.history(ANN, first.id) == before


@STORES
def test_a_comment_sent_again_is_kept_again_on_request(store):
    first = record(store, "Hi", Decision.HOLD, id="c1")
    comment, digest, _ = make_judged("Hi", id="c1")
    (again,) = store.record([Judged(ANN, comment, digest, make_verdict(Decision.ACCEPT), again=True)])
    assert (again.id, again.repeated, again.verdict.decision) == (first.id, False, Decision.ACCEPT)
    assert texts(store, "c1") == ["Hi", "Hi"]


@STORES
def test_changed_content_is_judged_anew_and_keeps_the_history(store):
    first = record(store, "Hi", Decision.ACCEPT, id="c1")
    changed = record(store, "Buy", Decision.REJECT, id="c1")
    assert (changed.id, changed.repeated, changed.verdict.decision) == (first.id, False, Decision.REJECT)
    assert texts(store, "c1") == ["Hi", "Buy"]


@STORES
def test_the_verdicts_of_a_history_name_their_revisions(store):
    record(store, "Hi", Decision.ACCEPT, id="c1")
    record(store, "Buy", Decision.REJECT, id="c1")
    found = store.history(ANN, "c1").verdicts
    assert [(one.revision, one.verdict.decision) for one in found] == [(1, Decision.ACCEPT), (2, Decision.REJECT)]


@STORES
def test_content_changed_back_is_a_third_revision(store):
    for words, decision in (("A", Decision.ACCEPT), ("B", Decision.HOLD), ("A", Decision.REJECT)):
        assert not record(store, words, decision, id="c1").repeated
    assert texts(store, "c1") == ["A", "B", "A"]


@STORES
def test_content_changed_back_and_sent_again_gets_the_newest_verdict(store):
    for words, decision in (("A", Decision.ACCEPT), ("B", Decision.HOLD), ("A", Decision.REJECT)):
        record(store, words, decision, id="c1")
    again = record(store, "A", Decision.HOLD, id="c1")
    assert (again.repeated, again.verdict.decision) == (True, Decision.REJECT)


@STORES
def test_any_changed_fact_is_a_changed_comment(store):
    record(store, "Hi", id="c1", author=Author(name="Ann"))
    assert not record(store, "Hi", id="c1", author=Author(name="Anne")).repeated


@STORES
def test_comments_without_an_id_are_never_the_same(store):
    first, second = record(store), record(store)
    assert not second.repeated
    assert first.id != second.id


# -- Many at once


@STORES
def test_no_comments_are_recorded_as_none(store):
    assert keep(store, ANN, []) == []


@STORES
def test_answers_come_in_the_order_of_the_comments(store):
    checked = keep(store, ANN, [make_judged(str(number), id=str(number)) for number in (3, 1, 2)])
    assert [texts(store, one.id) for one in checked] == [["3"], ["1"], ["2"]]


@STORES
def test_the_same_comment_twice_in_one_batch_is_one_comment(store):
    first, second = keep(store, ANN, [make_judged("Hi", Decision.HOLD, id="c"), make_judged("Hi", id="c")])
    assert second == Checked(first.id, first.verdict, repeated=True)
    assert texts(store, "c") == ["Hi"]


@STORES
def test_one_id_with_two_contents_in_one_batch_is_two_revisions(store):
    first, second = keep(store, ANN, [make_judged("A", id="c"), make_judged("B", Decision.HOLD, id="c")])
    assert (second.id, second.verdict.decision) == (first.id, Decision.HOLD)
    assert texts(store, "c") == ["A", "B"]


@STORES
def test_a_batch_may_mix_new_known_and_changed_comments(store):
    keep(store, ANN, [make_judged("A", id="a"), make_judged("B", id="b")])
    batch = [make_judged("C", id="c"), make_judged("A", id="a"), make_judged("b", id="b"), make_judged("D")]
    assert [one.repeated for one in keep(store, ANN, batch)] == [False, True, False, False]
    assert texts(store, "b") == ["B", "b"]


@STORES
def test_a_thousand_comments_are_kept_at_once(store):
    checked = keep(store, ANN, [make_judged(str(number), id=str(number)) for number in range(1_000)])
    assert len({one.id for one in checked}) == 1_000
    assert texts(store, checked[999].id) == texts(store, "999") == ["999"]


@STORES
def test_a_thousand_known_comments_are_found_again_at_once(store):
    batch = [make_judged(str(number), id=str(number)) for number in range(1_000)]
    ids = [one.id for one in keep(store, ANN, batch)]
    again = keep(store, ANN, batch)
    assert [one.id for one in again] == ids
    assert all(one.repeated for one in again)


# -- Ids


@STORES
def test_the_ids_of_two_sites_do_not_meet(store):
    ann, ben = record(store, "A", id="c1"), record(store, "B", id="c1", site=BEN)
    assert (ann.id != ben.id, ben.repeated) == (True, False)
    assert (texts(store, "c1"), texts(store, "c1", BEN)) == (["A"], ["B"])


@STORES
def test_a_history_is_found_by_either_id(store):
    checked = record(store, id="blog-77-412")
    found = store.history(ANN, "blog-77-412")
    assert found == store.history(ANN, checked.id)
    assert (found.id, found.external_id) == (checked.id, "blog-77-412")


@STORES
@pytest.mark.parametrize("name", ["nothing", "", "' OR 1=1 --", "0" * 32])
def test_an_unknown_comment_is_not_found(store, name):
    record(store, id="c1")
    with pytest.raises(CommentNotFound):
        store.history(ANN, name)


@STORES
@pytest.mark.parametrize("own", [True, False])
def test_a_site_does_not_find_the_comments_of_another(store, own):
    checked = record(store, id="c1")
    with pytest.raises(CommentNotFound):
        store.history(BEN, "c1" if own else checked.id)


@STORES
def test_our_ids_sort_by_time_of_arrival(store):
    first, second = record(store), record(store)
    assert first.id[:12] <= second.id[:12]
    assert len(first.id) == 32


@STORES
def test_a_history_knows_when_things_happened(store, monkeypatch):
    ticks = itertools.count(1_700_000_000_000_000_000, 1_000_000)
    monkeypatch.setattr("moderation.store.time", SimpleNamespace(time_ns=lambda: next(ticks)))
    record(store, "A", id="c1")
    record(store, "B", id="c1")
    found = store.history(ANN, "c1")
    times = [found.revisions[0].received_at, found.verdicts[0].judged_at, found.verdicts[1].judged_at]
    assert times == sorted(times)
    assert int(found.id[:12], 16) == times[0]


@STORES
@pytest.mark.parametrize(
    "words",
    [
        "",
        "a\0b",
        "\x01\x1f\x7f",
        "👩‍👩‍👧 \U0010ffff \uffff",
        "שלום \u202eabc",
        "'; DROP TABLE comments; --",
        'a\\"%s?:x{}',
        "\ufffd",
    ],
)
def test_any_text_comes_back_as_it_went_in(store, words):
    record(store, words, id="c1")
    assert texts(store, "c1") == [words]


@STORES
@pytest.mark.parametrize("name", ["ü", "👍" * 255, "'; --", "a/b?c#d", "%s:x", " ", "C1", "ǆ"])
def test_any_id_is_found_again(store, name):
    record(store, "lower", id="c1")
    assert store.history(ANN, record(store, id=name).id) == store.history(ANN, name)
    assert texts(store, "c1") == ["lower"]


# -- What the tables hold


@DATABASES
@pytest.mark.parametrize("is_test", [True, False])
def test_a_trial_is_marked_in_the_table(sql_store, engine, is_test):
    record(sql_store, is_test=is_test)
    with engine.begin() as connection:
        assert connection.execute(select(comments.c.is_test)).scalar_one() is is_test


@DATABASES
def test_reviews_are_part_of_the_history(sql_store, engine):
    checked = record(sql_store)
    row = {"comment_id": checked.id, "number": 1, "outcome": "ham", "reviewer": "ann", "note": None, "reviewed_at": 5}
    with engine.begin() as connection:
        connection.execute(insert(reviews).values(row))
    assert sql_store.history(ANN, checked.id).reviews == (Review("ham", "ann", 5),)


@DATABASES
def test_a_failure_in_a_batch_keeps_none_of_it(sql_store, engine):
    with pytest.raises(Exception, match=r"(?i)foreign key"):
        keep(sql_store, 99, [make_judged(), make_judged(id="c1")])
    assert count(engine) == 0


# -- Many writers


def at_once(work: Callable[[int], Checked], writers: int = 8) -> list[Checked]:
    """Let writers work at the same moment."""
    barrier = Barrier(writers)

    def begin(number: int) -> Checked:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(writers) as pool:
        return list(pool.map(begin, range(writers)))


@DATABASES
def test_nothing_is_lost_when_many_threads_record(sql_store, engine):
    def work(writer: int) -> Checked:
        return [record(sql_store, id=f"{writer}-{number}") for number in range(20)][-1]

    at_once(work)
    assert count(engine) == 160


@DATABASES
def test_threads_that_record_the_same_comment_agree_on_one_verdict(sql_store):
    decisions = list(Decision)
    checked = at_once(lambda writer: record(sql_store, "Hi", decisions[writer % 3], id="c1"))
    assert len({(one.id, one.verdict.decision) for one in checked}) == 1
    assert [one.repeated for one in checked].count(False) == 1


@DATABASES
def test_threads_that_change_one_comment_each_leave_a_revision(sql_store):
    at_once(lambda writer: record(sql_store, str(writer), id="c1"))
    assert sorted(texts(sql_store, "c1")) == [str(writer) for writer in range(8)]


@DATABASES
def test_batches_with_the_same_ids_in_any_order_are_all_kept(sql_store, engine):
    batch = [make_judged(str(number), id=str(number)) for number in range(200)]
    at_once(lambda writer: keep(sql_store, ANN, batch if writer % 2 else batch[::-1])[0])
    assert count(engine) == 200


@DATABASES
def test_processes_lose_nothing_and_agree_on_one_verdict(sql_store, engine, database_url):
    answers = together(*(start("record", database_url, str(ANN), own, "30") for own in ("hold", "reject")))
    assert count(engine) == 61
    assert len(set(answers)) == 1
    comment_id, decision = json.loads(answers[0])
    assert sql_store.history(ANN, comment_id).verdicts[0].verdict.decision == decision


@DATABASES
def test_a_recorded_comment_survives_the_death_of_its_process(sql_store, database_url):
    process = start("record_and_die", database_url, str(ANN))
    together(process)
    assert process.returncode == -signal.SIGKILL
    assert texts(sql_store, "last") == ["the last one"]


@DATABASES
@pytest.mark.parametrize("table", [revisions, verdicts])
def test_revisions_and_verdicts_are_numbered_without_gaps(sql_store, engine, table):
    at_once(lambda writer: record(sql_store, str(writer), id="c1"), writers=4)
    with engine.begin() as connection:
        assert sorted(connection.execute(select(table.c.number)).scalars()) == [1, 2, 3, 4]


# -- Databases that will not


@contextmanager
def locked(file: str) -> Iterator[None]:
    """Another process's write transaction, on a connection of its own."""
    with closing(sqlite3.connect(file, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.05)


@SQLITE
def test_a_locked_database_is_unavailable_and_keeps_nothing(impatient, sql_store, engine, database_url):
    with locked(database_url), pytest.raises(StoreUnavailable, match="locked by another process"):
        record(sql_store, id="c1")
    assert count(engine) == 0


@SQLITE
def test_a_database_that_is_free_again_takes_the_comment(impatient, sql_store, database_url):
    with locked(database_url), pytest.raises(StoreUnavailable):
        record(sql_store, id="c1")
    assert not record(sql_store, id="c1").repeated


@SQLITE
def test_a_locked_database_can_still_be_read(impatient, sql_store, database_url):
    record(sql_store, "Hi", id="c1")
    with locked(database_url):
        assert texts(sql_store, "c1") == ["Hi"]


@SQLITE
def test_a_short_lock_is_waited_for(sql_store, database_url):
    with ThreadPoolExecutor(1) as pool, locked(database_url):
        waiting = pool.submit(record, sql_store)
    assert not waiting.result().repeated


@SQLITE
def test_a_read_only_database_is_unavailable(sql_store, database_url, open_engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    read_only = SqlStore(open_engine(f"sqlite:///file:{database_url}?mode=ro&uri=true"))
    with pytest.raises(StoreUnavailable, match="cannot be written"):
        record(read_only)
    assert not list(tmp_path.glob("file:*"))


@SQLITE
def test_a_read_only_database_can_still_be_read(sql_store, database_url, open_engine, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    record(sql_store, "Hi", id="c1")
    assert texts(SqlStore(open_engine(f"sqlite:///file:{database_url}?mode=ro&uri=true")), "c1") == ["Hi"]


@SQLITE
def test_a_full_disk_is_unavailable_and_keeps_nothing(sql_store, engine, database_url, open_engine):
    full = open_engine(database_url)
    event.listen(full, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count=1").close())
    with pytest.raises(StoreUnavailable, match="the disk is full"):
        record(SqlStore(full), "long " * 10_000)
    assert count(engine) == 0


@DATABASES
def test_a_database_without_tables_says_what_to_run(open_engine, empty_url):
    with pytest.raises(StoreUnavailable, match="hamlet db upgrade"):
        record(SqlStore(open_engine(empty_url)))


def test_a_file_that_is_no_database_is_unavailable(tmp_path, open_engine):
    (tmp_path / "notes.txt").write_text("Dear diary, " * 1_000)
    with pytest.raises(StoreUnavailable):
        record(SqlStore(open_engine(str(tmp_path / "notes.txt"))))


def test_a_folder_in_the_place_of_the_file_is_unavailable(tmp_path, open_engine):
    with pytest.raises(StoreUnavailable, match="unable to open"):
        record(SqlStore(open_engine(str(tmp_path))))


@POSTGRESQL
def test_a_postgresql_that_does_not_listen_is_unavailable(open_engine, kind):
    with pytest.raises(StoreUnavailable, match="does not answer"):
        record(SqlStore(open_engine("postgresql://hamlet@127.0.0.1:1/hamlet")))


@POSTGRESQL
def test_a_postgresql_that_went_away_is_unavailable(sql_store, database_url):
    with psycopg.connect(database_url.rpartition("/")[0] + "/postgres", autocommit=True) as other:
        other.execute(f"DROP DATABASE {make_url(database_url).database} WITH (FORCE)")
    with pytest.raises(StoreUnavailable, match="does not answer"):
        record(sql_store)


@POSTGRESQL
def test_a_postgresql_that_came_back_takes_the_comment(sql_store, database_url):
    with psycopg.connect(database_url, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
                      " AND datname = current_database()")  # fmt: skip
    assert not record(sql_store).repeated


@POSTGRESQL
def test_a_connection_lost_while_recording_is_unavailable_and_keeps_nothing(sql_store, engine, database_url):
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url) as other:
        other.execute("LOCK TABLE verdicts IN ACCESS EXCLUSIVE MODE")
        waiting = pool.submit(record, sql_store)
        terminate_who_waits(database_url, waiting)
        with pytest.raises(StoreUnavailable):
            waiting.result()
    assert count(engine) == 0


def terminate_who_waits(url: str, work: Future) -> None:
    """Cut the connection that waits for a lock, as soon as there is one."""
    query = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE NOT granted AND pid <> pg_backend_pid()"
    with psycopg.connect(url, autocommit=True) as other:
        while not other.execute(query).fetchall():
            assert not work.done(), "it waited for nothing"


# -- Opening


@pytest.mark.parametrize("url", ["mysql://localhost/x", "oracle://x", "nonsense://", "://", "http://example.org/db"])
def test_other_databases_are_refused(url):
    with pytest.raises(BadSetting, match="database"):
        database.open_database(url)


def test_the_folder_of_a_new_file_is_made(tmp_path, open_engine):
    with open_engine(str(tmp_path / "new" / "folder" / "hamlet.db")).begin() as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


@pytest.mark.parametrize(("careful", "synchronous"), [(False, 1), (True, 2)])
def test_a_database_can_be_made_safe_from_power_loss(tmp_path: Path, careful, synchronous):
    engine = database.open_database(str(tmp_path / "hamlet.db"), safe_from_power_loss=careful)
    with closing(engine.raw_connection()) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (synchronous,)
    engine.dispose()


def test_both_spellings_of_postgresql_use_one_driver():
    urls = [database.parse_url(f"{scheme}://u@h/db") for scheme in ("postgresql", "postgresql+psycopg")]
    assert {url.drivername for url in urls} == {"postgresql+psycopg"}
