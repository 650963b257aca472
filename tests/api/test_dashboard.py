"""The dashboard's pages about comments: seen by who may, acted on once, and safe to look at."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.dashboard.marks import MOST_MARKS, pieces
from moderation.people import Role
from moderation.verdict import Reason
from tests.conftest import client_of, parts_of
from tests.moderation.evidence import COPY, OTHER
from tests.people import make_member, make_people, signed_in

HOSTILE = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><style>body{display:none}</style>',
    "</textarea></li></ol><h1>mine</h1>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1) <a href='javascript:alert(1)'>x</a>",
    "\u202egnp.exe\u202c and \u200bnothing\u2066",
    "Z" + "\u0301\u0310" * 2_500 + "algo",
    "שלום עולם",
    "a" * 100_000,
]


@pytest.fixture
def blog(app) -> FlaskClient:
    """A site that holds everything; calls the API."""
    client = client_of(app)
    client.patch("/v1/site", json={"thresholds": {"spam": {"hold_at": 0, "reject_at": None}}})
    return client


@pytest.fixture
def ann(app: Flask, blog) -> FlaskClient:
    """A moderator of the site."""
    return moderating(app, "ann", Role.MODERATOR)


def moderating(app: Flask, name: str, role: Role, site: str = "blog") -> FlaskClient:
    """The browser of somebody with a role on a site."""
    parts = parts_of(app)
    parts.people = make_people(parts.engine, None, parts.sites.secret)
    make_member(parts.people, parts.sites.site(site).id, role, name)
    return signed_in(app, name)


def hold(blog, text: str = COPY, number: int = 0, **fields) -> str:
    return blog.post("/v1/comments", json={"text": text, "id": f"c{number}", **fields}).json["id"]


def token(client) -> str:
    found = re.search(r'name="csrf-token" content="([^"]+)"', client.get("/dashboard/queue").text)
    assert found is not None
    return found[1]


def send(client, path: str, body: dict):
    headers = {"X-CSRFToken": token(client), "Accept": "application/json"}
    return client.post(f"/dashboard/queue/{path}", json=body, headers=headers)


class Tags(HTMLParser):
    """Every tag of a page with its attributes, and the text in cards."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


# -- Seen


def test_what_waits_is_shown_with_its_reasons_and_buttons(blog, ann):
    comment_id = hold(blog, author={"name": "Eve", "url": "https://eve.example"})
    page = ann.get("/dashboard/queue").text
    assert f'id="c-{comment_id}"' in page
    assert "Eve" in page and "https://eve.example" in page
    for outcome in ("ham", "spam", "abuse", "other"):
        assert f'value="{outcome}"' in page


def test_near_copies_are_one_card_with_the_ids_that_are_settled_with_it(blog, ann):
    kept = sorted(hold(blog, COPY, number) for number in range(3))
    page = ann.get("/dashboard/queue").text
    assert f'data-twins="{kept[1]}:0,{kept[2]}:0"' in page
    assert page.count('class="card"') == 1


@pytest.mark.parametrize("text", HOSTILE)
@pytest.mark.parametrize("path", ["queue", "comments/blog/c0", "decided?who=all", "rules/blog/from/c0"])
def test_a_hostile_comment_becomes_nothing_but_text(blog, ann, text, path):
    comment_id = hold(blog, text, author={"name": text[:200], "url": "javascript:alert(1)"}, post={"title": text[:200]})
    if path.startswith("decided"):
        send(ann, "settle", {"site": "blog", "items": {comment_id: 0}, "outcome": "spam", "note": text[:200]})
    tags = Tags(ann.get(f"/dashboard/{path}").text).tags
    assert all(tag != "script" or attributes["src"].startswith("/static/") for tag, attributes in tags)
    assert {"style", "svg", "img", "textarea", "iframe"}.isdisjoint(tag for tag, _ in tags)
    assert not any(name.startswith("on") or name == "style" for _, attributes in tags for name in attributes)
    assert all(not (at.get("href") or "").startswith("javascript") for _, at in tags)
    assert sum(tag == "h1" for tag, _ in tags) == 1


