"""The queue: the server's time for a page, a count and a settle as a site grows; and 300 cleared by keyboard."""

import logging
import random
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from flask.testing import FlaskClient

from bench.tables import show
from moderation.comment import Author, Comment, Post
from moderation.past import traces_of
from moderation.review import Order
from moderation.settings import load
from moderation.store import Judged, Trail, migrate
from moderation.store.database import open_database
from moderation.store.sql import SqlStore
from moderation.verdict import Decision, Reason, Verdict
from training.corpora import read_seeds

SIZES = (1_000, 100_000, 1_000_000)
HELD_EVERY = 20
"""One comment in so many waits."""
CALLS = 40
AT_ONCE = 5_000
CLEARED = 300
PASSWORD = "correct horse battery"
LANGUAGES = ("en", "en", "en", "de", "zh")


def verdict(random_: random.Random, number: int) -> Verdict:
    """A verdict as it might be, with words to be marked."""
    score = round(random_.betavariate(2, 2), 6)
    reasons = (
        Reason("words", "the wording is typical of spam", 2.0, "spam", ((0, 5),)),
        Reason("link", "links: 1 link is typical of spam", 1.0, "spam"),
    )
    decision = Decision.ACCEPT if number % HELD_EVERY else Decision.HOLD
    return Verdict(decision, {"spam": score, "toxicity": 0.01}, {"spam": -2.0}, reasons, "bench", "bench")


