"""One shape for every failure (RFC 9457)."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from api.openapi import KINDS
from tests.conftest import parts_of

JSON = "application/json"
FAILURES = {
    "no such page": (404, "not-found", {"path": "/nowhere"}),
    "no such method": (405, "method-not-allowed", {"path": "/v1/comments", "method": "DELETE"}),
    "no key": (401, "unauthorized", {"path": "/v1/comments/c1", "headers": {"Authorization": ""}}),
    "no such comment": (404, "comment-not-found", {"path": "/v1/comments/c1"}),
    "no JSON": (400, "malformed-json", {"data": b"{", "content_type": JSON}),
    "no comment": (422, "invalid-comment", {"json": {}}),
    "no JSON by name": (415, "unsupported-media-type", {"data": b"{}", "content_type": "text/plain"}),
    "too many": (413, "too-many-comments", {"json": [{"text": ""}] * 1_001}),
}


def fail(client, name: str):
    status, kind, call = FAILURES[name]
    method = "GET" if "path" in call else "POST"
    return status, kind, client.open(**{"path": "/v1/comments", "method": method, **call})


@pytest.mark.parametrize("name", FAILURES)
def test_every_failure_has_the_one_shape(client, problem, name):
    status, kind, response = fail(client, name)
    body = problem(response, status, kind)
    assert {"type", "title", "status", "detail", "instance"} <= set(body) <= {*body, "errors"}
    assert body["detail"]


@pytest.mark.parametrize("name", FAILURES)
def test_the_type_of_a_failure_leads_to_its_explanation(client, name):
    _, kind, response = fail(client, name)
    page, _, anchor = response.json["type"].partition("#")
    assert anchor == kind
    assert f'id="{anchor}"' in client.get(page).text


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_names_the_path_that_was_asked_for(client, name):
    assert fail(client, name)[2].json["instance"] == FAILURES[name][2].get("path", "/v1/comments")


@pytest.mark.parametrize("kind", KINDS)
def test_every_sort_of_failure_is_explained(client, kind):
    assert f'id="{kind}"' in client.get("/docs").text


def test_a_method_that_is_not_there_names_those_that_are(client):
    allowed = client.delete("/v1/comments").headers["Allow"]
    assert "POST" in allowed


def test_an_invalid_comment_says_what_is_wrong_and_where(client, problem):
    body = problem(client.post("/v1/comments", json={"text": "Hi", "author": {"name": 5}}), 422, "invalid-comment")
    assert body["errors"] == [{"what": "Expected `str | null`, got `int`", "at": "$.author.name"}]


@pytest.fixture
def broken(app, client):
    """A client of a database in which a verdict has become nonsense."""
    client.post("/v1/comments", json={"text": "Hi", "id": "c1"})
    with parts_of(app).engine.begin() as connection:
        connection.execute(text("UPDATE verdicts SET decision = 'secret'"))
    return client


def test_a_mistake_of_our_own_is_a_problem_too(broken, problem):
    problem(broken.get("/v1/comments/c1"), 500, "internal-error")


def test_a_mistake_of_our_own_tells_nothing_of_the_inside(broken):
    told = broken.get("/v1/comments/c1").text
    assert not re.search(r"Traceback|ValueError|\.py|'secret'", told)


def test_a_database_without_tables_is_a_problem_without_sql(app, client, problem):
    client.post("/v1/score", json={"text": "Hi"})  # The key is known.
    with parts_of(app).engine.begin() as connection:
        connection.execute(text("DROP TABLE verdicts"))
    body = problem(client.post("/v1/comments", json={"text": "my words"}), 503, "store-unavailable")
    assert not re.search("INSERT|my words", body["detail"])


@pytest.mark.parametrize("path", ["/docs", "/openapi.json", "/v1/comments/c1", "/nowhere"])
def test_no_answer_is_sniffed(client, path):
    assert client.get(path).headers["X-Content-Type-Options"] == "nosniff"