def test_a_page_of_long_comments_stays_small(blog, ann):
    for number in range(30):
        hold(blog, f"{chr(97 + number) * 5} " * 15_000, number)
    assert len(ann.get("/dashboard/queue").data) < 600_000


def test_no_link_of_a_comment_can_be_followed(blog, ann):
    hold(blog, "see <a href='https://evil.example/login'>paypal.com</a>")
    page = ann.get("/dashboard/queue").text
    assert "https://evil.example/login" in page
    assert 'href="https://evil' not in page


@pytest.mark.parametrize("query", ["order=best", "age=9z", "after=zz", f"q={'a' * 101}"])
def test_a_view_that_makes_no_sense_is_explained(ann, query):
    assert ann.get(f"/dashboard/queue?{query}").status_code == 422


def test_the_address_of_a_view_shows_that_view(blog, ann):
    hold(blog, OTHER, 1)
    kept = hold(blog, COPY, 2)
    page = ann.get("/dashboard/queue?q=roofs&order=certain").text
    assert re.findall(r'id="c-([0-9a-f]{32})"', page) == [kept]


def test_an_empty_queue_says_so(ann):
    assert "All done" in ann.get("/dashboard/queue").text


def test_the_next_page_comes_as_cards_alone(blog, ann):
    for number in range(35):
        hold(blog, f"{OTHER} {chr(97 + number % 26) * 12} {number}", number, post={"url": f"/{number}"})
    ann.get("/dashboard/queue")
    page = ann.get("/dashboard/queue?order=oldest&part=cards").text
    assert "<html" not in page and 'class="card"' in page


# -- Acted on


def test_a_key_settles_and_undo_takes_it_back(blog, ann):
    comment_id = hold(blog)
    done = send(ann, "settle", {"site": "blog", "items": {comment_id: 0}, "outcome": "spam", "note": "sure"}).json
    assert done["results"][comment_id] == {"ok": True, "number": 1, "seen": 1, "waiting": False}
    assert "All done" in ann.get("/dashboard/queue").text
    back = send(ann, "undo", {"site": "blog", "items": {comment_id: 1}}).json
    assert back["results"][comment_id] == {"ok": True, "number": 2, "seen": 2, "waiting": True}


def test_it_works_without_a_script(blog, ann):
    comment_id = hold(blog)
    form = {"csrf_token": token(ann), "site": "blog", "id": comment_id, f"seen-{comment_id}": "0", "outcome": "ham"}
    answer = ann.post("/dashboard/queue/settle", data={**form, "next": "/dashboard/queue?order=certain"})
    assert (answer.status_code, answer.location) == (303, "/dashboard/queue?order=certain")
    assert blog.get("/v1/comments/c0").json["reviews"][0]["reviewer"] == "ann"


def test_the_second_of_two_moderators_is_told_who_was_first(app, blog, ann):
    bob, comment_id = moderating(app, "bob", Role.MODERATOR), hold(blog)
    said = {"site": "blog", "items": {comment_id: 0}}
    send(bob, "settle", {**said, "outcome": "spam"})
    (result,) = send(ann, "settle", {**said, "outcome": "ham"}).json["results"].values()
    assert (result["ok"], result["by"], result["outcome"]) == (False, "bob", "spam")


def test_the_same_act_sent_again_is_done_once(blog, ann):
    comment_id = hold(blog)
    said = {"site": "blog", "items": {comment_id: 0}, "outcome": "spam"}
    assert send(ann, "settle", said).json == send(ann, "settle", said).json
    assert len(blog.get("/v1/comments/c0").json["reviews"]) == 1


def test_a_comment_erased_meanwhile_is_named(blog, ann):
    (result,) = (
        send(ann, "settle", {"site": "blog", "items": {"f" * 32: 0}, "outcome": "spam"}).json["results"].values()
    )
    assert not result["ok"] and "no comment" in result["detail"]


def test_an_act_without_the_page_s_token_is_refused(blog, ann):
    answer = ann.post("/dashboard/queue/settle", json={"site": "blog", "items": {hold(blog): 0}, "outcome": "spam"})
    assert answer.status_code == 400
    assert blog.get("/v1/comments/c0").json["reviews"] == []


