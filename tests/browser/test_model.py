"""The page about a site's model in a real browser: the simulator by slider, by field and without a script."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from moderation.past import Outcome
from tests.api.test_model_page import REFUSED, add, said, training  # noqa: F401  # Fixtures.
from tests.conftest import parts_of
from tests.learning import talk, wares

pytestmark = pytest.mark.browser
PAGE = "/dashboard/sites/blog/model"
OUTS = (
    "() => Object.fromEntries([...document.querySelectorAll('[data-out]')].map((x) => [x.dataset.out, x.textContent]))"
)


@pytest.fixture
def owner(blog):
    """Nobody: the browser's Olga owns the site."""


@pytest.fixture
def many(said):  # noqa: F811
    """Comments with people's judgements, some of them drawn."""
    said.say(map(talk, range(60)), Outcome.HAM, share=0.5)
    said.say(map(wares, range(30)), Outcome.SPAM, share=0.5)
    said.say(map(wares, range(30, 50)), Outcome.ABUSE)
    return said


def ready(page: Page) -> None:
    """Wait until the script has the comments."""
    expect(page.locator("#hold-slider")).to_be_visible()


@pytest.mark.parametrize(("hold", "reject"), [("0.1", "0.2"), ("0.62", ""), ("0", "0"), ("", ""), ("0,5", "0.95")])
def test_the_script_counts_as_the_server_does(blog, many, browsing, hold, reject):
    with browsing("olga", PAGE) as page:
        page.goto(f"{PAGE}?hold={hold}&reject={reject}")
        asked = page.evaluate(OUTS)
        page.goto(PAGE)
        ready(page)
        page.fill("#hold", hold)
        page.fill("#reject", reject)
        assert page.evaluate(OUTS) == asked


def test_numbers_are_written_in_the_language_of_the_page(blog, many, browsing):
    with browsing("olga", PAGE, locale="de-DE") as page:
        page.goto(f"{PAGE}?hold=0.1&reject=0.6")
        asked = page.evaluate(OUTS)
        page.goto(PAGE)
        ready(page)
        page.fill("#hold", "0.1")
        page.fill("#reject", "0.6")
        assert page.evaluate(OUTS) == asked and "," in asked["wrong"]


def test_a_slider_moves_by_keys_and_shows_what_flips(blog, many, browsing):
    with browsing("olga", PAGE) as page:
        ready(page)
        page.focus("#hold-slider")
        page.keyboard.press("End")
        expect(page.locator("#hold")).to_have_value("")
        assert int(page.evaluate(OUTS)["held"]) < 5  # What other heads hold.
        expect(page.locator("#flips")).to_contain_text("comments would be decided otherwise")
        assert page.get_attribute("#hold-slider", "aria-valuetext") == "never"


def test_one_slider_pushes_the_other_along(blog, many, browsing):
    with browsing("olga", PAGE) as page:
        ready(page)
        page.fill("#hold", "0.5")
        page.focus("#reject-slider")
        page.keyboard.press("Home")
        expect(page.locator("#hold")).to_have_value("0")


def test_what_was_tried_can_be_used(app, blog, many, browsing):
    with browsing("olga", PAGE) as page:
        ready(page)
        page.fill("#hold", "0.25")
        page.fill("#reject", "0.75")
        page.locator("#use button").click()
        expect(page.locator(".flash")).to_be_visible()
    chosen = parts_of(app).sites.site("blog").choices.thresholds["spam"]
    assert (chosen.hold_at, chosen.reject_at) == (0.25, 0.75)


def test_nonsense_in_a_field_is_marked_and_cannot_be_used(blog, many, browsing):
    with browsing("olga", PAGE) as page:
        ready(page)
        page.fill("#hold", "2")
        expect(page.locator("#hold")).to_have_attribute("aria-invalid", "true")
        expect(page.locator("#use button")).to_be_disabled()


def test_without_a_script_a_button_tries_and_another_uses(app, blog, many, browsing):
    with browsing("olga", PAGE, java_script_enabled=False) as page:
        page.fill("#hold", "0.25")
        page.fill("#reject", "")
        page.locator("#try button").click()
        expect(page.locator("#flips")).to_contain_text("decided otherwise")
        page.locator("#use button").click()
        expect(page.locator(".flash")).to_be_visible()
    assert parts_of(app).sites.site("blog").choices.thresholds["spam"].hold_at == 0.25


def test_a_version_is_promoted_with_one_click(app, blog, add, browsing):  # noqa: F811
    add()
    with browsing("olga", PAGE) as page:
        page.locator("#versions button").first.click()
        expect(page.locator(".flash")).to_contain_text("blog/1 serves from now on")
        expect(page.locator("#serves")).to_contain_text("blog/1")


PATHS = [PAGE, f"{PAGE}?hold=0&reject=0.1", f"{PAGE}/versions/1", f"{PAGE}/versions/2"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("path", PATHS)
def test_axe_finds_nothing(blog, many, add, browsing, path, scheme):  # noqa: F811
    add(), add(training(REFUSED))
    with browsing("olga", PAGE, color_scheme=scheme) as page:
        page.goto(path)
        found = Axe().run(page).response["violations"]
        assert [(one["id"], [node["html"][:150] for node in one["nodes"]][:3]) for one in found] == []


@pytest.mark.parametrize("path", PATHS)
def test_pages_fit_a_phone(blog, many, add, browsing, path):  # noqa: F811
    many.say([f"{'long' * 60} http://{'x' * 60}.example/{'y' * 200}"], Outcome.OTHER)
    add(), add(training(REFUSED))
    with browsing("olga", PAGE, viewport={"width": 360, "height": 700}) as page:
        page.goto(path)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_nothing_is_asked_of_anybody_else_and_no_policy_is_broken(blog, many, browsing, served):
    with browsing("olga", PAGE) as page:
        asked: list[str] = []
        said_: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said_.append(message.text))
        page.on("pageerror", lambda error: said_.append(str(error)))
        page.reload()
        ready(page)
        page.fill("#hold", "0.01")
        page.wait_for_load_state("networkidle")
        assert asked and all(one.startswith(served) for one in asked)
        assert said_ == []
