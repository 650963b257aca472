"""Migrations: numbered, reversible, and they end at the models."""

from __future__ import annotations

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from moderation.errors import HamletError, SchemaMismatch
from moderation.store import migrate
from moderation.store.schema import metadata
from moderation.store.sites import Sites
from tests.conftest import DATABASES
from tests.moderation.elsewhere import start, together

pytestmark = DATABASES


@pytest.fixture
def empty(empty_url, open_engine):
    """A database without tables, open."""
    return open_engine(empty_url)


def tables(engine) -> set[str]:
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def set_version(engine, version: str) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = :version"), {"version": version})


def test_migrations_end_at_the_models(empty):
    migrate.upgrade(empty)
    with empty.begin() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []


def test_migrations_make_every_table(empty):
    migrate.upgrade(empty)
    assert tables(empty) == set(metadata.tables)


def test_a_migrated_database_is_at_the_version_needed(empty):
    migrate.upgrade(empty)
    assert migrate.current(empty) == migrate.head()
    migrate.require_current(empty)


def test_an_empty_database_has_no_version(empty):
    assert migrate.current(empty) is None


def test_an_empty_database_will_not_do(empty):
    with pytest.raises(SchemaMismatch, match="version none") as caught:
        migrate.require_current(empty)
    assert caught.value.hint == "run: hamlet db upgrade"


def test_a_database_at_another_version_will_not_do(engine):
    set_version(engine, "0000")
    with pytest.raises(SchemaMismatch, match=f"version 0000, this Hamlet needs {migrate.head()}"):
        migrate.require_current(engine)


def test_a_database_of_a_newer_hamlet_is_refused_in_a_sentence(engine):
    set_version(engine, "9999")
    with pytest.raises(HamletError, match="9999"):
        migrate.upgrade(engine)


def test_migrations_can_be_undone_and_done_again(empty):
    migrate.upgrade(empty)
    migrate.downgrade(empty, "base")
    assert tables(empty) == set()
    migrate.upgrade(empty)
    assert tables(empty) == set(metadata.tables)


def test_upgrading_again_keeps_what_is_there(engine):
    site = Sites(engine, b"a secret of the tests").create_site("ann")
    migrate.upgrade(engine)
    assert Sites(engine, b"a secret of the tests").all() == [site]


def test_two_processes_can_upgrade_at_once(empty_url, empty):
    processes = [start("upgrade", empty_url) for _ in range(2)]
    together(*processes)
    assert [process.returncode for process in processes] == [0, 0]
    migrate.require_current(empty)