def test_after_the_session_a_script_is_told_to_sign_in(app, blog, ann):
    headers = {"X-CSRFToken": token(ann), "Accept": "application/json"}
    parts_of(app).people.sign_out_everywhere(parts_of(app).people.user("ann").id)
    body = {"site": "blog", "items": {hold(blog): 0}, "outcome": "spam"}
    assert ann.post("/dashboard/queue/settle", json=body, headers=headers).status_code == 401


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"site": "blog", "items": {}, "outcome": "spam"},
        {"site": "blog", "items": {"x": -1}, "outcome": "spam"},
        {"site": "blog", "items": {"x": 0}, "outcome": "hm"},
        {"site": "blog", "items": {"x": 0}, "outcome": "ham", "note": "n" * 2_001},
    ],
)
def test_an_act_that_makes_no_sense_is_refused(ann, body):
    assert send(ann, "settle", body).status_code == 422


@pytest.mark.parametrize("form", [{}, {"outcome": "hm"}, {"outcome": "ham", "id": "x", "seen-x": "y"}])
def test_a_form_that_is_not_ours_is_refused(ann, form):
    assert ann.post("/dashboard/queue/settle", data={"csrf_token": token(ann), **form}).status_code in (404, 422)


def test_who_looks_is_shown_to_the_other(app, blog, ann):
    bob, comment_id = moderating(app, "bob", Role.MODERATOR), hold(blog)
    assert send(ann, "claim", {"ids": [comment_id]}).json == {"others": {}}
    assert send(bob, "claim", {"ids": [comment_id]}).json == {"others": {comment_id: "ann"}}
    ann.post("/dashboard/queue/release", data={"csrf_token": token(ann), "ids": comment_id})
    assert send(bob, "claim", {"ids": [comment_id]}).json == {"others": {}}


def test_news_are_counted(blog, ann):
    hold(blog)
    assert ann.get("/dashboard/queue/news?since=0").json == {"arrived": 1}
    assert ann.get("/dashboard/queue/news?since=99999999999999").json == {"arrived": 0}
    assert ann.get("/dashboard/queue/news?since=x").status_code == 422
    assert ann.get(f"/dashboard/queue/news?since=-{'9' * 30}").json == {"arrived": 1}
    assert ann.get(f"/dashboard/queue/news?since={'9' * 30}").json == {"arrived": 0}


def test_a_comment_named_by_both_its_ids_is_settled_once(blog, ann):
    comment_id = hold(blog)
    results = send(ann, "settle", {"site": "blog", "items": {comment_id: 0, "c0": 0}, "outcome": "spam"}).json[
        "results"
    ]
    assert results[comment_id] == results["c0"] == {"ok": True, "number": 1, "seen": 1, "waiting": False}
    assert len(blog.get("/v1/comments/c0").json["reviews"]) == 1


@pytest.mark.parametrize(
    ("act", "fields", "status"),
    [
        ("undo", {"id": "c0", "number": "9" * 5_000}, 422),
        ("undo", {"id": "\0", "number": "1"}, 404),
        ("settle", {"id": "\0", "outcome": "spam"}, 404),
        ("reopen", {"id": "\0"}, 404),
        ("release", {"ids": "\0"}, 204),
    ],
)
@pytest.mark.postgres
def test_a_form_that_no_browser_sends_is_no_failure(make_app, request, act, fields, status):
    """PostgreSQL cannot even be asked for a NUL."""
    with request.getfixturevalue("postgres").database(request.getfixturevalue("migrated_template")) as url:
        app = make_app(database=url)
        hold(client_of(app))
        ann = moderating(app, "ann", Role.MODERATOR)
        form = {"csrf_token": token(ann), "site": "blog", **fields}
        assert ann.post(f"/dashboard/queue/{act}", data=form).status_code == status
        assert ann.get("/dashboard/queue/card/blog/%00").status_code == 404
        parts_of(app).engine.dispose()


def test_the_note_of_a_form_is_as_long_as_any(blog, ann):
    comment_id = hold(blog)
    form = {"csrf_token": token(ann), "site": "blog", "id": comment_id, "outcome": "spam", f"seen-{comment_id}": "0"}
    assert ann.post("/dashboard/queue/settle", data={**form, "note": "\0" + "n" * 9_000}).status_code == 303
    assert blog.get("/v1/comments/c0").json["reviews"][-1]["note"] == "\ufffd" + "n" * 1_999


