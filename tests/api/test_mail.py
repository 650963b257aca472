"""The page behind a link in a moderator's mail."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from moderation.mail_links import link_for
from moderation.past import DAY, Outcome
from moderation.people import Role
from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.forget import Person, Who, erase, held
from tests.api.test_dashboard import HOSTILE, Tags, moderating
from tests.conftest import client_of, parts_of
from tests.people import csrf_token

TEXT = "Thank you, the second step was what I had missed"


@pytest.fixture
def blog(app) -> FlaskClient:
    """A site that holds everything; calls the API."""
    client = client_of(app)
    client.patch("/v1/site", json={"thresholds": {"spam": {"hold_at": 0, "reject_at": None}}})
    return client


@pytest.fixture
def comment_id(blog) -> str:
    return blog.post("/v1/comments", json={"text": TEXT, "id": "c1", "author": {"name": "Eve"}}).json["id"]


@pytest.fixture
def path(blog, comment_id) -> str:
    """Where a link leads that was made for Ann."""
    url = blog.post("/v1/comments/c1/links", json={"reviewer": "ann"}).json["url"]
    return url.removeprefix("http://localhost")


def say(browser, path: str, outcome: str = "spam", seen: str = "0", **fields: str):
    token = csrf_token(browser.get(path))
    return browser.post(path, data={"csrf_token": token, "outcome": outcome, "seen": seen, **fields})


def reviews(blog) -> list[tuple[str, str | None]]:
    return [(one["reviewer"], one["outcome"]) for one in blog.get("/v1/comments/c1").json["reviews"]]


def test_the_comment_is_shown_without_signing_in(anonymous, path):
    page = anonymous.get(path)
    assert page.status_code == 200
    assert TEXT in re.sub(r"</?mark[^>]*>", "", page.text) and "Eve" in page.text
    for outcome in Outcome:
        assert f'value="{outcome}"' in page.text


def test_looking_changes_nothing(anonymous, blog, path):
    for ask in (anonymous.get, anonymous.head):
        ask(f"{path}?outcome=spam&seen=0")
    assert reviews(blog) == []


def test_a_button_settles_in_the_name_of_the_link(app, anonymous, blog, path, comment_id):
    answer = say(anonymous, path, note="seen on the train")
    assert (answer.status_code, answer.location) == (303, path)
    assert reviews(blog) == [("ann", "spam")]
    (act,) = [one for one in parts_of(app).seen.acts_on(comment_id) if one.action == "review"]
    assert (act.actor, act.via) == ("ann", "mail")
    assert "seen on the train" in anonymous.get(path).text


def test_one_s_own_word_is_taken_back(anonymous, blog, path):
    say(anonymous, path)
    page = anonymous.get(path)
    assert f'action="{path}/undo"' in page.text
    anonymous.post(f"{path}/undo", data={"csrf_token": csrf_token(page), "number": "1"})
    assert reviews(blog) == [("ann", "spam"), ("ann", None)]
    assert f'action="{path}/undo"' not in anonymous.get(path).text


def test_another_s_word_is_shown_and_stands(app, anonymous, blog, path, comment_id):
    parts_of(app).queue.settle(1, [comment_id], Outcome.HAM, Actor("bob", "dashboard"))
    page = anonymous.get(path)
    assert "bob" in page.text and f'action="{path}/undo"' not in page.text
    anonymous.post(f"{path}/undo", data={"csrf_token": csrf_token(page), "number": "1"})
    assert reviews(blog) == [("bob", "ham")]


def test_who_comes_second_is_told_who_was_first(app, anonymous, blog, path, comment_id):
    token = csrf_token(anonymous.get(path))
    parts_of(app).queue.settle(1, [comment_id], Outcome.HAM, Actor("bob", "dashboard"))
    anonymous.post(path, data={"csrf_token": token, "outcome": "spam", "seen": "0"})
    assert "bob was quicker" in anonymous.get(path).text
    assert reviews(blog) == [("bob", "ham")]


def test_a_damaged_link_is_explained(anonymous, path):
    for damaged in (path[:-8], "/dashboard/mail/x", "/dashboard/mail/%C3%BC"):
        answer = anonymous.get(damaged)
        assert answer.status_code == 404
        assert "damaged" in answer.text


def test_an_expired_link_is_explained(app, anonymous, blog, comment_id):
    token = link_for(parts_of(app).sites.secret, 1, comment_id, "ann", now_ms() - 2_000)
    answer = anonymous.get(f"/dashboard/mail/{token}")
    assert answer.status_code == 410
    assert "expired" in answer.text and TEXT not in answer.text


def test_an_expired_link_settles_nothing(app, anonymous, blog, path, comment_id):
    token = link_for(parts_of(app).sites.secret, 1, comment_id, "ann", now_ms() - 2_000)
    form = {"csrf_token": csrf_token(anonymous.get(path)), "outcome": "spam", "seen": "0"}
    assert anonymous.post(f"/dashboard/mail/{token}", data=form).status_code == 410
    assert reviews(blog) == []


def test_a_link_to_a_comment_of_another_site_opens_nothing(app, anonymous, comment_id):
    client_of(app, "other")
    token = link_for(parts_of(app).sites.secret, 2, comment_id, "ann", now_ms() + DAY)
    answer = anonymous.get(f"/dashboard/mail/{token}")
    assert answer.status_code == 410 and TEXT not in answer.text


def test_an_erased_comment_is_told_of_kindly(app, anonymous, path, comment_id):
    page, parts = anonymous.get(path), parts_of(app)
    eve = Person(Who.AUTHOR, "Eve", parts.sites.secret)
    for one in held(parts.engine, eve):
        erase(parts.engine, eve, one)
    form = {"csrf_token": csrf_token(page), "outcome": "spam", "seen": "0", "number": "1"}
    for answer in (anonymous.get(path), anonymous.post(path, data=form), anonymous.post(f"{path}/undo", data=form)):
        assert answer.status_code == 410 and "erased" in answer.text


def test_a_form_without_the_page_s_token_is_refused(anonymous, blog, path):
    assert anonymous.post(path, data={"outcome": "spam", "seen": "0"}).status_code == 400
    assert reviews(blog) == []


@pytest.mark.parametrize("fields", [{"outcome": "hm"}, {"outcome": ""}, {"seen": "x"}, {"seen": ""}])
def test_a_form_that_is_not_ours_is_refused(anonymous, path, fields):
    assert say(anonymous, path, **fields).status_code == 422


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_comment_becomes_nothing_but_text(anonymous, blog, text):
    blog.post("/v1/comments", json={"text": text, "id": "c1", "author": {"name": text[:200]}})
    url = blog.post("/v1/comments/c1/links", json={"reviewer": text[:20].strip()}).json["url"]
    tags = Tags(anonymous.get(url).text).tags
    assert {"script", "style", "svg", "img", "textarea", "iframe"}.isdisjoint(tag for tag, _ in tags)
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags for name in attributes)


def test_who_is_signed_in_still_acts_in_the_name_of_the_link(app, blog, path):
    say(moderating(app, "bob", Role.MODERATOR), path)
    assert reviews(blog) == [("ann", "spam")]


@pytest.mark.parametrize("number", ["9" * 5_000, "9" * 30, "x"])
def test_a_review_number_that_can_be_none_is_refused(anonymous, path, number):
    token = csrf_token(anonymous.get(path))
    answer = anonymous.post(f"{path}/undo", data={"csrf_token": token, "number": number})
    assert answer.status_code in (303, 422)


def test_a_note_is_what_every_database_can_keep(anonymous, blog, path):
    assert say(anonymous, path, note="\0" + "n" * 9_000).status_code == 303
    assert blog.get("/v1/comments/c1").json["reviews"][-1]["note"] == "\ufffd" + "n" * 1_999
