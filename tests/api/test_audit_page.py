"""The page of the audit log."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient

from moderation.people import Role
from moderation.store.audit import note
from tests.api.test_dashboard import HOSTILE, Tags, moderating
from tests.conftest import client_of, parts_of

PATH = "/dashboard/audit"


@pytest.fixture
def ann(app: Flask) -> FlaskClient:
    """The owner of the site ``blog``."""
    client_of(app)
    return moderating(app, "ann", Role.OWNER)


def write(app, *actions: str, site_id: int | None = 1, actor: str = "eve", **detail: object) -> None:
    with parts_of(app).engine.begin() as connection:
        for action in actions:
            note(connection, site_id=site_id, actor=actor, via="dashboard", action=action, **detail)


def acts(browser, query: str = "") -> list[str]:
    return re.findall(r"act(\d+)", browser.get(f"{PATH}{query}").text)


def test_acts_are_told_newest_first(app, ann):
    write(app, "act1", "act2", "act3")
    assert acts(ann) == ["3", "2", "1"]


def test_pages_follow_one_another_without_gap_or_repetition(app, ann):
    write(app, *(f"act{number}" for number in range(120)))
    seen, query = [], ""
    while True:
        page = ann.get(f"{PATH}{query}").text
        seen += re.findall(r"act(\d+)", page)
        found = re.search(r'href="/dashboard/audit(\?before=\d+)"', page)
        if found is None:
            break
        query = found[1]
    assert seen == [str(number) for number in reversed(range(120))]


def test_acts_are_narrowed_by_actor(app, ann):
    write(app, "act1", actor="eve")
    write(app, "act2", actor="bob")
    assert acts(ann, "?actor=bob") == ["2"]
    assert acts(ann, "?actor=nobody") == []


def test_only_acts_on_one_s_own_sites_are_told(app, ann):
    client_of(app, "charlies")
    write(app, "act1", site_id=1)
    write(app, "act2", site_id=2)
    write(app, "act3", site_id=None)
    assert acts(ann) == ["1"]
    assert acts(moderating(app, "charlie", Role.OWNER, site="charlies")) == ["2"]
    assert ann.get(f"{PATH}?site=charlies").status_code == 404


def test_only_owners_see_the_log(app, ann):
    bob = moderating(app, "bob", Role.MODERATOR)
    assert bob.get(PATH).status_code == 403
    assert bob.get(f"{PATH}?site=blog").status_code == 403


def test_details_are_told(app, ann):
    write(app, "choose", mode="shadow", thresholds={"spam": {"hold_at": 0.5}})
    page = ann.get(PATH).text
    assert "shadow" in page and "hold_at" in page


@pytest.mark.parametrize("query", ["?before=x", "?before=-1", "?before=²", "?actor=%00"])
def test_a_view_that_makes_no_sense_is_explained(ann, query):
    assert ann.get(PATH + query).status_code == 422


def test_a_place_far_beyond_the_newest_act_is_the_beginning(app, ann):
    write(app, "act1")
    assert acts(ann, f"?before={'9' * 40}") == ["1"]


@pytest.mark.parametrize("text", HOSTILE[:6])
def test_a_hostile_detail_becomes_nothing_but_text(app, ann, text):
    write(app, "act1", actor=text[:64], says=text, deep={text: [text]})
    tags = Tags(ann.get(PATH).text).tags
    assert {"script", "style", "svg", "img", "textarea"}.isdisjoint(tag for tag, _ in tags)
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags for name in attributes)
