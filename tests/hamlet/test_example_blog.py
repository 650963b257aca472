"""The example blog, run as its page says, against the real server."""

from __future__ import annotations

import html
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.api.test_server import Server, serving
from tests.conftest import ROOT
from tests.hamlet.flaky import Answer, Line, line_to
from tests.postgres import free_port

PATIENCE = 60.0
"""Seconds; a limit for what never happens, not a measurement."""
RULES = {"allow": "heron", "hold": "pelican", "block": "flamingo"}
"""Words that decide, whatever model is served."""


@dataclass
class Blog:
    """The running blog, and the Hamlet it asks."""

    url: str
    hamlet: Server
    log: Path
    line: Line
    """What lies between the two."""

    def write(self, text: str, name: str = "Ann") -> str:
        """Send a comment; the page its author sees then."""
        answer = httpx.post(f"{self.url}/comments", data={"name": name, "text": text}, follow_redirects=True)
        assert answer.status_code == 200, self.log.read_text()
        return html.unescape(answer.text)

    def page(self) -> str:
        return html.unescape(httpx.get(self.url).text)

    def page_when(self, there: bool, text: str) -> str:
        """The page as soon as a text is there, or is not there any more."""
        give_up = time.monotonic() + PATIENCE
        while (text in (page := self.page())) is not there and time.monotonic() < give_up:
            time.sleep(0.05)
        return page

    def settle(self, text: str, outcome: str) -> None:
        """What a moderator says of a comment."""
        cards = self.hamlet.ask("GET", "/v1/queue")[1]["items"]
        (one,) = [card["id"] for card in cards if card["comment"]["text"] == text]
        status, told = self.hamlet.ask("POST", "/v1/queue/reviews", {"ids": [one], "outcome": outcome})
        assert status == 200, told


@pytest.fixture(scope="module")
def blog(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blog]:
    """The blog with its webhook set."""
    folder, port = tmp_path_factory.mktemp("blog"), free_port()
    with serving(folder) as start, line_to((hamlet := start("--webhook-hosts", f"127.0.0.1:{port}")).port) as line:
        url = f"http://127.0.0.1:{port}"
        for action, word in RULES.items():
            rule = {"action": action, "kind": "word", "value": word}
            assert hamlet.ask("POST", "/v1/rules", rule)[0] in (200, 201)
        webhook = hamlet.ask("PUT", "/v1/site/webhook", {"url": f"{url}/hamlet"})[1]
        variables = {
            "HAMLET_URL": line.url,
            "HAMLET_KEY": hamlet.key,
            "HAMLET_WEBHOOK_SECRET": webhook["secret"],
            "BLOG_DATABASE": str(folder / "blog.db"),
            "PORT": str(port),
        }
        with (folder / "blog.log").open("wb") as out:
            process = subprocess.Popen(
                [sys.executable, str(ROOT / "docs/example-blog/app.py")],
                env={**os.environ, **variables},
                cwd=folder,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        try:
            yield reachable(Blog(url, hamlet, folder / "blog.log", line))
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=PATIENCE)


def reachable(blog: Blog) -> Blog:
    """The blog, as soon as it answers."""
    give_up = time.monotonic() + PATIENCE
    while time.monotonic() < give_up:
        try:
            blog.page()
            return blog
        except httpx.TransportError:
            time.sleep(0.05)
    pytest.fail(f"the blog does not answer: {blog.log.read_text()}")


def test_a_wanted_comment_is_published_at_once(blog):
    blog.write("A heron, how nice.")
    assert "A heron, how nice." in blog.page()


def test_a_held_comment_waits_and_only_its_author_sees_it(blog):
    own = blog.write("A pelican, how odd.")
    assert "A pelican, how odd." in own
    assert "waits for a person" in own
    assert "A pelican, how odd." not in blog.page()


def test_a_rejected_comment_is_seen_by_nobody(blog):
    assert "A flamingo, how pink." not in blog.write("A flamingo, how pink.")
    assert "A flamingo, how pink." not in blog.page()


def test_a_comment_that_a_moderator_lets_through_appears(blog):
    blog.write("This pelican is mine.")
    blog.settle("This pelican is mine.", "ham")
    assert "This pelican is mine." in blog.page_when(True, "This pelican is mine.")


def test_a_comment_that_a_moderator_calls_spam_later_disappears(blog):
    answer = httpx.post(f"{blog.url}/comments", data={"name": "Ann", "text": "Herons for sale, heron!"})
    assert "Herons for sale" in blog.page()
    comment_id = answer.headers["Location"].partition("mine=")[2]
    blog.hamlet.ask("POST", f"/v1/comments/{comment_id}/reviews", {"outcome": "spam"})
    assert "Herons for sale" not in blog.page_when(False, "Herons for sale")


def test_a_webhook_that_is_not_hamlet_s_is_refused(blog):
    forged = {"webhook-id": "x", "webhook-timestamp": str(int(time.time())), "webhook-signature": "v1,AAAA"}
    assert httpx.post(f"{blog.url}/hamlet", content=b'{"type": "test"}', headers=forged).status_code == 400


def test_nothing_that_readers_write_becomes_markup(blog):
    form = {"name": "<b>x", "text": "heron <script>alert(1)</script>"}
    page = httpx.post(f"{blog.url}/comments", data=form, follow_redirects=True).text
    assert "&lt;script&gt;" in page
    assert not re.search("<script|<b>", page)


def test_what_hamlet_has_not_seen_waits_and_is_sent_with_the_next_comment(blog):
    blog.line.troubles = [Answer(503, {"Retry-After": "60"})]
    assert "waits for a person" in blog.write("The first heron.")
    blog.write("The second heron.")
    page = blog.page()
    assert "The first heron." in page
    assert "The second heron." in page