def comment(text: str, number: int, random_: random.Random) -> Comment:
    """A comment of one of many readers on one of many posts."""
    who = random_.randrange(1 + number // 3)
    author = Author(
        name=f"Reader {who}", email=f"reader{who}@example.org", ip=f"10.{who >> 16}.{who >> 8 & 255}.{who & 255}"
    )
    post = Post(url=f"https://blog.example/{number % 997}", title="A post")
    return Comment(text=f"{text} ({number})", author=author, post=post, language=random_.choice(LANGUAGES))


def grow(store: SqlStore, texts: list[str], low: int, high: int) -> None:
    """Add comments ``low`` to ``high`` to site 1 without judging them."""
    random_ = random.Random(low)
    for start in range(low, high, AT_ONCE):
        rows = []
        for number in range(start, min(start + AT_ONCE, high)):
            one = comment(texts[number % len(texts)], number, random_)
            traces = tuple(traces_of(one, (), one.language or "", b"bench"))
            rows.append(
                Judged(1, one, "0" * 64, verdict(random_, number), Trail(traces, None, 1_700_000_000_000, live=False))
            )
        store.record(rows)


@contextmanager
def signed_in(database: str, folder: str) -> Iterator[FlaskClient]:
    """A moderator's browser before the application over a database."""
    from api import create_app

    app = create_app(load({"database": database, "secret_file": str(Path(folder, "secret"))}))
    parts = app.extensions["hamlet"]
    if not parts.people.any():
        parts.sites.create_site("bench")
        token = parts.people.first_token()
        parts.people.join(token, "ann", PASSWORD)
    client = app.test_client()
    form = {"csrf_token": csrf(client.get("/dashboard/sign-in").text), "name": "ann", "password": PASSWORD}
    client.post("/dashboard/sign-in", data=form)
    yield client
    parts.engine.dispose()


def csrf(page: str) -> str:
    """The token of a page's forms."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', page)
    assert found is not None
    return found[1]


def p95(call: Callable[[int], object]) -> float:
    """The 95th percentile of a call's time, in milliseconds, after two to warm up."""
    times = []
    for turn in range(-2, CALLS):
        begun = time.perf_counter()
        call(turn)
        if turn >= 0:
            times.append((time.perf_counter() - begun) * 1e3)
    return sorted(times)[int(0.95 * CALLS)]


def measure(client: FlaskClient) -> tuple[float, ...]:
    """Page by each order, a page further on, a narrowed page, a search, and a settle."""

    def page(query: str) -> Callable[[int], object]:
        def call(_: int) -> None:
            answer = client.get(f"/dashboard/queue?{query}")
            assert answer.status_code == 200, answer.text

        return call

    first = client.get("/dashboard/queue").text
    after = re.findall(r'data-after="([^"]+)"', first)
    headers = {"X-CSRFToken": csrf(first), "Accept": "application/json"}
    waiting: list[str] = []

    def settle(_: int) -> None:
        body = {"site": "bench", "items": {waiting.pop(0): 0}, "outcome": "spam"}
        answer = client.post("/dashboard/queue/settle", json=body, headers=headers)
        assert answer.status_code == 200, answer.text

    orders = max(p95(page(f"order={order}")) for order in Order)
    further = p95(page(f"after={after[0]}")) if after else float("nan")
    return orders, further, p95(page("language=de")), p95(page("q=reader+77")), settles(settle, client, waiting)


def settles(settle: Callable[[int], object], client: FlaskClient, waiting: list[str]) -> float:
    """Time of settles alone: what they settle is looked up before."""
    after = ""
    while len(waiting) < CALLS + 2:
        page = client.get(f"/dashboard/queue?part=cards{after}").text
        waiting.extend(re.findall(r'id="c-([0-9a-f]{32})"', page))
        found = re.findall(r'data-after="([^"]+)"', page)
        if not found:
            return float("nan")
        after = f"&after={found[0]}"
    return p95(settle)


def by_keyboard() -> tuple[float, float] | None:
    """Keys and seconds a decision to clear the queue in Chromium; None where there is none."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    program = shutil.which("chromium")
    if program is None:
        return None
    from threading import Thread

    from werkzeug.serving import make_server

    from api import create_app

    with tempfile.TemporaryDirectory() as folder:
        settings = load({"database": str(Path(folder, "hamlet.db")), "secret_file": str(Path(folder, "secret"))})
        engine = open_database(settings.database)
        migrate.upgrade(engine)
        engine.dispose()
        app = create_app(settings)
        parts = app.extensions["hamlet"]
        parts.sites.create_site("bench")
        parts.people.join(parts.people.first_token(), "ann", PASSWORD)
        texts = [seed.text for seed in read_seeds() if 20 < len(seed.text) < 400]
        random_ = random.Random(0)
        held = [
            Judged(1, comment(text, n, random_), "0" * 64, verdict(random_, 0))
            for n, text in enumerate(random_.sample(texts, CLEARED))
        ]
        SqlStore(parts.engine).record(held)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        Thread(target=server.serve_forever, daemon=True).start()
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox", "--disable-gpu"])
            page = browser.new_page(base_url=f"http://127.0.0.1:{server.port}")
            page.goto("/dashboard/sign-in")
            page.fill("[name=name]", "ann")
            page.fill("[name=password]", PASSWORD)
            page.click("main form button")
            page.wait_for_selector(".card.current")
            keys, begun = 0, time.perf_counter()
            while parts.queue.counts([1]).total and keys < 2 * CLEARED:
                page.wait_for_function("() => document.querySelector('.card:not(.done), #all-done:not([hidden])')")
                if page.locator("#all-done").is_visible():
                    page.wait_for_timeout(20)
                    continue
                page.keyboard.press("s" if keys % 3 else "h")
                keys += 1
            seconds = time.perf_counter() - begun
            browser.close()
        server.shutdown()
    return keys / CLEARED, seconds / CLEARED


def main() -> None:
    """Measure and print."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    texts = [seed.text for seed in read_seeds() if len(seed.text) < 400]
    random.Random(0).shuffle(texts)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        database = str(Path(folder, "hamlet.db"))
        engine = open_database(database)
        migrate.upgrade(engine)
        with signed_in(database, folder):
            pass
        held = 0
        for size in SIZES:
            grow(SqlStore(engine), texts, held, size)
            held = size
            with signed_in(database, folder) as client:
                rows.append((f"{size:,}", f"{size // HELD_EVERY:,}", *(f"{one:,.0f}" for one in measure(client))))
        engine.dispose()
    show(
        "95th percentile of the server's answer, in milliseconds",
        ("comments", "of them held", "page (slowest order)", "next page", "one language", "search", "settle"),
        rows,
        f"Whole answers of the application with {CALLS} calls each, SQLite, one process. A page has 30 cards.",
    )
    found = by_keyboard()
    if found is not None:
        show(
            f"{CLEARED} held comments cleared by keyboard in Chromium",
            ("keys a decision", "seconds a decision"),
            [(f"{found[0]:.2f}", f"{found[1]:.3f}")],
            "Keys pressed as fast as the page takes them: what is left is the reading.",
        )
