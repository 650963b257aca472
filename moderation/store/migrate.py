"""Bringing a database to the version the code needs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from moderation.errors import SchemaMismatch
from moderation.store.database import reading, writing

MIGRATIONS = Path(__file__).parent / "migrations"
_LOCK = 0x48414D4C4554  # "HAMLET": one server at a time migrates a PostgreSQL database.


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())


def head() -> str:
    """The version the code needs."""
    return _scripts().get_current_head() or ""


def current(engine: Engine) -> str | None:
    """The version a database is at; None if it is empty."""
    with reading(engine) as connection:
        return MigrationContext.configure(connection).get_current_revision()


def upgrade(engine: Engine) -> None:
    """Bring a database to the newest version, in one transaction; one of a newer Hamlet is refused."""
    found = current(engine)
    if found == head():
        return
    if found is not None and found not in {script.revision for script in _scripts().walk_revisions()}:
        error = SchemaMismatch(f"the database is at version {found}, which this Hamlet does not know")
        error.hint = "it was used by a newer Hamlet: install that one, or restore a backup"
        raise error
    _run(engine, "head", command.upgrade)


def downgrade(engine: Engine, revision: str) -> None:
    """Bring a database back to an older version."""
    _run(engine, revision, command.downgrade)


def _run(engine: Engine, revision: str, move: Callable[[Config, str], None]) -> None:
    config = _config()
    with writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        config.attributes["connection"] = connection
        move(config, revision)


def require_current(engine: Engine) -> None:
    """Raise ``SchemaMismatch`` unless the database is at the version the code needs."""
    found = current(engine)
    if found != head():
        raise SchemaMismatch(f"the database is at version {found or 'none'}, this Hamlet needs {head()}")