# -- By whom


def test_a_viewer_sees_and_does_not_act(app, blog):
    viewer, comment_id = moderating(app, "vera", Role.VIEWER), hold(blog)
    page = viewer.get("/dashboard/queue").text
    assert comment_id in page and 'value="spam"' not in page
    body = {"site": "blog", "items": {comment_id: 0}, "outcome": "spam"}
    assert send(viewer, "settle", body).status_code == 403
    assert viewer.get("/dashboard/rules/blog/from/c0").status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "queue?site=blog",
        "queue/card/blog/c0",
        "comments/blog/c0",
        "authors/blog/name:x",
        "domains/blog/x",
        "rules/blog",
    ],
)
def test_charlie_of_another_site_sees_nothing(app, blog, path):
    hold(blog)
    client_of(app, "charlies")
    charlie = moderating(app, "charlie", Role.OWNER, site="charlies")
    assert charlie.get(f"/dashboard/{path}").status_code == 404
    assert COPY[:20] not in charlie.get("/dashboard/queue").text + charlie.get("/dashboard/decided?who=machine").text


@pytest.mark.parametrize("path", ["queue", "decided", "rules/blog", "comments/blog/c0", "queue/news?since=0"])
def test_nobody_sees_anything_without_signing_in(app, blog, path):
    answer = app.test_client().get(f"/dashboard/{path}", headers={"Accept": "text/html"})
    assert answer.status_code == 303
    assert answer.location.startswith("/dashboard/sign-in?next=")


# -- Other pages


def test_a_comment_s_page_tells_all_that_was_said(blog, ann):
    comment_id = hold(blog)
    send(ann, "settle", {"site": "blog", "items": {comment_id: 0}, "outcome": "spam", "note": "so many roofs"})
    page = ann.get("/dashboard/comments/blog/c0").text
    assert "so many roofs" in page and "review" in page


def test_decided_comments_are_listed_by_who_decided(app, blog, ann):
    bob = moderating(app, "bob", Role.MODERATOR)
    first = hold(blog, COPY, 1)
    second = hold(blog, OTHER, 2)
    send(ann, "settle", {"site": "blog", "items": {first: 0}, "outcome": "spam"})
    send(bob, "settle", {"site": "blog", "items": {second: 0}, "outcome": "ham"})
    mine, everybody = (ann.get(f"/dashboard/decided?who={who}").text for who in ("me", "all"))
    assert first in mine and second not in mine
    assert first in everybody and second in everybody
    assert ann.get("/dashboard/decided?who=them").status_code == 422


def test_what_the_machine_decided_alone_is_listed(app, ann):
    other = client_of(app, "quiet")
    other.post("/v1/comments", json={"text": OTHER, "id": "c1"})
    zoe = moderating(app, "zoe", Role.OWNER, site="quiet")
    assert OTHER[:30] in zoe.get("/dashboard/decided?who=machine").text


def test_a_decision_is_taken_back_from_the_list(blog, ann):
    comment_id = hold(blog)
    send(ann, "settle", {"site": "blog", "items": {comment_id: 0}, "outcome": "spam"})
    form = {"csrf_token": token(ann), "site": "blog", "id": comment_id, "number": "1", "next": "/dashboard/decided"}
    assert ann.post("/dashboard/queue/undo", data=form).status_code == 303
    assert blog.get("/v1/comments/c0").json["reviews"][-1]["outcome"] is None


def test_an_author_and_a_domain_have_pages(blog, ann):
    hold(blog, "see http://shop.example now", 1, author={"name": "Eve", "email": "eve@shop.example"})
    hold(blog, OTHER, 2, author={"name": "Eve", "email": "eve@shop.example"})
    page = ann.get("/dashboard/queue").text
    (author, *_) = re.findall(r'href="(/dashboard/authors/blog/email[^"]+)"', page)
    assert "shop.example" in ann.get(author).text and OTHER[:30] in ann.get(author).text
    assert "see http" in ann.get("/dashboard/domains/blog/shop.example").text
    assert ann.get("/dashboard/authors/blog/site:").status_code == 404


