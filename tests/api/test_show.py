"""``GET /v1/comments/{id}``: all that is kept of a comment."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from tests.conftest import DATABASES, client_of


@pytest.fixture
def sent(client):
    """Our id of a comment that the site calls c1, changed once."""
    client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    return client.post("/v1/comments", json={"text": "Ho", "id": "c1"}).json["id"]


def test_a_comment_is_shown_with_its_history(client, sent, valid):
    shown = client.get(f"/v1/comments/{sent}").json
    valid("CommentShown", shown)
    assert [(one["number"], one["comment"]["text"]) for one in shown["revisions"]] == [(1, "Hi"), (2, "Ho")]
    assert [one["revision"] for one in shown["verdicts"]] == [1, 2]


def test_either_id_leads_to_it(client, sent):
    assert client.get("/v1/comments/c1").json == client.get(f"/v1/comments/{sent}").json


def test_a_comment_nobody_reviewed_has_no_reviews(client, sent):
    assert client.get("/v1/comments/c1").json["reviews"] == []


@pytest.mark.parametrize(
    "name", ["nothing", "c", "C1", "0" * 32, "' OR 1=1 --", "x" * 5_000, "é", "%00", "%ed%a0%bd", "%ff"]
)
def test_an_unknown_comment_is_not_found(client, sent, problem, name):
    problem(client.get(f"/v1/comments/{name}"), 404, "comment-not-found")


@DATABASES
def test_an_id_that_cannot_be_is_not_found_on_either_database(make_app, database_url, problem, kind):
    client = client_of(make_app(database=database_url))
    problem(client.get("/v1/comments/%00"), 404, "comment-not-found")


@pytest.mark.parametrize("path", ["c1", "our id"])
def test_another_site_s_comment_is_not_found(app, sent, problem, path):
    other = client_of(app, "other")
    problem(other.get(f"/v1/comments/{sent if path == 'our id' else path}"), 404, "comment-not-found")


@pytest.mark.parametrize("name", ["blog 77", "ü👍", "a%2Fb", "a?b", "a+b", "a;b=c", ".", "a\\b"])
def test_odd_ids_of_a_site_lead_to_their_comment(client, name):
    our = client.post("/v1/comments", json={"text": "Hi", "id": name}).json["id"]
    assert client.get(f"/v1/comments/{quote(name, safe='')}").json["id"] == our


@pytest.mark.parametrize("name", ["a/b", "tag:blog.example,2026:/posts/1#c2", "https://blog.example/?p=1#c2"])
def test_an_id_with_a_slash_leads_to_its_comment(client, name):
    our = client.post("/v1/comments", json={"text": "Hi", "id": name}).json["id"]
    assert client.get(f"/v1/comments/{quote(name, safe='')}").json.get("id") == our
