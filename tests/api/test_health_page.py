"""The page that tells owners what Hamlet stands on."""

from __future__ import annotations

import re
from collections import namedtuple

import pytest
from flask.testing import FlaskClient
from sqlalchemy import insert, text, update

from api.dashboard import health
from moderation.errors import SignInRefused
from moderation.past import DAY, HOUR
from moderation.people import Role
from moderation.store import now_ms
from moderation.store.retention import last_pruned, prune
from moderation.store.schema import comments, facts, queue, webhooks
from tests.api.test_dashboard import moderating
from tests.conftest import DATABASES, client_of, parts_of

PATH = "/dashboard/health"
Disk = namedtuple("Disk", "total used free")


@pytest.fixture
def ann(app) -> FlaskClient:
    """The owner of the site ``blog``."""
    client_of(app)
    return moderating(app, "ann", Role.OWNER)


def unwell(browser) -> dict[str, str]:
    """What is not well, with what is said of it."""
    page = browser.get(PATH)
    assert page.status_code == 200
    found = re.findall(r'<li class="card unwell"><h2>([^<]+) <span.*?</h2>\s*(.*?)</li>', page.text, re.DOTALL)
    return {what: re.sub("<[^>]+>", "", said) for what, said in found}


def change(app, statement) -> None:
    with parts_of(app).engine.begin() as connection:
        connection.execute(statement)


def test_all_is_well_at_first(app, ann):
    assert unwell(ann) == {}
    page = ann.get(PATH).text
    assert parts_of(app).base.name in page and "SQLite 3" in page


@DATABASES
def test_it_names_the_database_of_either_kind(make_app, database_url, kind):
    app = make_app(database=database_url)
    client_of(app)
    page = moderating(app, "ann", Role.OWNER).get(PATH).text
    assert {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[kind] in page
    assert 'class="card unwell"' not in page


def test_a_comment_that_waits_too_long_is_told(app, ann):
    blog = client_of(app, "second")
    bob = moderating(app, "bob", Role.OWNER, site="second")
    blog.patch("/v1/site", json={"thresholds": {"spam": {"hold_at": 0, "reject_at": None}}})
    blog.post("/v1/comments", json={"text": "Is it held?"})
    assert unwell(bob) == {}
    change(app, update(queue).values(entered_at=now_ms() - 4 * DAY))
    assert "1 comment waits" in unwell(bob)["Queue"]
    assert unwell(ann) == {}


def test_a_webhook_that_fails_is_told_to_its_owner_alone(app, ann):
    row = {"site_id": 1, "url": "https://x.example", "salt": "s", "delivered": 0, "attempts": 3, "next_at": 0}
    change(app, insert(webhooks).values(**row, last_error="it answered 500", created_at=0))
    assert "it answered 500" in unwell(ann)["Webhooks"]
    client_of(app, "charlies")
    assert unwell(moderating(app, "charlie", Role.OWNER, site="charlies")) == {}


def test_housekeeping_that_is_late_is_told(app, ann):
    prune(parts_of(app).engine, parts_of(app).sites.all(), now_ms())
    assert unwell(ann) == {}
    change(app, update(facts).where(facts.c.name == "pruned").values(value=str(now_ms() - 4 * HOUR)))
    assert "hamlet db prune" in unwell(ann)["Housekeeping"]


def test_housekeeping_that_was_never_done_is_told_once_there_is_something_to_keep(app, ann):
    assert unwell(ann) == {}
    client_of(app, "second").post("/v1/comments", json={"text": "Is it old?"})
    bob = moderating(app, "bob", Role.OWNER, site="second")
    assert "Housekeeping" not in unwell(bob)
    change(app, update(comments).values(received_at=now_ms() - 4 * HOUR))
    assert "hamlet db prune" in unwell(bob)["Housekeeping"]


@DATABASES
def test_housekeeping_is_remembered(engine):
    assert last_pruned(engine) is None
    prune(engine, [], 5)
    prune(engine, [], 7)
    assert last_pruned(engine) == 7


def test_who_guesses_is_told(app, ann):
    for _ in range(6):
        with pytest.raises(SignInRefused):
            parts_of(app).people.sign_in("ann", "a wrong password", "203.0.113.1")
    assert "1 account" in unwell(ann)["Signing in"]


def test_a_disk_that_is_nearly_full_is_told(ann, monkeypatch):
    monkeypatch.setattr(health, "disk_usage", lambda _: Disk(100 * 10**9, 99 * 10**9, 10**9 - 1))
    assert "1 GB of 100 GB" in unwell(ann)["Disk"]


def test_tables_of_another_version_are_told(app, ann):
    change(app, text("UPDATE alembic_version SET version_num = '0000'"))
    assert "hamlet db upgrade" in unwell(ann)["Database"]


def test_only_owners_see_it(app, ann):
    assert moderating(app, "bob", Role.MODERATOR).get(PATH).status_code == 403
    assert app.test_client().get(PATH).status_code == 303
