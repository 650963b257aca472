"""Whether the process lives, and whether it can work."""

from __future__ import annotations

from sqlalchemy import text

from moderation.store import migrate
from tests.conftest import DATABASES, parts_of


def test_a_process_that_answers_lives(anonymous):
    assert anonymous.get("/healthz").json == {"status": "ok"}


@DATABASES
def test_a_process_with_database_and_model_is_ready(make_app, database_url, kind):
    ready = make_app(database=database_url).test_client().get("/readyz")
    assert (ready.status_code, ready.json["status"], ready.json["database"]) == (200, "ready", kind)


def test_readiness_names_the_model(app, anonymous):
    assert anonymous.get("/readyz").json["model"] == parts_of(app).base.name


def test_a_database_at_another_version_is_not_ready(app, anonymous, problem):
    with parts_of(app).engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    assert "hamlet db upgrade" in problem(anonymous.get("/readyz"), 503, "database-version")["detail"].lower()


def test_a_database_without_tables_is_not_ready_but_lives(app, anonymous, problem):
    migrate.downgrade(parts_of(app).engine, "base")
    problem(anonymous.get("/readyz"), 503, "store-unavailable")
    assert anonymous.get("/healthz").status_code == 200


def test_a_failure_that_is_over_is_forgotten(app, anonymous):
    engine = parts_of(app).engine
    migrate.downgrade(engine, "base")
    assert anonymous.get("/readyz").status_code == 503
    migrate.upgrade(engine)
    assert anonymous.get("/readyz").status_code == 200