def test_a_rule_is_tried_before_it_is_kept(blog, ann):
    hold(blog, "see http://shop.example now", 1)
    form = {"csrf_token": token(ann), "action": "block", "kind": "domain", "value": "shop.example", "days": "30"}
    page = ann.post("/dashboard/rules/blog", data={**form, "do": "try"}).text
    assert "it would have met 1" in page and 'value="add"' in page
    assert ann.post("/dashboard/rules/blog", data={**form, "do": "add"}).status_code == 303
    kept = [rule for rule in blog.get("/v1/rules").json["rules"] if rule["kind"] == "domain"]
    assert [(rule["value"], rule["created_by"]) for rule in kept] == [("shop.example", "ann")]
    assert kept[0]["expires_at"] is not None


def test_a_rule_that_makes_no_sense_is_explained_in_the_form(ann):
    form = {"csrf_token": token(ann), "action": "block", "kind": "regex", "value": "(", "days": "never", "do": "add"}
    page = ann.post("/dashboard/rules/blog", data=form).text
    assert 'role="alert"' in page and 'value="("' in page


def test_a_comment_suggests_rules(blog, ann):
    hold(
        blog, "see http://shop.example now", 1, author={"name": "Eve", "email": "eve@mail.example", "ip": "203.0.113.9"}
    )
    page = ann.get("/dashboard/rules/blog/from/c1", headers={"X-Part": "1"}).text
    for value in ("domain:shop.example", "email:eve@mail.example", "ip:203.0.113.9", "name:Eve"):
        assert f'value="{value}"' in page
    assert "<html" not in page


def test_a_rule_is_removed(blog, ann):
    rule = blog.post("/v1/rules", json={"action": "hold", "kind": "word", "value": "roofs"}).json
    ann.post(f"/dashboard/rules/blog/{rule['id']}/remove", data={"csrf_token": token(ann)})
    assert blog.get("/v1/rules").json["rules"] == []


# -- Marks


def test_marks_follow_the_effects():
    reasons = (Reason("words", "x", 2.5, "spam", ((0, 5),)), Reason("words", "y", -0.3, "spam", ((6, 9),)))
    shown = pieces("cheap and best", reasons, 100)
    assert [(one.text, one.level) for one in shown] == [("cheap", 3), (" ", 0), ("and", -1), (" best", 0)]


@pytest.mark.parametrize("text", HOSTILE)
def test_pieces_leave_nothing_out_but_what_hides(text):
    shown = pieces(text, (), 200_000)
    if text.isascii():
        assert "".join(one.text for one in shown) == text
    assert not any(sign in one.text for one in shown for sign in "\u202e\u200b\u2066")


def test_a_tower_of_marks_is_cut():
    shown = "".join(one.text for one in pieces("Z" + "\u0301" * 500, (), 1_000) if not one.hidden)
    assert len(shown) == 1 + MOST_MARKS


@pytest.mark.parametrize("page", ["rules/blog?after=", "decided?before=", "decided?who=all&before=-"])
@pytest.mark.parametrize("digits", [30, 5_000])
def test_a_place_of_too_many_digits_is_no_failure(ann, page, digits):
    assert ann.get(f"/dashboard/{page}{'9' * digits}").status_code in (200, 422)


def test_what_a_comment_suggests_makes_a_rule(blog, ann):
    author = {"name": "Eve", "email": "none", "ip": "203.0.113.9, 198.51.100.7"}
    hold(blog, COPY, 1, author=author)
    page = ann.get("/dashboard/rules/blog/from/c1", headers={"X-Part": "1"}).text
    assert 'value="ip:198.51.100.7"' in page
    assert 'value="email:none"' not in page


def test_a_rule_that_ends_when_no_time_can_be_shown_is_refused(blog, ann):
    rule = {"action": "block", "kind": "word", "value": "roofs", "expires_at": "9999-12-31T23:59:59-12:00"}
    assert blog.post("/v1/rules", json=rule).status_code == 422
    rule["expires_at"] = "9999-12-31T23:59:59Z"
    assert blog.post("/v1/rules", json=rule).status_code == 201
    assert ann.get("/dashboard/rules/blog").status_code == 200
