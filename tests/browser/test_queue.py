"""The queue in a real browser: cleared by keyboard, and nothing lost by a slip."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.api.test_dashboard import HOSTILE
from tests.conftest import parts_of
from tests.moderation.evidence import COPY, OTHER

pytestmark = pytest.mark.browser

WORDS = """amber birch cedar delta ember fjord grove haven inlet jetty knoll larch marsh north ocean pearl quill
ridge""".split()
WAITING = "() => document.querySelectorAll('.card:not(.done)').length"


MEASURE_SHIFTS = """() => {
  window.shift = 0;
  new PerformanceObserver((list) => {
    for (const one of list.getEntries()) if (!one.hadRecentInput) window.shift += one.value;
  }).observe({type: 'layout-shift', buffered: true});
}"""


def text(number: int) -> str:
    """A comment unlike the others."""
    some = [WORDS[(number * step + step) % len(WORDS)] + str(number % 7) for step in range(1, 9)]
    return f"{number} {' '.join(some)}"


def hold(blog, count: int, **fields) -> list[str]:
    """Ids of comments that wait, oldest first."""
    some = [{"text": text(number), "id": f"c{number}", **fields} for number in range(count)]
    return sorted(one["id"] for one in blog.post("/v1/comments", json=some).json)


def outcomes(blog, comment_id: str) -> list[str | None]:
    return [one["outcome"] for one in blog.get(f"/v1/comments/{comment_id}").json["reviews"]]


def waiting(app) -> int:
    return parts_of(app).queue.counts([1]).total


def flushed(page: Page) -> None:
    """Wait until the server has answered everything."""
    page.wait_for_function("() => JSON.parse(sessionStorage.getItem('hamlet-pending') ?? '[]').length === 0")


# -- One key a comment


def test_three_hundred_are_cleared_with_three_hundred_keys(app, blog, browsing):
    hold(blog, 300)
    with browsing() as page:
        page.evaluate(MEASURE_SHIFTS)
        for number in range(300):
            page.wait_for_function(f"{WAITING} > 0")
            page.keyboard.press("s" if number % 3 else "h")
        flushed(page)
        expect(page.locator("#all-done")).to_be_visible()
        assert page.evaluate("window.shift") < 0.01
    assert waiting(app) == 0


def test_keys_faster_than_the_server_settle_each_comment_once(app, blog, browsing):
    kept = hold(blog, 20)
    with browsing() as page:
        page.evaluate(
            "(keys) => { for (const key of keys) window.dispatchEvent(new KeyboardEvent('keydown', {key})) }",
            "s" * 10 + "h" * 10,
        )
        flushed(page)
    assert [outcomes(blog, one) for one in kept] == [["spam"]] * 10 + [["ham"]] * 10


def test_undo_brings_back_what_was_settled_last(app, blog, browsing):
    kept = hold(blog, 3)
    with browsing() as page:
        page.keyboard.press("s")
        page.keyboard.press("a")
        flushed(page)
        page.keyboard.press("u")
        flushed(page)
        expect(page.locator(f"#c-{kept[1]}")).to_be_focused()
        page.keyboard.press("h")
        flushed(page)
    assert [outcomes(blog, one) for one in kept] == [["spam"], ["abuse", None, "ham"], []]


def test_what_was_not_sent_yet_is_just_not_sent(app, blog, browsing):
    kept = hold(blog, 2)
    with browsing() as page:
        page.context.set_offline(True)
        for key in "ssu":
            page.keyboard.press(key)
        page.context.set_offline(False)
        flushed(page)
    assert [outcomes(blog, one) for one in kept] == [["spam"], []]


def test_a_capital_letter_settles_the_whole_campaign(app, blog, browsing):
    some = [{"text": COPY, "id": f"k{number}"} for number in range(5)]
    blog.post("/v1/comments", json=some)
    hold(blog, 1)
    with browsing(path="/dashboard/queue?q=roofs") as page:
        page.keyboard.press("Shift+S")
        flushed(page)
        page.keyboard.press("u")
        flushed(page)
        assert waiting(app) == 6
        page.keyboard.press("Shift+S")
        flushed(page)
    assert waiting(app) == 1


def test_of_a_campaign_one_can_be_let_through(app, blog, browsing):
    some = [{"text": COPY, "id": f"k{number}"} for number in range(3)]
    kept = sorted(one["id"] for one in blog.post("/v1/comments", json=some).json)
    with browsing() as page:
        page.keyboard.press("h")
        expect(page.locator(f"#c-{kept[1]}")).to_be_visible()
        flushed(page)
    assert [outcomes(blog, one) for one in kept] == [["ham"], [], []]


def test_a_selection_is_settled_at_once(app, blog, browsing):
    kept = hold(blog, 6)
    with browsing() as page:
        page.keyboard.press("Space")
        for _ in range(3):
            page.keyboard.press("j")
        page.locator(f"#c-{kept[3]} .picked").click(modifiers=["Shift"])
        page.keyboard.press("Shift+A")
        flushed(page)
    assert [outcomes(blog, one) for one in kept] == [["abuse"]] * 4 + [[], []]


def test_more_than_fifty_at_once_are_asked_for(app, blog, browsing):
    blog.post("/v1/comments", json=[{"text": COPY, "id": f"k{number}"} for number in range(52)])
    with browsing() as page:
        asked: list[str] = []
        page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
        page.keyboard.press("Shift+S")
        assert asked and "52" in asked[0]
        assert waiting(app) == 52
        page.once("dialog", lambda dialog: dialog.accept())
        page.keyboard.press("Shift+S")
        flushed(page)
    assert waiting(app) == 0


def test_a_note_is_kept_with_the_decision(app, blog, browsing):
    (kept,) = hold(blog, 1)
    with browsing() as page:
        page.keyboard.press("e")
        page.keyboard.type("has a shop of hats")
        page.keyboard.press("Enter")
        page.keyboard.press("o")
        flushed(page)
    (review,) = blog.get(f"/v1/comments/{kept}").json["reviews"]
    assert (review["outcome"], review["note"]) == ("other", "has a shop of hats")


@pytest.mark.parametrize("chord", ["Control+s", "Alt+s", "Meta+s"])
def test_keys_with_control_are_the_browser_s(app, blog, browsing, chord):
    hold(blog, 1)
    with browsing() as page:
        page.keyboard.press(chord)
        page.wait_for_timeout(200)
    assert waiting(app) == 1


def test_keys_in_a_field_are_text(app, blog, browsing):
    hold(blog, 1)
    with browsing() as page:
        page.keyboard.press("/")
        page.keyboard.type("shoas")
        assert page.input_value("#search") == "shoas"
        page.keyboard.press("Escape")
        page.keyboard.press("?")
        expect(page.locator("#help")).to_be_visible()
        page.keyboard.press("s")
        page.wait_for_timeout(200)
    assert waiting(app) == 1


def test_a_rule_is_made_without_leaving_the_card(app, blog, browsing):
    hold(blog, 1, author={"name": "Eve", "email": "eve@shop.example"})
    with browsing() as page:
        page.keyboard.press("r")
        page.locator(".rule-here select[name=suggested]").select_option("email:eve@shop.example")
        page.locator(".rule-here button[value=try]").click()
        expect(page.locator(".rule-here .tried")).to_contain_text("it would have met 1")
        page.locator(".rule-here button[value=add]").click()
        expect(page.locator(".rule-here .flash")).to_be_visible()
    assert [rule["value"] for rule in blog.get("/v1/rules").json["rules"]] == ["eve@shop.example"]


# -- Slips and mishaps


def test_of_two_moderators_on_one_card_the_second_is_told(app, blog, browsing):
    kept = hold(blog, 2)
    with browsing("ann") as ann, browsing("bob") as bob:
        ann.keyboard.press("s")
        flushed(ann)
        bob.keyboard.press("h")
        expect(bob.locator(f"#c-{kept[0]} .what")).to_contain_text("ann")
        expect(bob.locator("#say")).to_contain_text("called spam by ann")
    assert outcomes(blog, kept[0]) == ["spam"]


def test_a_lost_connection_is_shown_and_nothing_is_lost_or_done_twice(app, blog, browsing):
    kept = hold(blog, 3)
    with browsing() as page:
        page.context.set_offline(True)
        page.keyboard.press("s")
        page.keyboard.press("h")
        expect(page.locator("#trouble")).to_be_visible()
        page.context.set_offline(False)
        flushed(page)
        expect(page.locator("#trouble")).to_be_hidden()
    assert [outcomes(blog, one) for one in kept] == [["spam"], ["ham"], []]


def test_an_answer_that_is_lost_does_not_make_two_reviews(app, blog, browsing):
    (kept,) = hold(blog, 1)
    lost = []

    def lose(route):
        if not lost:
            lost.append(route.fetch().status)  # The server has done it; its answer never arrives.
            route.abort()
        else:
            route.continue_()

    with browsing() as page:
        page.route("**/queue/settle", lose)
        page.keyboard.press("s")
        flushed(page)
    assert lost == [200]
    assert outcomes(blog, kept) == ["spam"]


def test_an_act_outlives_the_session(app, blog, browsing):
    (kept,) = hold(blog, 1)
    people = parts_of(app).people
    with browsing() as page:
        people.sign_out_everywhere(people.user("ann").id)
        page.keyboard.press("s")
        page.locator("#trouble a").click()
        page.fill("[name=name]", "ann")
        page.fill("[name=password]", "correct horse battery")
        page.click("main form button")
        page.wait_for_url("**/dashboard/queue**")
        flushed(page)
    assert outcomes(blog, kept) == ["spam"]


def test_new_comments_wait_behind_a_banner(app, blog, browsing):
    hold(blog, 2)
    with browsing() as page:
        before = page.locator(".card").count()
        blog.post("/v1/comments", json={"text": OTHER, "id": "new"})
        page.clock.install()
        page.reload()
        blog.post("/v1/comments", json={"text": f"{OTHER} once more, with feeling", "id": "newer"})
        page.clock.fast_forward(31_000)
        expect(page.locator("#news")).to_be_visible()
        assert page.locator(".card").count() == before + 1


# -- Safe to look at


@pytest.mark.parametrize("path", ["/dashboard/queue", "/dashboard/comments/blog/h{}", "/dashboard/decided?who=all"])
def test_no_comment_runs_a_script(app, blog, browsing, path):
    for number, hostile in enumerate(HOSTILE):
        body = {
            "text": hostile,
            "id": f"h{number}",
            "author": {"name": hostile[:200]},
            "post": {"title": hostile[:200]},
        }
        blog.post("/v1/comments", json=body)
        if "decided" in path:
            blog.post(f"/v1/comments/h{number}/reviews", json={"outcome": "spam", "note": hostile[:200]})
    seen: list[str] = []
    with browsing() as page:
        page.on("dialog", lambda dialog: (seen.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: seen.append(message.text) if "Content Security" in message.text else None)
        page.on("pageerror", lambda error: seen.append(str(error)))
        for number in range(len(HOSTILE)) if "{}" in path else [0]:
            page.goto(path.format(number))
            page.wait_for_timeout(100)
            assert page.evaluate("document.querySelectorAll('main svg, main img, main style, main iframe').length") == 0
    assert seen == []


# -- For everybody

PAGES = [
    "/dashboard/queue",
    "/dashboard/queue?q=nothing-like-it",
    "/dashboard/comments/blog/c0",
    "/dashboard/decided",
    "/dashboard/decided?who=all",
    "/dashboard/rules/blog",
    "/dashboard/rules/blog/from/c0",
    "/dashboard/domains/blog/shop.example",
    "/dashboard/insights",
    "/dashboard/sites",
    "/dashboard/sites/blog",
    "/dashboard/sites/blog/model",
    "/dashboard/clients",
    "/dashboard/health",
    "/dashboard/audit",
    "/dashboard/people",
    "/dashboard/account",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_nothing(app, blog, browsing, path, scheme):
    hold(blog, 3, author={"name": "Eve", "url": "http://shop.example"}, post={"title": "Hats"})
    blog.post("/v1/comments", json=[{"text": COPY, "id": f"k{number}"} for number in range(3)])
    blog.post("/v1/comments/c2/reviews", json={"outcome": "spam", "note": "hm"})
    blog.post("/v1/rules", json={"action": "hold", "kind": "word", "value": "roofs"})
    blog.get("/v1/site", headers={"Authorization": "Bearer 0123456789ab"})
    with browsing("olga", color_scheme=scheme) as page:
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:150] for node in one["nodes"]][:3]) for one in found] == []


def test_a_link_in_a_mail_opens_a_page_with_buttons(app, blog, browsing):
    (kept,) = hold(blog, 1)
    url = blog.post(f"/v1/comments/{kept}/links", json={"reviewer": "mia"}).json["url"]
    with browsing(viewport={"width": 360, "height": 700}) as page:
        page.context.clear_cookies()
        page.goto(url[url.index("/dashboard") :])
        assert waiting(app) == 1
        assert Axe().run(page).response["violations"] == []
        page.locator("button[value=ham]").click()
        expect(page.locator(".flash")).to_be_visible()
    assert outcomes(blog, kept) == ["ham"]


@pytest.mark.parametrize("path", PAGES)
def test_pages_fit_a_phone(app, blog, browsing, path):
    hold(
        blog, 2, author={"name": "E" * 70, "url": f"http://{'long' * 12}.example/{'x' * 300}"}, post={"title": "H" * 90}
    )
    blog.get("/v1/site", headers={"Authorization": "Bearer 0123456789ab", "User-Agent": "x" * 200})
    with browsing("olga", viewport={"width": 360, "height": 700}) as page:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_buttons_are_large_enough_for_a_thumb(app, blog, browsing):
    hold(blog, 1)
    with browsing(viewport={"width": 360, "height": 700}, has_touch=True) as page:
        box = page.locator(".act.spam").first.bounding_box()
        assert box is not None and box["height"] >= 44
        page.locator(".act.spam").first.tap()
        flushed(page)
    assert waiting(app) == 0


def test_without_a_script_a_button_does_it(app, blog, browsing):
    kept = hold(blog, 2)
    with browsing(java_script_enabled=False) as page:
        page.locator(f"#c-{kept[0]} button[value=spam]").click()
        expect(page.locator(".flash")).to_contain_text("spam")
    assert outcomes(blog, kept[0]) == ["spam"]


def test_each_result_is_announced(app, blog, browsing):
    hold(blog, 2)
    with browsing() as page:
        page.keyboard.press("s")
        expect(page.locator("#say[aria-live=polite]")).to_have_text("Spam")


def test_the_page_is_light(app, blog, browsing):
    hold(blog, 300, author={"name": "Eve", "url": "http://shop.example"})
    with browsing() as page:
        asked: set[str] = set()
        page.on("request", lambda one: asked.add(one.url) if one.method == "GET" else None)
        page.reload()
        page.wait_for_load_state("networkidle")
        # Asked again, as the browser may have kept some of them.
        sizes = [len(page.request.get(url).body()) for url in asked]
        assert len(sizes) >= 4 and all(sizes)
        assert sum(sizes) < 150_000


def test_nothing_is_asked_of_anybody_else(app, blog, browsing, served):
    evil = '<img src="https://evil.example/x.png"> see https://evil.example'
    blog.post("/v1/comments", json={"text": evil, "author": {"name": evil, "url": "https://evil.example"}})
    with browsing() as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.reload()
        page.wait_for_load_state("networkidle")
        assert asked and all(re.match(re.escape(served), one) for one in asked)


def test_german_is_spoken_to_who_asks_for_it(app, blog, browsing):
    with browsing(locale="de-DE") as page:
        expect(page.locator("html")).to_have_attribute("lang", "de")
        expect(page.locator("nav").first).to_contain_text("Entschieden")
