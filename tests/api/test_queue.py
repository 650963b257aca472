"""The queue over HTTP: for programs, with a site's key."""

from __future__ import annotations

import pytest

from tests.conftest import client_of
from tests.moderation.evidence import COPY, OTHER

CALLS = pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "queue"),
        ("GET", "queue/counts"),
        ("POST", "queue/reviews"),
        ("POST", "queue/claims"),
        ("POST", "queue/claims/release"),
        ("POST", "comments/c0/undo"),
        ("POST", "comments/c0/reopen"),
    ],
)


@pytest.fixture
def holding(client):
    """A site that holds everything a rule does not let through."""
    client.post("/v1/rules", json={"action": "hold", "kind": "word", "value": "roofs"})
    return client


def check(client, text: str, number: int) -> str:
    return client.post("/v1/comments", json={"text": text, "id": f"c{number}"}).json["id"]


@pytest.fixture
def held(holding) -> list[str]:
    """Ids of three near-copies that are held; another comment is accepted."""
    check(holding, OTHER, 9)
    return sorted(check(holding, COPY, number) for number in range(3))


def test_the_queue_shows_near_copies_as_one(client, held, valid):
    shown = client.get("/v1/queue").json
    valid("QueueShown", shown)
    (item,) = shown["items"]
    assert (item["id"], item["near_copies"], item["seen"]) == (held[0], held[1:], 0)
    assert (item["comment"]["text"], item["decision"]) == (COPY, "hold")


def test_the_queue_is_counted(client, held, valid):
    counted = client.get("/v1/queue/counts?q=ROOFS").json
    valid("QueueCounted", counted)
    assert (counted["total"], counted["more"]) == (3, False)
    assert counted["facets"]["reason"] == {"rule": 3}


def test_many_are_settled_in_one_call(client, held, valid):
    answer = client.post("/v1/queue/reviews", json={"ids": [*held, "nobody's"], "outcome": "spam", "reviewer": "ann"})
    assert answer.status_code == 207
    valid("ReviewedMany", answer.json)
    assert [one.get("outcome") for one in answer.json["results"]] == ["spam", "spam", "spam", None]
    assert answer.json["results"][3]["problem"]["type"] == "/docs#comment-not-found"
    assert client.get("/v1/queue").json["items"] == []


def test_who_comes_second_is_told_who_was_first(client, held):
    said = {"ids": [held[0]], "seen": {held[0]: 0}}
    client.post("/v1/queue/reviews", json={**said, "outcome": "spam", "reviewer": "bob"})
    answer = client.post("/v1/queue/reviews", json={**said, "outcome": "ham", "reviewer": "ann"})
    (result,) = answer.json["results"]
    assert result["problem"]["status"] == 409
    assert "called spam by bob" in result["problem"]["detail"]


def test_a_review_is_taken_back(client, held, valid):
    client.post("/v1/queue/reviews", json={"ids": [held[0]], "outcome": "ham", "reviewer": "ann"})
    done = client.post(f"/v1/comments/{held[0]}/undo", json={"number": 1, "reviewer": "ann"}).json
    valid("Reviewed", done)
    assert (done["number"], done["waits"]) == (2, True)
    assert client.get(f"/v1/comments/{held[0]}").json["reviews"][-1]["outcome"] is None


def test_what_has_no_review_cannot_be_taken_back(client, held, problem):
    answer = client.post(f"/v1/comments/{held[0]}/undo", json={"number": 1, "reviewer": "ann"})
    problem(answer, 409, "nothing-to-undo")


def test_an_accepted_comment_is_put_into_the_queue(client, held):
    assert client.post("/v1/comments/c9/reopen", json={}).json["waits"]
    assert client.get("/v1/queue?q=third").json["items"][0]["external_id"] == "c9"


def test_who_looks_at_a_comment_has_it(client, held, valid):
    first = client.post("/v1/queue/claims", json={"ids": held, "reviewer": "ann"}).json
    valid("Claimed", first)
    assert first["others"] == {}
    assert client.get("/v1/queue").json["items"][0]["claimed_by"] == "ann"
    assert set(client.post("/v1/queue/claims", json={"ids": held, "reviewer": "bob"}).json["others"].values()) == {
        "ann"
    }
    client.post("/v1/queue/claims/release", json={"ids": held, "reviewer": "ann"})
    assert client.post("/v1/queue/claims", json={"ids": held, "reviewer": "bob"}).json["others"] == {}


@pytest.mark.parametrize(
    "query", ["order=best", "age=2y", "after=x", "limit=0", "limit=1000", f"q={'a' * 101}", "post=%00", "limit=-1"]
)
def test_a_view_that_makes_no_sense_is_refused(client, held, problem, query):
    problem(client.get(f"/v1/queue?{query}"), 422, "invalid-request")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": [], "outcome": "ham"},
        {"ids": ["x"], "outcome": "open"},
        {"ids": ["x"], "outcome": "ham", "seen": {"x": -1}},
        {"ids": ["x"] * 1001, "outcome": "ham"},
        {"ids": [7], "outcome": "ham"},
        {"ids": ["x"], "outcome": "ham", "reviewer": ""},
        {"ids": ["x"], "outcome": "ham", "more": 1},
        [],
    ],
)
def test_a_review_of_many_that_makes_no_sense_is_refused(client, problem, body):
    problem(client.post("/v1/queue/reviews", json=body), 422, "invalid-request")


@CALLS
def test_without_a_key_nothing_is_told(anonymous, problem, method, path):
    problem(anonymous.open(f"/v1/{path}", method=method, json={}), 401, "unauthorized")


def test_another_site_s_comments_are_not_there(app, client, held):
    charlie = client_of(app, "charlie")
    assert charlie.get("/v1/queue").json["items"] == []
    assert charlie.post("/v1/queue/reviews", json={"ids": held, "outcome": "ham"}).status_code == 207
    assert charlie.post(f"/v1/comments/{held[0]}/reopen", json={}).status_code == 404
    assert charlie.post("/v1/queue/claims", json={"ids": held, "reviewer": "charlie"}).json["others"] == {}
    assert client.get("/v1/queue").json["items"][0]["claimed_by"] is None
