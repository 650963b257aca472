"""``/v1/site``: what a site has chosen; and what its choices do."""

from __future__ import annotations

import pytest

from moderation.policy import Choices, Override
from moderation.signals import SIGNALS
from tests.conftest import client_of, parts_of
from tests.moderation.evidence import COPY

PILLS = "Buy cheap Viagra and Cialis without prescription http://best-pills.shop/buy http://cheap-meds.xyz/cialis"
ANN = {"name": "Ann", "email": "ann@example.org"}


def patch(client, **choices: object) -> dict:
    response = client.patch("/v1/site", json=choices)
    assert response.status_code == 200, response.text
    return response.json


def check(client, text: str = "Hi", path: str = "/v1/comments", **fields: object) -> dict:
    return client.post(path, json={"text": text, **fields}).json


def test_a_site_is_shown_with_its_choices_and_signals(client, valid):
    shown = client.get("/v1/site").json
    valid("SiteShown", shown)
    assert (shown["name"], shown["choices"]) == ("blog", {})
    assert [(one["code"], one["weight"], one["on"], one["learnt"]) for one in shown["signals"]] == [
        (one.code, one.weight, True, False) for one in SIGNALS
    ]


def test_a_change_is_shown_and_kept(client, valid):
    changed = patch(client, mode="hold-first-timers", signals_off=["topic"], weights={"too-fast": 1.5})
    valid("SiteShown", changed)
    assert client.get("/v1/site").json == changed
    signals = {one["code"]: one for one in changed["signals"]}
    assert (signals["topic"]["on"], signals["too-fast"]["weight"], signals["too-fast"]["learnt"]) == (False, 1.5, False)
    assert changed["policy"].endswith("+1")


def test_what_is_not_named_stays_as_it_is(client):
    patch(client, flood_per_hour=50, thresholds={"spam": {"hold_at": 0.4}})
    changed = patch(client, trusted_hops=2, thresholds={"toxicity": {"reject_at": None}})
    assert changed["choices"] == {
        "flood_per_hour": 50,
        "trusted_hops": 2,
        "thresholds": {"spam": {"hold_at": 0.4}, "toxicity": {"reject_at": None}},
    }


def test_the_thresholds_of_one_head_are_replaced_together(client):
    patch(client, thresholds={"spam": {"hold_at": 0.4}})
    assert patch(client, thresholds={"spam": {}})["choices"]["thresholds"] == {"spam": {}}


def test_a_change_by_another_server_is_not_undone(app, client):
    client.get("/v1/site")  # Remembered for a second.
    other = parts_of(app).sites.__class__(parts_of(app).engine, parts_of(app).sites.secret)
    other.choose("blog", Choices(flood_per_hour=7, thresholds={"spam": Override(hold_at=0.3)}))
    assert patch(client, mode="shadow")["choices"]["flood_per_hour"] == 7


