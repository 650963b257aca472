"""Opening a database: SQLite in WAL mode, or PostgreSQL by URL; and what its failures mean."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, Engine, Insert, Select, Table, create_engine, event, literal
from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import Insert as SqliteInsert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from moderation.errors import BadSetting, StoreUnavailable

T = TypeVar("T")

LOOKED_UP_AT_ONCE = 400
"""Keys in one IN list; databases bound the number of parameters."""
BUSY_SECONDS = 5.0
"""How long a write waits for another process's before it gives up."""


def parse_url(text: str) -> URL:
    """A database URL; a bare path is an SQLite file."""
    if "://" not in text:
        return URL.create("sqlite", database=text)
    try:
        url = make_url(text)
    except ArgumentError as error:
        raise BadSetting("database", str(error)) from error
    if url.get_backend_name() == "postgresql":
        return url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() != "sqlite":
        raise BadSetting("database", f"{url.get_backend_name()} is not supported: SQLite (a path) or postgresql://…")
    return url


def open_database(text: str, *, safe_from_power_loss: bool = False, pool_size: int = 8) -> Engine:
    """An engine for the URL. Nothing is connected yet.

    A committed answer always survives a crash of the process. With ``safe_from_power_loss`` SQLite also waits for
    the disk (``synchronous=FULL``) at every commit; PostgreSQL does as its server is set up.
    """
    url = parse_url(text)
    try:
        if url.get_backend_name() == "sqlite":
            return _open_sqlite(url, safe_from_power_loss)
        return create_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            pool_timeout=BUSY_SECONDS,
            hide_parameters=True,
        )
    except NoSuchModuleError as error:
        raise BadSetting("database", str(error)) from error


def _open_sqlite(url: URL, safe_from_power_loss: bool) -> Engine:
    if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        try:
            Path(url.database).parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BadSetting("database", f"{url.database}: {error.strerror}") from error
    # Errors go to the log: texts and addresses of people are nothing for it.
    engine = create_engine(
        url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False}, hide_parameters=True
    )

    @event.listens_for(engine, "connect")
    def _set_up(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # SQLAlchemy says BEGIN itself, below.
        cursor = connection.cursor()
        with suppress(connection.OperationalError):
            # A read-only file keeps the mode it has; writing to it fails later, with its own error.
            cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute(f"PRAGMA synchronous={'FULL' if safe_from_power_loss else 'NORMAL'}")
        cursor.execute("PRAGMA foreign_keys=ON")
        cursor.execute("PRAGMA cache_size=-16000")
        # Copying the log into the file costs a flush of the disk: once every 16 MB rather than every 4.
        cursor.execute("PRAGMA wal_autocheckpoint=4000")
        cursor.close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # IMMEDIATE: a writer waits for its turn here, not with a half-done transaction in hand.
        mode = "IMMEDIATE" if connection.get_execution_options().get("writes") else "DEFERRED"
        connection.exec_driver_sql(f"BEGIN {mode}")

    return engine


@contextmanager
def failures_named() -> Iterator[None]:
    """Turn the driver's operational errors into :class:`StoreUnavailable`, which says that nothing was stored."""
    try:
        yield
    except PoolTimeout as error:
        raise StoreUnavailable("all database connections are busy") from error
    except OperationalError as error:
        raise StoreUnavailable(explain_failure(error), retry_after=5) from error
    except DBAPIError as error:
        # Drivers file a read-only or damaged database, and a lost connection, under several classes.
        if error.connection_invalidated or _AWAY.search(str(error.orig)):
            raise StoreUnavailable(explain_failure(error), retry_after=5) from error
        raise


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads; its failures are named."""
    with failures_named(), engine.begin() as connection:
        yield connection


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes, all or nothing; its failures are named."""
    with failures_named(), engine.execution_options(writes=True).begin() as connection:
        yield connection


def insert_into(engine: Engine, table: Table) -> PostgresqlInsert | SqliteInsert:
    """An INSERT in the words of the database, to say what becomes of rows that are there."""
    return postgresql_insert(table) if engine.dialect.name == "postgresql" else sqlite_insert(table)


def insert_unless_there(engine: Engine, table: Table, unique: tuple[str, ...]) -> Insert:
    """An INSERT that leaves a row with the same ``unique`` columns as it is."""
    return insert_into(engine, table).on_conflict_do_nothing(index_elements=unique)


class Prepared:
    """An INSERT compiled once: the hot path binds tuples and skips SQLAlchemy's per-call work."""

    def __init__(self, engine: Engine, statement: Insert) -> None:
        dialect: Any = type(engine.dialect)
        style = "format" if engine.dialect.name == "postgresql" else "qmark"
        self._sql = str(statement.compile(dialect=dialect(paramstyle=style)))

    def __call__(self, connection: Connection, rows: list[tuple[Any, ...]]) -> int:
        """Insert rows (values in the order of the table's columns); returns how many went in."""
        return connection.exec_driver_sql(self._sql, rows if len(rows) > 1 else rows[0]).rowcount


def in_portions(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """A list in parts short enough for one IN list."""
    return (values[low : low + LOOKED_UP_AT_ONCE] for low in range(0, len(values), LOOKED_UP_AT_ONCE))


class PreparedLookup:
    """A SELECT of the rows of one site whose key is among some, compiled once for each number of keys.

    ``query`` [columns] is narrowed by two conditions, in this order: ``site`` equals, ``key`` is one of.
    """

    def __init__(self, engine: Engine, query: Select[Any], site: Column[Any], key: Column[Any]) -> None:
        dialect: Any = type(engine.dialect)
        style = "format" if engine.dialect.name == "postgresql" else "qmark"
        self._dialect, self._query, self._site, self._key = dialect(paramstyle=style), query, site, key
        self._sql: dict[int, str] = {}

    def __call__(self, connection: Connection, site_id: int, keys: Sequence[Any]) -> Iterator[Any]:
        """The rows; keys are asked for a few hundred at a time."""
        for some in in_portions(keys):
            yield from connection.exec_driver_sql(self._of(len(some)), (site_id, *some))

    def _of(self, count: int) -> str:
        if count not in self._sql:
            # Typed as their columns: PostgreSQL does not compare text with numbers.
            keys = [literal(None, self._key.type) for _ in range(count)]
            narrowed = self._query.where(self._site == literal(0, self._site.type), self._key.in_(keys))
            compiled = narrowed.compile(dialect=self._dialect, compile_kwargs={"render_postcompile": True})
            self._sql[count] = str(compiled)
        return self._sql[count]


_AWAY = re.compile(r"read-?only|malformed|not a database|terminat|closed|does not exist", re.IGNORECASE)


def explain_failure(error: DBAPIError) -> str:
    """A driver's error in a sentence, without SQL or data."""
    text = str(error.orig).strip().splitlines()[0] if str(error.orig).strip() else type(error.orig).__name__
    lowered = text.lower()
    if "locked" in lowered:
        return f"the database is locked by another process ({text})"
    if "readonly" in lowered or "read-only" in lowered:
        return f"the database cannot be written ({text}): check the rights of the file and its folder"
    if "malformed" in lowered or "not a database" in lowered:
        return f"the database file is damaged ({text}): restore a backup"
    if "full" in lowered:
        return f"the disk is full ({text})"
    if "no such table" in lowered or ("relation" in lowered and "does not exist" in lowered):
        return f"the database has no tables yet ({text}): run hamlet db upgrade"
    return f"the database does not answer ({text})"
