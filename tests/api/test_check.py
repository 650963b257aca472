"""``POST /v1/comments``: judged and kept."""

from __future__ import annotations

import pytest

from moderation.policy import Choices, Override
from tests.conftest import DATABASES, client_of, parts_of

PILLS = "Buy cheap Viagra and Cialis without prescription http://best-pills.shop/buy http://cheap-meds.xyz/cialis"


def check(client, body):
    response = client.post("/v1/comments", json=body)
    assert response.status_code == 200, response.text
    return response.json


def test_a_comment_is_answered_with_a_verdict(client, valid):
    answer = check(client, {"text": "Thanks, step 3 fixed it for me.", "id": "c1"})
    valid("Answer", answer)
    assert (answer["decision"], answer["external_id"]) == ("accept", "c1")


def test_spam_is_not_accepted_and_says_why(client):
    answer = check(client, {"text": PILLS})
    assert answer["decision"] in ("hold", "reject")
    assert answer["reasons"][0]["effect"] > 0


def test_an_answered_comment_is_kept(client, stored):
    check(client, {"text": "Hi"})
    assert stored() == 1


def test_our_id_leads_to_the_comment(client):
    answer = check(client, {"text": "Hi"})
    assert client.get(f"/v1/comments/{answer['id']}").json["revisions"][0]["comment"] == {"text": "Hi"}


def test_a_comment_without_an_id_has_no_external_id(client):
    assert check(client, {"text": "Hi"})["external_id"] is None


def test_a_comment_sent_again_is_repeated_with_its_first_verdict(client, stored):
    first, again = (check(client, {"text": "Hi", "id": "c1"}) for _ in range(2))
    assert again == {**first, "repeated": True}
    assert stored() == 1


def test_changed_content_under_the_same_id_is_judged_anew(client):
    first = check(client, {"text": "Hi", "id": "c1"})
    changed = check(client, {"text": PILLS, "id": "c1"})
    assert changed["id"] == first["id"]
    assert changed["decision"] != first["decision"]
    assert "repeated" not in changed


def test_a_list_is_answered_in_its_order(client):
    answers = check(client, [{"text": "A", "id": "1"}, {"text": PILLS, "id": "2"}, {"text": "A", "id": "3"}])
    assert [answer["external_id"] for answer in answers] == ["1", "2", "3"]
    assert [answer["decision"] == "accept" for answer in answers] == [True, False, True]


def test_a_list_of_one_is_answered_with_a_list_of_one(client):
    assert len(check(client, [{"text": "Hi"}])) == 1


def test_the_same_id_twice_in_a_list_is_one_comment(client, stored):
    first, second = check(client, [{"text": "Hi", "id": "c1"}] * 2)
    assert (second["id"], second["repeated"]) == (first["id"], True)
    assert stored() == 1


def test_a_trial_is_judged_and_kept_as_one(client):
    answer = check(client, {"text": "Hi", "is_test": True})
    assert client.get(f"/v1/comments/{answer['id']}").json["revisions"][0]["comment"]["is_test"] is True


def test_every_field_is_kept_as_it_was_sent(client):
    sent = {
        "text": "Hi",
        "id": "c1",
        "type": "reply",
        "submitted_at": "2026-01-05T12:00:00Z",
        "is_test": True,
        "author": {"name": "A", "email": "a@b.c", "url": "u", "ip": "192.0.2.7", "user_agent": "x", "role": "editor"},
        "post": {"url": "p", "title": "t", "published_at": "2026-01-04T12:00:00+01:00"},
        "parent": {"id": "c0", "text": "?"},
        "form": {"honeypot": "x", "seconds_to_submit": 2.5},
        "referrer": "r",
        "language": "en",
    }
    check(client, sent)
    assert client.get("/v1/comments/c1").json["revisions"][0]["comment"] == sent


def test_two_sites_do_not_meet(app, client):
    other = client_of(app, "other")
    first, second = check(client, {"text": "Hi", "id": "c1"}), check(other, {"text": "Ho", "id": "c1"})
    assert first["id"] != second["id"]
    assert "repeated" not in second


def test_a_verdict_names_the_model_and_the_policy(app, client):
    model = parts_of(app).base.name
    answer = check(client, {"text": "Hi"})
    assert (answer["model"], answer["policy"]) == (model, f"{model}+0")


def test_a_changed_policy_decides_the_next_comment(app, client):
    parts_of(app).sites.choose("blog", Choices(thresholds={"spam": Override(hold_at=0.0)}))
    answer = check(client, {"text": "Hi"})
    assert answer["decision"] == "hold"
    assert answer["policy"].endswith("+1")


@pytest.mark.parametrize("content_type", ["application/json", "application/json; charset=utf-8", "application/x+json"])
def test_json_goes_by_several_names(client, content_type):
    assert client.post("/v1/comments", data=b'{"text": "Hi"}', content_type=content_type).status_code == 200


@DATABASES
def test_comments_are_kept_on_either_database(make_app, database_url):
    client = client_of(make_app(database=database_url))
    sent = [{"text": "Hi", "id": "c1"}, {"text": PILLS, "id": "c2"}]
    first, again = check(client, sent), check(client, sent)
    assert [answer["repeated"] for answer in again] == [True, True]
    assert client.get("/v1/comments/c2").json["id"] == first[1]["id"]
