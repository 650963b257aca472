"""Near-copies of a comment: shown, and held in one call."""

from __future__ import annotations

import pytest

from tests.conftest import DATABASES, client_of
from tests.moderation.evidence import COPY, OTHER

CALLS = pytest.mark.parametrize(("method", "path"), [("GET", "campaign"), ("POST", "campaign/hold")])


def check(client, text: str, number: int) -> dict:
    return client.post("/v1/comments", json={"text": text, "id": f"c{number}"}).json


@pytest.fixture
def copies(client) -> list[str]:
    """Ids of three near-copies; another comment is there, too."""
    check(client, OTHER, 9)
    return [check(client, f"{COPY} {'!' * number}", number)["id"] for number in range(3)]


def test_near_copies_are_shown_oldest_first(client, copies, valid):
    shown = client.get("/v1/comments/c2/campaign").json
    valid("CampaignShown", shown)
    assert shown["id"] == copies[0]
    assert [(one["id"], one["external_id"]) for one in shown["members"]] == list(
        zip(copies, ["c0", "c1", "c2"], strict=True)
    )
    assert shown["members"][0]["text"] == f"{COPY} "


def test_what_people_said_is_shown(client, copies):
    client.post("/v1/comments/c1/reviews", json={"outcome": "spam"})
    assert [one["outcome"] for one in client.get("/v1/comments/c0/campaign").json["members"]] == [None, "spam", None]


def test_a_comment_alone_is_its_own_campaign(client, copies):
    assert [one["external_id"] for one in client.get("/v1/comments/c9/campaign").json["members"]] == ["c9"]


def test_only_the_beginning_of_a_text_is_shown(client):
    check(client, "long words " * 100, 1)
    assert len(client.get("/v1/comments/c1/campaign").json["members"][0]["text"]) == 200


def test_all_that_were_accepted_are_held(client, copies, valid):
    accepted = [
        one["id"] for one in client.get("/v1/comments/c0/campaign").json["members"] if one["decision"] == "accept"
    ]
    held = client.post("/v1/comments/c0/campaign/hold").json
    valid("HeldNow", held)
    assert [one["id"] for one in held["held"]] == accepted
    assert {one["decision"] for one in held["held"]} <= {"hold"}
    assert client.post("/v1/comments/c0/campaign/hold").json["held"] == []
    for comment_id in accepted:
        last = client.get(f"/v1/comments/{comment_id}").json["verdicts"][-1]
        assert (last["decision"], last["reasons"][0]["code"]) == ("hold", "campaign")


def test_what_people_called_ham_is_not_held(client, copies):
    client.post("/v1/comments/c1/reviews", json={"outcome": "ham"})
    held = client.post("/v1/comments/c0/campaign/hold").json["held"]
    assert copies[1] not in {one["id"] for one in held}


@CALLS
def test_a_comment_that_is_not_there_has_no_campaign(client, problem, method, path):
    problem(client.open(f"/v1/comments/nothing/{path}", method=method), 404, "comment-not-found")


@CALLS
def test_another_site_s_campaign_is_not_found(app, copies, problem, method, path):
    other = client_of(app, "other")
    for name in ("c0", copies[0]):
        problem(other.open(f"/v1/comments/{name}/{path}", method=method), 404, "comment-not-found")


@CALLS
def test_a_campaign_needs_a_key(anonymous, problem, method, path):
    problem(anonymous.open(f"/v1/comments/c0/{path}", method=method), 401, "unauthorized")


@DATABASES
def test_campaigns_are_held_on_either_database(make_app, database_url):
    client = client_of(make_app(database=database_url))
    for number in range(3):
        check(client, COPY, number)
    before = [one["decision"] for one in client.get("/v1/comments/c0/campaign").json["members"]]
    assert len(before) == 3
    assert len(client.post("/v1/comments/c2/campaign/hold").json["held"]) == before.count("accept")
