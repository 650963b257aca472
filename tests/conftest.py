"""Fixtures that all rooms share: models, databases, the application."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, make_url

from api import create_app
from api.wiring import Parts
from moderation import artifact
from moderation.classifier import Classifier
from moderation.policy import Policy, make_policy
from moderation.settings import Settings, load
from moderation.store import migrate
from moderation.store.database import open_database
from tests.builders import write_model
from tests.postgres import Server, running_server

ROOT = Path(__file__).resolve().parent.parent
DATABASES = pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])


def pytest_configure() -> None:
    """What the developer's shell sets is nothing to a test, nor to a server that serves many."""
    for name in [name for name in os.environ if name.startswith("HAMLET_") and not name.startswith("HAMLET_TEST_")]:
        del os.environ[name]


@pytest.fixture(scope="session")
def model_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small model of random weights: base/0.0.1."""
    return write_model(tmp_path_factory.mktemp("models") / "base" / "0.0.1")


@pytest.fixture(scope="session")
def shipped() -> Classifier:
    """The model that is shipped."""
    return Classifier.load(artifact.find(ROOT / "models"))


@pytest.fixture(scope="session")
def shipped_policy(shipped: Classifier) -> Policy:
    """The thresholds of the model that is shipped."""
    return make_policy(shipped.manifest)


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with empty tables, to copy."""
    file = tmp_path_factory.mktemp("migrated") / "hamlet.db"
    _migrate(str(file))
    return file


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A PostgreSQL server."""
    with running_server() as server:
        yield server


@pytest.fixture(scope="session")
def migrated_template(postgres: Server) -> Iterator[str]:
    """A PostgreSQL database with empty tables, to copy."""
    with postgres.database() as url:
        _migrate(url)
        yield str(make_url(url).database)


def _migrate(url: str) -> None:
    engine = open_database(url)
    migrate.upgrade(engine)
    engine.dispose()


@pytest.fixture
def empty_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database without tables, of the kind asked for (see ``DATABASES``)."""
    if kind == "sqlite":
        yield str(tmp_path / "empty.db")
        return
    with request.getfixturevalue("postgres").database() as url:
        yield url


@pytest.fixture
def database_url(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[str]:
    """A database with empty tables, of the kind asked for (see ``DATABASES``)."""
    if kind == "sqlite":
        yield str(shutil.copy(request.getfixturevalue("migrated_file"), tmp_path / "hamlet.db"))
        return
    with request.getfixturevalue("postgres").database(request.getfixturevalue("migrated_template")) as url:
        yield url


@pytest.fixture
def open_engine() -> Iterator[Callable[[str], Engine]]:
    """Opens databases, and closes them after the test."""
    opened: list[Engine] = []

    def open_one(url: str) -> Engine:
        opened.append(open_database(url))
        return opened[-1]

    yield open_one
    for engine in opened:
        engine.dispose()


@pytest.fixture
def engine(database_url: str, open_engine: Callable[[str], Engine]) -> Engine:
    """A database with empty tables, open."""
    return open_engine(database_url)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The defaults, over a database and a secret of the test's own that are not there yet."""
    files = {"database": "hamlet.db", "secret_file": "secret", "model_cache": "models"}
    return load({name: str(tmp_path / file) for name, file in files.items()})


MakeApp = Callable[..., Flask]


@pytest.fixture
def make_app(settings: Settings, migrated_file: Path) -> Iterator[MakeApp]:
    """Makes applications, with changed settings; their databases are closed after the test."""
    made: list[Flask] = []

    def make_one(**changes: object) -> Flask:
        chosen = replace(settings, **changes)
        if "://" not in chosen.database and not Path(chosen.database).exists():
            shutil.copy(migrated_file, chosen.database)
        made.append(create_app(chosen))
        return made[-1]

    yield make_one
    for app in made:
        parts_of(app).engine.dispose()


@pytest.fixture
def app(make_app: MakeApp) -> Flask:
    """The application with the model that is shipped, over SQLite."""
    return make_app()


def parts_of(app: Flask) -> Parts:
    """What an application works with."""
    parts: Parts = app.extensions["hamlet"]
    return parts


def client_of(app: Flask, site: str = "blog") -> FlaskClient:
    """A client that sends the key of a new site."""
    sites = parts_of(app).sites
    sites.create_site(site)
    return with_key(app, sites.create_key(site))


def with_key(app: Flask, key: str) -> FlaskClient:
    """A client that sends a key."""
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {key}"
    return client


@pytest.fixture
def site_key(app: Flask) -> str:
    """The key of the site ``blog``."""
    parts_of(app).sites.create_site("blog")
    return parts_of(app).sites.create_key("blog")


@pytest.fixture
def client(app: Flask, site_key: str) -> FlaskClient:
    """A client that sends the key of the site ``blog``."""
    return with_key(app, site_key)


@pytest.fixture
def anonymous(app: Flask) -> FlaskClient:
    """A client that sends no key."""
    return app.test_client()
