"""``POST /v1/comments/{id}/reviews``: what people said."""

from __future__ import annotations

import pytest

from tests.conftest import DATABASES, client_of

ANN = {"name": "Ann", "email": "ann@example.org"}


@pytest.fixture
def checked(client) -> str:
    """The id of a comment."""
    return client.post("/v1/comments", json={"text": "Hi", "id": "c1", "author": ANN}).json["id"]


def review(client, comment_id: str, **said: object):
    return client.post(f"/v1/comments/{comment_id}/reviews", json=said)


@pytest.mark.parametrize("outcome", ["ham", "spam", "abuse", "other"])
def test_a_review_is_kept_with_the_comment(client, checked, valid, outcome):
    response = review(client, checked, outcome=outcome, reviewer="ann", note="seen before")
    assert response.status_code == 201
    valid("CommentShown", response.json)
    (kept,) = response.json["reviews"]
    assert (kept["outcome"], kept["reviewer"], kept["note"]) == (outcome, "ann", "seen before")
    assert client.get("/v1/comments/c1").json == response.json


def test_a_comment_is_reviewed_by_the_site_s_own_id_too(client, checked):
    assert review(client, "c1", outcome="ham").json["id"] == checked


def test_reviews_are_added_and_never_overwritten(client, checked):
    for outcome in ("spam", "ham"):
        found = review(client, checked, outcome=outcome).json["reviews"]
    assert [(one["outcome"], one["reviewer"]) for one in found] == [("spam", "api"), ("ham", "api")]


def test_the_next_comment_of_the_author_is_judged_by_them(client, checked):
    before = client.post("/v1/score", json={"text": "Hi", "author": ANN}).json
    review(client, checked, outcome="spam")
    after = client.post("/v1/score", json={"text": "Hi", "author": ANN}).json
    assert after["scores"]["spam"] > before["scores"]["spam"]


@pytest.mark.parametrize("name", ["nothing", "0" * 32, "x" * 300, "%00"])
def test_a_comment_that_is_not_there_cannot_be_reviewed(client, problem, name):
    problem(review(client, name, outcome="ham"), 404, "comment-not-found")


def test_another_site_s_comment_cannot_be_reviewed(app, client, checked, problem):
    other = client_of(app, "other")
    for name in (checked, "c1"):
        problem(review(other, name, outcome="spam"), 404, "comment-not-found")
    assert client.get("/v1/comments/c1").json["reviews"] == []


@pytest.mark.parametrize(
    ("said", "at"),
    [
        ({"outcome": "good"}, "outcome"),
        ({"outcome": None}, "outcome"),
        ({}, "outcome"),
        ({"outcome": "ham", "reviewer": ""}, "reviewer"),
        ({"outcome": "ham", "reviewer": "x" * 65}, "reviewer"),
        ({"outcome": "ham", "note": "x" * 2_001}, "note"),
        ({"outcome": "ham", "why": "x"}, "why"),
    ],
)
def test_a_review_that_makes_no_sense_is_refused(client, checked, problem, said, at):
    body = problem(review(client, checked, **said), 422, "invalid-request")
    assert at in body["detail"]


def test_a_list_is_no_review(client, checked, problem):
    problem(client.post("/v1/comments/c1/reviews", json=[{"outcome": "ham"}]), 422, "invalid-request")


def test_a_review_needs_a_key(anonymous, problem):
    problem(review(anonymous, "c1", outcome="ham"), 401, "unauthorized")


def test_a_review_is_json(client, checked, problem):
    path = "/v1/comments/c1/reviews"
    problem(client.post(path, data="outcome=ham"), 415, "unsupported-media-type")
    problem(client.post(path, data="{", content_type="application/json"), 400, "malformed-json")


@DATABASES
def test_reviews_are_kept_on_either_database(make_app, database_url):
    client = client_of(make_app(database=database_url))
    client.post("/v1/comments", json={"text": "Hi", "id": "c1", "author": ANN})
    for outcome in ("spam", "abuse"):
        assert review(client, "c1", outcome=outcome, note="👍").status_code == 201
    assert [one["outcome"] for one in client.get("/v1/comments/c1").json["reviews"]] == ["spam", "abuse"]
