"""A real browser before a real server: Chromium, driven by Playwright.

``HAMLET_TEST_CHROMIUM`` names another Chromium than the one on the path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from threading import Thread

import pytest
from flask import Flask
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright
from werkzeug.serving import make_server

from moderation.people import Role
from tests.conftest import client_of, parts_of
from tests.people import PASSWORD, make_member, make_people

ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser. Ended with its tests: Playwright's loop runs as long, and no other can run beside it."""
    program = os.environ.get("HAMLET_TEST_CHROMIUM") or shutil.which("chromium")
    if program is None:
        pytest.fail("there is no Chromium to test with: apt-get install chromium, or set HAMLET_TEST_CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield browser
        browser.close()


@pytest.fixture
def blog(app: Flask):
    """A site that holds everything; calls the API."""
    client = client_of(app)
    client.patch("/v1/site", json={"thresholds": {"spam": {"hold_at": 0, "reject_at": None}}})
    parts = parts_of(app)
    parts.people = make_people(parts.engine, None, parts.sites.secret)
    for name in ("ann", "bob"):
        make_member(parts.people, parts.sites.site("blog").id, Role.MODERATOR, name)
    make_member(parts.people, parts.sites.site("blog").id, Role.OWNER, "olga")
    return client


@pytest.fixture
def served(app: Flask, blog) -> Iterator[str]:
    """The address of the application, served."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()


SignIn = Callable[..., AbstractContextManager[Page]]


@pytest.fixture
def browsing(chromium: Browser, served: str) -> SignIn:
    """Opens the queue in a browser of its own: ``with browsing("ann") as page``."""

    @contextmanager
    def sign_in(name: str = "ann", path: str = "/dashboard/queue", **options) -> Iterator[Page]:
        context: BrowserContext = chromium.new_context(base_url=served, **options)
        context.set_default_timeout(15_000)
        page = context.new_page()
        page.goto(f"/dashboard/sign-in?next={path}")
        page.fill("[name=name]", name)
        page.fill("[name=password]", PASSWORD)
        page.click("main form button")
        page.wait_for_url(f"**{path}**")
        yield page
        context.close()

    return sign_in
