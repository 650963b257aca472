"""Sites and their keys."""

from __future__ import annotations

import re
from collections import Counter
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import literal, select, text
from sqlalchemy.exc import DBAPIError

from moderation.errors import KeyNotFound, SchemaMismatch, SiteExists, SiteNotFound
from moderation.policy import Choices, Mode, Override
from moderation.review import Actor
from moderation.store import sites as module
from moderation.store.audit import acts
from moderation.store.schema import keys
from moderation.store.sites import Sites
from tests.conftest import DATABASES

SECRET = b"a secret of the tests"
POSTGRESQL = pytest.mark.parametrize("kind", [pytest.param("postgresql", marks=pytest.mark.postgres)])


@pytest.fixture
def sites(engine) -> Sites:
    """A database with the sites ``ann`` and ``ben``."""
    sites = Sites(engine, SECRET)
    sites.create_site("ann")
    sites.create_site("ben")
    return sites


# -- Sites


@DATABASES
def test_sites_are_listed_by_name(sites):
    sites.create_site("a.blog")
    assert [site.name for site in sites.all()] == ["a.blog", "ann", "ben"]


@DATABASES
def test_a_site_is_found_by_its_name(sites):
    assert sites.site("ben") == sites.all()[1]


@DATABASES
def test_a_name_that_no_database_holds_is_not_found(sites):
    with pytest.raises(SiteNotFound):
        sites.site("ann\0")


@DATABASES
def test_an_error_of_the_database_shows_nothing_of_a_comment(engine):
    with pytest.raises(DBAPIError) as told, engine.begin() as connection:
        connection.execute(select(literal("a reader's words")).where(text("nowhere.nothing = 1")))
    assert "reader" not in str(told.value)


@DATABASES
def test_a_site_that_is_not_there_is_not_found(sites):
    with pytest.raises(SiteNotFound, match="charlie"):
        sites.site("charlie")


@DATABASES
def test_a_name_is_given_once(sites):
    with pytest.raises(SiteExists, match="ann"):
        sites.create_site("ann")


@DATABASES
@pytest.mark.parametrize("name", ["", "Ann", "-ann", "a b", "ann\n", "a/b", "ü", "a" * 64, "'; --"])
def test_a_bad_name_is_refused(sites, name):
    with pytest.raises(ValueError, match="1 to 63 characters"):
        sites.create_site(name)


@DATABASES
@pytest.mark.parametrize("name", ["a", "0", "my.blog_2-x", "a" * 63])
def test_a_good_name_is_kept_as_it_is(sites, name):
    assert sites.create_site(name).name == name


# -- Keys


@DATABASES
def test_a_key_is_twelve_lower_case_hex_digits(sites):
    assert all(re.fullmatch("[0-9a-f]{12}", sites.create_key("ann")) for _ in range(20))


@DATABASES
def test_a_key_leads_to_its_site(sites):
    ann, ben = sites.create_key("ann"), sites.create_key("ben")
    assert (sites.of_key(ann), sites.of_key(ben)) == (sites.site("ann"), sites.site("ben"))


@DATABASES
def test_a_site_may_have_many_keys(sites):
    found = [sites.of_key(sites.create_key("ann")).name for _ in range(3)]
    assert found == ["ann"] * 3
    assert len(sites.keys("ann")) == 3


@DATABASES
def test_a_key_for_no_site_is_refused(sites):
    with pytest.raises(SiteNotFound):
        sites.create_key("charlie")


@DATABASES
@pytest.mark.parametrize("key", ["", "0" * 12, "0" * 13, "x" * 12, "٠" * 12, "0" * 11 + "\n", "\0" * 12, "0" * 10_000])
def test_what_is_no_key_leads_nowhere(sites, key):
    assert sites.of_key(key) is None


@DATABASES
def test_a_key_in_capitals_is_no_key(sites):
    key = next(key for key in iter(lambda: sites.create_key("ann"), None) if key != key.upper())
    assert sites.of_key(key.upper()) is None


@DATABASES
def test_a_key_is_shown_by_its_beginning_alone(sites):
    key = sites.create_key("ann")
    (shown,) = sites.keys()
    assert (shown.site, shown.prefix, shown.revoked_at) == ("ann", key[:4], None)


