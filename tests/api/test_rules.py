"""``/v1/rules``: a site's own rules over the API."""

from __future__ import annotations

import pytest

from moderation.policy import Choices
from tests.conftest import DATABASES, client_of, parts_of

BLOCK = {"action": "block", "kind": "domain", "value": "casino.example"}
LINK = {"text": "See http://www.casino.example/play for more, it is good"}


def add(client, **changes):
    response = client.post("/v1/rules", json={**BLOCK, **changes})
    assert response.status_code == 201, response.text
    return response.json


def decision(client, comment=LINK):
    return client.post("/v1/comments", json=comment).json["decision"]


def test_a_rule_is_added_and_shown(client, valid):
    added = add(client, value="http://Casino.example/", note="gambling", created_by="ann")
    valid("RuleShown", added)
    assert (added["value"], added["note"], added["created_by"], added["hits"]) == (
        "casino.example", "gambling", "ann", 0,
    )  # fmt: skip
    assert client.get(f"/v1/rules/{added['id']}").json == added
    shown = client.get("/v1/rules").json
    valid("RulesShown", shown)
    assert shown == {"rules": [added], "total": 1, "next": None}


def test_a_rule_decides_from_the_next_comment_on(client):
    before = decision(client)
    added = add(client)
    assert (before, decision(client)) != ("reject", "reject")
    assert decision(client) == "reject"
    client.delete(f"/v1/rules/{added['id']}")
    assert decision(client) == before


def test_a_verdict_names_its_rule_and_where_it_was_met(client):
    added = add(client, note="gambling")
    reason = client.post("/v1/comments", json=LINK).json["reasons"][0]
    assert (reason["code"], reason["effect"]) == ("rule", 0)
    assert f"rule {added['id']} says block" in reason["message"]
    assert "gambling" in reason["message"]
    assert reason["spans"] == [[4, 34]]


def test_allow_beats_block(client):
    add(client)
    add(client, action="allow", kind="name", value="Ann")
    assert decision(client, {**LINK, "author": {"name": "ann"}}) == "accept"
    assert decision(client, {**LINK, "author": {"name": "ben"}}) == "reject"


def test_hits_are_counted_and_do_not_count_as_a_change(client):
    added = add(client)
    first = client.post("/v1/comments", json=LINK).json["policy"]
    assert client.post("/v1/comments", json=LINK).json["policy"] == first
    shown = client.get(f"/v1/rules/{added['id']}").json
    assert (shown["hits"], shown["last_hit_at"] is None) == (2, False)


def test_the_site_s_trusted_hops_say_which_address_is_the_author_s(app, client):
    add(client, kind="ip", value="192.0.2.0/24")
    comment = {"text": "Hello there", "author": {"ip": "192.0.2.7, 10.0.0.1"}}
    assert decision(client, comment) != "reject"
    parts_of(app).sites.choose("blog", Choices(trusted_hops=1))
    assert decision(client, comment) == "reject"


def test_a_list_is_added_but_for_duplicates(client, valid):
    known = add(client)
    response = client.post("/v1/rules", json=[{**BLOCK, "value": "a.example"}, BLOCK, {**BLOCK, "value": "A.example"}])
    assert response.status_code == 201
    valid("RulesAdded", response.json)
    (added,) = response.json["added"]
    assert response.json["duplicates"] == [{"index": 1, "rule_id": known["id"]}, {"index": 2, "rule_id": added["id"]}]


def test_a_bad_rule_in_a_list_is_named_and_nothing_is_added(client, problem):
    response = client.post("/v1/rules", json=[BLOCK, {**BLOCK, "kind": "ip", "value": "1.2.3.4/99"}])
    body = problem(response, 422, "invalid-rule")
    assert body["errors"][0]["at"] == "$[1].value"
    assert client.get("/v1/rules").json["total"] == 0


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"action": "maim"}, "$.action"),
        ({"kind": "shoe"}, "$.kind"),
        ({"value": ""}, "$.value"),
        ({"kind": "regex", "value": "("}, "$.value"),
        ({"kind": "links", "value": 0}, "$.value"),
        ({"expires_at": "2001-01-01T00:00:00Z"}, "$.expires_at"),
        ({"expires_at": "2101-01-01T00:00:00"}, "$.expires_at"),
        ({"expires_at": "9999-12-31T23:59:59-12:00"}, "$.expires_at"),
        ({"note": "x" * 2_001}, "$.note"),
        ({"created_by": "x" * 65}, "$.created_by"),
    ],
)
def test_nonsense_is_refused_and_says_where(client, problem, change, at):
    body = problem(client.post("/v1/rules", json={**BLOCK, **change}), 422, "invalid-rule")
    assert body["errors"][0]["at"] == at


@pytest.mark.parametrize("body", [{"action": "block"}, {**BLOCK, "strange": 1}, {**BLOCK, "value": 1.5}, 7, [7]])
def test_what_is_no_rule_is_refused(client, problem, body):
    problem(client.post("/v1/rules", json=body), 422, "invalid-request")


def test_the_same_rule_twice_is_refused(client, problem):
    known = add(client)
    assert f"rule {known['id']} " in problem(client.post("/v1/rules", json=BLOCK), 409, "rule-exists")["detail"]


@pytest.mark.parametrize("number", [7, 2**31, 10**30])
@pytest.mark.parametrize("method", ["get", "patch", "delete"])
def test_a_rule_that_is_not_there_is_not_found(client, problem, method, number):
    body = {"json": {"note": ""}} if method == "patch" else {}
    problem(getattr(client, method)(f"/v1/rules/{number}", **body), 404, "rule-not-found")


