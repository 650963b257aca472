"""``/v1/decisions``: the feed of what was decided after the first answers."""

from __future__ import annotations

import pytest

from moderation.past import Outcome
from moderation.store.decisions import Told, tell
from moderation.verdict import Decision
from tests.conftest import client_of, parts_of
from tests.moderation.evidence import COPY


@pytest.fixture
def told(app, client):
    """Tells the site ``blog`` so many decisions."""

    def now(count: int) -> None:
        found = parts_of(app)
        rows = [Told(f"{i:032x}", f"c{i}", Decision.ACCEPT, Outcome.HAM, "ann", 1_000) for i in range(count)]
        with found.engine.execution_options(writes=True).begin() as connection:
            tell(connection, found.sites.site("blog").id, rows)

    return now


def test_without_decisions_the_feed_is_empty(client, valid):
    answer = client.get("/v1/decisions").json
    valid("DecisionsShown", answer)
    assert answer == {"decisions": [], "next": 0, "more": False}


def test_decisions_are_shown_oldest_first(client, told, valid):
    told(2)
    answer = client.get("/v1/decisions").json
    valid("DecisionsShown", answer)
    assert answer["decisions"][0] == {
        "number": 1,
        "id": "0" * 32,
        "external_id": "c0",
        "decision": "accept",
        "outcome": "ham",
        "decided_by": "ann",
        "decided_at": "1970-01-01T00:00:01Z",
    }
    assert (answer["decisions"][1]["number"], answer["next"], answer["more"]) == (2, 2, False)


def test_the_feed_is_read_on_with_the_cursor(client, told):
    told(5)
    cursor, seen, more = 0, [], True
    while more:
        answer = client.get(f"/v1/decisions?after={cursor}&limit=2").json
        cursor, more = answer["next"], answer["more"]
        seen.append([one["number"] for one in answer["decisions"]])
    assert seen == [[1, 2], [3, 4], [5]]


def test_at_the_end_the_cursor_stays_where_it_is(client, told):
    told(1)
    assert client.get("/v1/decisions?after=7").json == {"decisions": [], "next": 7, "more": False}


def test_a_campaign_that_is_held_is_in_the_feed(client):
    for number in range(2):
        client.post("/v1/comments", json={"text": COPY, "id": f"c{number}"})
    held = client.post("/v1/comments/c0/campaign/hold").json["held"]
    shown = client.get("/v1/decisions").json["decisions"]
    assert [one["id"] for one in shown] == [one["id"] for one in held]
    assert {(one["decision"], one["outcome"], one["decided_by"]) for one in shown} <= {("hold", None, "campaign")}


@pytest.mark.parametrize("query", ["after=-1", "after=x", "after=", "after=99999999999", "after=²", "limit=1001"])
def test_a_cursor_that_makes_no_sense_is_refused(client, problem, query):
    problem(client.get(f"/v1/decisions?{query}"), 422, "invalid-request")


def test_another_site_s_decisions_are_not_shown(app, told):
    told(2)
    assert client_of(app, "other").get("/v1/decisions").json["decisions"] == []


def test_the_feed_needs_a_key(anonymous, problem):
    problem(anonymous.get("/v1/decisions"), 401, "unauthorized")