@DATABASES
def test_keys_are_listed_for_one_site_or_all(sites):
    for name in ("ann", "ben", "ann"):
        sites.create_key(name)
    assert [key.site for key in sites.keys()] == ["ann", "ben", "ann"]
    assert [key.site for key in sites.keys("ben")] == ["ben"]


@DATABASES
def test_a_table_holds_no_key(sites, engine):
    key = sites.create_key("ann")
    with engine.begin() as connection:
        (row,) = connection.execute(select(keys)).all()
    assert key not in str(row)


@pytest.mark.parametrize("kind", ["sqlite"])
def test_the_file_holds_neither_a_key_nor_the_secret(sites, engine, database_url):
    key = sites.create_key("ann")
    sites.check_secret()
    assert sites.of_key(key) is not None
    held = b"".join(path.read_bytes() for path in Path(database_url).parent.glob("hamlet.db*"))
    assert b"ann" in held
    assert key.encode() not in held
    assert SECRET not in held


# -- Revoking


@DATABASES
@pytest.mark.parametrize("length", [4, 12])
def test_a_revoked_key_leads_nowhere_at_once(sites, length):
    key = sites.create_key("ann")
    assert sites.of_key(key) is not None
    sites.revoke_key("ann", key[:length])
    assert sites.of_key(key) is None


@DATABASES
def test_a_key_revoked_elsewhere_is_soon_forgotten(sites, engine, monkeypatch):
    monkeypatch.setattr(module, "REMEMBERED_SECONDS", 0.0)
    key, elsewhere = sites.create_key("ann"), Sites(engine, SECRET)
    assert elsewhere.of_key(key) is not None
    sites.revoke_key("ann", key)
    assert elsewhere.of_key(key) is None


@DATABASES
def test_the_other_keys_of_a_site_live_on(sites):
    revoked, other = sites.create_key("ann"), sites.create_key("ann")
    sites.revoke_key("ann", revoked)
    assert sites.of_key(other) is not None


@DATABASES
def test_a_revoked_key_is_still_listed_with_its_end(sites):
    key = sites.create_key("ann")
    revoked = sites.revoke_key("ann", key)
    assert sites.keys("ann") == [revoked]
    assert revoked.revoked_at >= revoked.created_at


@DATABASES
def test_a_key_is_revoked_once(sites):
    key = sites.create_key("ann")
    sites.revoke_key("ann", key)
    with pytest.raises(KeyNotFound, match="no living key"):
        sites.revoke_key("ann", key)


@DATABASES
def test_a_beginning_that_fits_many_keys_revokes_none(sites):
    made = [sites.create_key("ann") for _ in range(17)]  # Of 17 keys two begin alike.
    ((digit, _),) = Counter(key[0] for key in made).most_common(1)
    with pytest.raises(KeyNotFound, match="more than one key"):
        sites.revoke_key("ann", digit)
    assert all(sites.of_key(key) for key in made)


@DATABASES
def test_no_beginning_at_all_revokes_nothing(sites):
    key = sites.create_key("ann")
    with pytest.raises(KeyNotFound):
        sites.revoke_key("ann", "")
    assert sites.of_key(key) is not None


@DATABASES
def test_a_whole_key_that_is_slightly_wrong_revokes_nothing(sites):
    key = sites.create_key("ann")
    with pytest.raises(KeyNotFound):
        sites.revoke_key("ann", key[:-1] + ("0" if key[-1] != "0" else "1"))
    assert sites.of_key(key) is not None


@DATABASES
def test_a_site_cannot_revoke_the_key_of_another(sites):
    key = sites.create_key("ann")
    with pytest.raises(KeyNotFound):
        sites.revoke_key("ben", key)
    assert sites.of_key(key) is not None


# -- The secret


@DATABASES
def test_a_database_knows_its_secret_again(sites, engine):
    sites.check_secret()
    Sites(engine, SECRET).check_secret()


@DATABASES
def test_another_secret_is_noticed_and_says_what_to_do(sites, engine):
    sites.check_secret()
    with pytest.raises(SchemaMismatch, match="secret is not the one") as caught:
        Sites(engine, b"another secret entirely").check_secret()
    assert "HAMLET_SECRET" in caught.value.hint