def test_another_site_s_rules_are_not_there(app, client, problem):
    added, other = add(client), client_of(app, "other")
    problem(other.get(f"/v1/rules/{added['id']}"), 404, "rule-not-found")
    problem(other.delete(f"/v1/rules/{added['id']}"), 404, "rule-not-found")
    assert other.get("/v1/rules").json["rules"] == []
    assert decision(other) != "reject"


def test_a_rule_s_note_and_expiry_change(client):
    added = add(client, expires_at="2101-01-01T00:00:00Z")
    changed = client.patch(f"/v1/rules/{added['id']}", json={"note": "why"}).json
    assert changed == {**added, "note": "why"}
    changed = client.patch(f"/v1/rules/{added['id']}", json={"expires_at": None}).json
    assert (changed["expires_at"], changed["note"]) == (None, "why")


def test_a_rule_that_ends_with_the_calendar_is_shown(client):
    rule = add(client, expires_at="9999-12-31T23:59:59.999999Z")
    assert rule["expires_at"].startswith("9999-12-31T23:59:59.99")
    assert client.patch(f"/v1/rules/{rule['id']}", json={"expires_at": "9999-12-31T23:59:59-12:00"}).status_code == 422
    assert client.get("/v1/rules").json["rules"] == [rule]


def test_what_a_rule_says_does_not_change(client, problem):
    added = add(client)
    problem(client.patch(f"/v1/rules/{added['id']}", json={"value": "x.example"}), 422, "invalid-request")


def test_a_removed_rule_is_answered(client):
    added = add(client)
    assert client.delete(f"/v1/rules/{added['id']}").json == added
    assert client.get("/v1/rules").json["total"] == 0


def test_rules_are_shown_in_pages(client):
    ids = [add(client, value=f"{i}.example")["id"] for i in range(3)]
    first = client.get("/v1/rules?limit=2").json
    assert ([one["id"] for one in first["rules"]], first["next"], first["total"]) == (ids[:2], ids[1], 3)
    rest = client.get(f"/v1/rules?limit=2&after={first['next']}").json
    assert ([one["id"] for one in rest["rules"]], rest["next"]) == (ids[2:], None)


@pytest.mark.parametrize("query", ["limit=-1", "limit=x", "limit=99999", "after=99999999999"])
def test_a_page_that_makes_no_sense_is_refused(client, problem, query):
    problem(client.get(f"/v1/rules?{query}"), 422, "invalid-request")


def test_too_many_rules_at_once_are_refused(client, problem):
    many = [{**BLOCK, "value": f"{i}.example"} for i in range(10_001)]
    problem(client.post("/v1/rules", json=many), 413, "too-many-rules")
    problem(client.post("/v1/rules/test", json=many[:1_001]), 413, "too-many-rules")


# -- Trying


def tried(client, body, query=""):
    response = client.post(f"/v1/rules/test{query}", json=body)
    assert response.status_code == 200, response.text
    return response.json


def test_a_trial_saves_nothing(client, valid):
    client.post("/v1/comments", json=LINK)
    found = tried(client, BLOCK)
    valid("Tried", found)
    assert (found["comments"], found["met"], found["rules"][0]["met"]) == (1, 1, 1)
    assert client.get("/v1/rules").json["total"] == 0


def test_a_trial_tells_what_people_said(client):
    answer = client.post("/v1/comments", json=LINK).json
    client.post(f"/v1/comments/{answer['id']}/reviews", json={"outcome": "ham"})
    (one,) = tried(client, BLOCK)["rules"]
    assert (one["said"]["ham"], one["wrong"], one["wrong_examples"]) == (1, 1, [LINK["text"]])
    assert one["decided"][answer["decision"]] == 1


def test_each_rule_of_a_list_is_tried_by_itself(client):
    client.post("/v1/comments", json=LINK)
    found = tried(client, [BLOCK, {**BLOCK, "action": "allow"}, {**BLOCK, "value": "other.example"}])
    assert ([one["met"] for one in found["rules"]], found["met"]) == ([1, 1, 0], 1)


def test_a_site_without_comments_has_nothing_to_try(client):
    found = tried(client, BLOCK)
    assert (found["comments"], found["since"], found["met"]) == (0, None, 0)


def test_a_trial_looks_at_no_other_site_s_comments(app, client):
    client.post("/v1/comments", json=LINK)
    assert tried(client_of(app, "other"), BLOCK)["comments"] == 0


def test_a_trial_is_bounded_as_asked(client):
    client.post("/v1/comments", json=[LINK, LINK, LINK])
    assert tried(client, BLOCK, "?comments=2")["comments"] == 2
    assert tried(client, BLOCK, "?days=1")["comments"] == 3


def test_a_bad_rule_is_not_tried(client, problem):
    problem(client.post("/v1/rules/test", json={**BLOCK, "kind": "word", "value": "c++"}), 422, "invalid-rule")


@DATABASES
def test_rules_work_on_every_database(make_app, database_url):
    client = client_of(make_app(database=database_url))
    added = client.post("/v1/rules", json=[BLOCK, {**BLOCK, "action": "hold", "kind": "links", "value": 1}]).json
    assert decision(client) == "reject"
    assert client.get(f"/v1/rules/{added['added'][0]['id']}").json["hits"] == 1
    assert tried(client, BLOCK)["rules"][0]["decided"]["reject"] == 1
