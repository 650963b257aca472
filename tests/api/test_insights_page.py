"""The page of insights, and its charts."""

from __future__ import annotations

import re

import pytest
from flask.testing import FlaskClient

from api.dashboard.charts import rounded_up, stacked
from moderation.people import Role
from tests.api.test_dashboard import HOSTILE, Tags, moderating, send
from tests.conftest import client_of
from tests.moderation.evidence import COPY

PATH = "/dashboard/insights"


@pytest.fixture
def blog(app) -> FlaskClient:
    """A site that holds everything; calls the API."""
    client = client_of(app)
    client.patch("/v1/site", json={"thresholds": {"spam": {"hold_at": 0, "reject_at": None}}})
    return client


@pytest.fixture
def ann(app, blog) -> FlaskClient:
    return moderating(app, "ann", Role.MODERATOR)


def hold(blog, text: str = COPY, number: int = 0) -> str:
    return blog.post("/v1/comments", json={"text": text, "id": f"c{number}"}).json["id"]


def bars(page: str, series: str) -> list[int]:
    return [int(value) for value in re.findall(rf'data-series="{series}" data-value="(\d+)"', page)]


def test_what_arrived_waits_and_was_said_is_drawn(blog, ann):
    kept = [hold(blog, number=number) for number in range(3)]
    send(ann, "settle", {"site": "blog", "items": {kept[0]: 0}, "outcome": "spam"})
    page = ann.get(f"{PATH}?days=7").text
    assert bars(page, "hold") == [0] * 6 + [3]
    assert bars(page, "spam") == [0] * 6 + [1]
    assert bars(page, "waiting") == [0] * 6 + [2]


def test_what_is_drawn_is_told_as_a_table_too(blog, ann):
    hold(blog)
    page = ann.get(f"{PATH}?days=7").text
    assert page.count("<svg") == page.count("<details><summary>As a table")
    assert len(re.findall(r"<title>[^<]+: held 1</title>", page)) == 1


def test_campaigns_lead_to_their_first_comment(blog, ann):
    kept = [hold(blog, number=number) for number in range(3)]
    page = ann.get(PATH).text
    assert f'href="/dashboard/comments/blog/{kept[0]}"' in page
    assert "We fix roofs" in page


def test_agreement_is_told_in_a_sentence(blog, ann):
    first, second = hold(blog, number=1), hold(blog, number=2)
    send(ann, "settle", {"site": "blog", "items": {first: 0}, "outcome": "ham"})
    send(ann, "settle", {"site": "blog", "items": {second: 0}, "outcome": "spam"})
    assert "Of 2 held comments, 1 were fine." in ann.get(PATH).text


def test_without_a_comment_the_page_says_so(ann):
    page = ann.get(PATH).text
    assert "Nothing in these days." in page and "<svg" not in page


@pytest.mark.parametrize("query", ["days=0", "days=8", "days=x", "days=7.0", "days="])
def test_only_some_spans_can_be_asked_for(ann, query):
    assert ann.get(f"{PATH}?{query}").status_code == 422


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_campaign_becomes_nothing_but_text(blog, ann, text):
    for number in range(2):
        hold(blog, f"{text} {COPY}"[-100_000:], number)
    tags = Tags(ann.get(PATH).text).tags
    assert {"style", "img", "textarea", "iframe"}.isdisjoint(tag for tag, _ in tags)
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags for name in attributes)


def test_charlie_of_another_site_sees_nothing(app, blog):
    hold(blog)
    client_of(app, "charlies")
    charlie = moderating(app, "charlie", Role.OWNER, site="charlies")
    assert charlie.get(f"{PATH}?site=blog").status_code == 404
    assert "<svg" not in charlie.get(PATH).text


# -- Charts


@pytest.mark.parametrize(("value", "top"), [(0, 2), (2, 2), (3, 3), (7, 8), (10, 10), (11, 20), (34, 40), (101, 200)])
def test_the_top_of_a_chart_is_a_round_number(value, top):
    assert rounded_up(value) == top


def test_parts_of_a_day_stand_on_each_other():
    chart = stacked("x", "X", {"a": "A", "b": "B"}, [("1 Jan", {"a": 1, "b": 3}), ("2 Jan", {"a": 8})])
    first, second = chart.columns
    assert [(bar.y, bar.height) for bar in first.bars] == [(87.5, 12.5), (50.0, 37.5)]
    assert [(bar.y, bar.height) for bar in second.bars] == [(0.0, 100.0), (0.0, 0.0)]
    assert (chart.top, chart.width, second.x) == (8, 20, 10)


def test_a_chart_of_nothing_is_empty():
    assert stacked("x", "X", {"a": "A"}, [("1 Jan", {})]).empty