@DATABASES
def test_a_key_is_worth_nothing_under_another_secret(sites, engine):
    assert Sites(engine, b"another secret entirely").of_key(sites.create_key("ann")) is None


@POSTGRESQL
def test_two_servers_that_start_at_once_agree_on_the_secret(sites, engine, database_url):
    with ThreadPoolExecutor(1) as pool, psycopg.connect(database_url) as other:
        other.execute("INSERT INTO facts (name, value) VALUES ('secret', %s)", [mark_of(engine, sites)])
        waiting = pool.submit(Sites(engine, SECRET).check_secret)
        until_it_waits(waiting, database_url)
        other.commit()
        assert waiting.result() is None


def mark_of(engine, sites: Sites) -> str:
    """What ``check_secret`` notes down; the table is empty again."""
    sites.check_secret()
    with engine.begin() as connection:
        return connection.exec_driver_sql("DELETE FROM facts WHERE name = 'secret' RETURNING value").scalar_one()


def until_it_waits(work: Future, url: str) -> None:
    """Return as soon as work waits for a lock."""
    with psycopg.connect(url, autocommit=True) as other:
        while not other.execute("SELECT 1 FROM pg_locks WHERE NOT granted").fetchall():
            assert not work.done(), "it waited for nothing"


# -- Policies


@DATABASES
def test_a_new_site_has_the_thresholds_of_the_model(sites):
    assert (sites.site("ann").choices, sites.site("ann").policy_number) == (Choices(), 0)


@DATABASES
def test_a_policy_is_kept_as_it_was_set(sites):
    thresholds = {"spam": Override(hold_at=0.4, reject_at=None), "threat": Override(reject_at=0.99)}
    choices = Choices(thresholds=thresholds, mode=Mode.SHADOW, signals_off=("links",), weights={"links": 0.5})
    assert sites.choose("ann", choices).choices == choices
    assert sites.site("ann").choices == choices


@DATABASES
def test_every_change_of_a_policy_has_a_number(sites):
    numbers = [sites.choose("ann", Choices()).policy_number for _ in range(3)]
    assert numbers == [1, 2, 3]


@DATABASES
def test_a_policy_is_of_one_site(sites):
    sites.choose("ann", Choices(thresholds={"spam": Override(hold_at=0.4)}))
    assert sites.site("ben").choices == Choices()


@DATABASES
def test_a_changed_policy_is_seen_through_a_known_key_at_once(sites):
    key = sites.create_key("ann")
    assert sites.of_key(key).policy_number == 0
    sites.choose("ann", Choices(thresholds={"spam": Override(hold_at=0.4)}))
    assert sites.of_key(key).policy_number == 1


# -- Noted


@DATABASES
def test_every_change_of_a_site_is_noted_with_who_made_it(sites, engine):
    ann = Actor("ann", "dashboard")
    site = sites.create_site("noted", actor=ann)
    sites.revoke_key("noted", sites.create_key("noted", actor=ann), actor=ann)
    sites.choose("noted", Choices(mode=Mode.CLOSED), actor=ann)
    with engine.begin() as connection:
        found = acts(connection, [site.id])
    assert [act.action for act in found] == ["choose", "revoke-key", "create-key", "create-site"]
    assert {(act.actor, act.via) for act in found} == {("ann", "dashboard")}


@DATABASES
def test_of_choices_only_what_changed_is_noted(sites, engine):
    site = sites.create_site("noted")
    first = Choices(thresholds={"spam": Override(hold_at=0.5)}, flood_per_hour=5)
    sites.choose("noted", first)
    sites.choose("noted", Choices(thresholds={"spam": Override(hold_at=0.5), "insult": Override(hold_at=0.9)}))
    with engine.begin() as connection:
        newest = acts(connection, [site.id])[0]
    assert newest.detail == {"thresholds": {"insult": {"hold_at": 0.9}}, "flood_per_hour": "as at first"}


@DATABASES
def test_a_key_is_never_noted(sites, engine):
    site = sites.create_site("noted")
    key = sites.create_key("noted")
    with engine.begin() as connection:
        assert key not in str(acts(connection, [site.id]))