@pytest.mark.parametrize(
    ("choices", "said"),
    [
        ({"mode": "off"}, "mode: must be one of enforce, shadow, hold-first-timers, closed, got 'off'"),
        ({"mode": None}, "mode"),
        ({"flood_per_hour": -1}, "flood_per_hour: Expected `int` >= 0"),
        ({"flood_per_hour": "many"}, "flood_per_hour: Expected `int`, got `str`"),
        ({"trusted_hops": 21}, "trusted_hops: Expected `int` <= 20"),
        ({"keep_addresses_days": 10**30}, "keep_addresses_days"),
        ({"signals_off": ["nonsense"]}, "no signal 'nonsense'; there are hidden-field"),
        ({"weights": {"nonsense": 1}}, "no signal 'nonsense'"),
        ({"weights": {"topic": 1e308}}, "weights.topic: must lie between -20 and 20"),
        ({"thresholds": {"sapm": {}}}, "has no head 'sapm'"),
        ({"thresholds": {"spam": {"hold_at": 2}}}, "between 0 and 1"),
        ({"thresholds": {"spam": {"hold_at": 0.9, "reject_at": 0.5}}}, "nothing would be held"),
        ({"thresholds": []}, "thresholds: Expected `object`, got `array`"),
        ({"colour": "red"}, "unknown field `colour`"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_and_not_kept(client, problem, choices, said):
    body = problem(client.patch("/v1/site", json=choices), 422, "invalid-request")
    assert said in body["detail"]
    assert client.get("/v1/site").json["choices"] == {}


@pytest.mark.parametrize("body", [[], 5, "shadow", False])
def test_a_change_is_an_object(client, problem, body):
    problem(client.patch("/v1/site", json=body), 422, "invalid-request")


def test_a_change_is_json(client, problem):
    problem(client.patch("/v1/site", data="mode=shadow"), 415, "unsupported-media-type")
    problem(client.patch("/v1/site", data="{", content_type="application/json"), 400, "malformed-json")


@pytest.mark.parametrize("method", ["GET", "PATCH"])
def test_a_site_needs_a_key(anonymous, problem, method):
    problem(anonymous.open("/v1/site", method=method, json={}), 401, "unauthorized")


def test_a_site_changes_itself_alone(app, client):
    other = client_of(app, "other")
    patch(other, mode="closed")
    assert client.get("/v1/site").json["choices"] == {}
    assert check(client)["decision"] == "accept"


# -- What choices do


@pytest.mark.parametrize("path", ["/v1/comments", "/v1/score"])
def test_in_shadow_mode_everything_is_accepted_and_the_true_verdict_told(client, valid, path):
    patch(client, mode="shadow")
    spam, ham = check(client, PILLS, path), check(client, "Hi", path)
    valid("Answer", spam)
    assert (spam["decision"], ham["decision"], "shadowed" in ham) == ("accept", "accept", False)
    assert spam["shadowed"] in ("hold", "reject")


def test_in_shadow_mode_the_true_verdict_is_kept(client):
    patch(client, mode="shadow")
    answer = check(client, PILLS, id="c1")
    (kept,) = client.get("/v1/comments/c1").json["verdicts"]
    assert kept["decision"] == answer["shadowed"]


def test_a_verdict_of_shadow_mode_counts_afterwards(client):
    patch(client, mode="shadow")
    answer = check(client, PILLS, id="c1")
    patch(client, mode="enforce")
    again = check(client, PILLS, id="c1")
    assert (again["repeated"], again["decision"]) == (True, answer["shadowed"])


def test_first_timers_are_held_until_somebody_calls_them_ham(client):
    patch(client, mode="hold-first-timers")
    first = check(client, "Hi", id="c1", author=ANN)
    assert (first["decision"], first["reasons"][0]["code"]) == ("hold", "mode")
    client.post("/v1/comments/c1/reviews", json={"outcome": "ham"})
    assert check(client, "Hi again", author=ANN)["decision"] == "accept"


def test_a_closed_site_rejects(client):
    patch(client, mode="closed")
    assert check(client)["decision"] == "reject"


def test_a_signal_that_is_off_is_not_among_the_reasons(client):
    trapped = {"form": {"honeypot": "x"}, "path": "/v1/score"}
    assert "hidden-field" in {one["code"] for one in check(client, **trapped)["reasons"]}
    patch(client, signals_off=["hidden-field"])
    assert "hidden-field" not in {one["code"] for one in check(client, **trapped)["reasons"]}


def test_scoring_uses_the_past_and_adds_nothing_to_it(client, stored):
    def score() -> float:
        return check(client, COPY, "/v1/score", author=ANN)["scores"]["spam"]

    before = score()
    for number in range(3):
        check(client, PILLS, author=ANN, id=f"c{number}")
        client.post(f"/v1/comments/c{number}/reviews", json={"outcome": "spam"})
    known = [score() for _ in range(3)]
    assert known[0] > before
    assert len(set(known)) == 1
    assert stored() == 3
