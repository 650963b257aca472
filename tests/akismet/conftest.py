"""Calls of the Akismet protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from urllib.parse import urlencode

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from moderation.policy import Choices
from tests.api.conftest import stored  # noqa: F401  # A fixture.
from tests.api.test_server import Server, serving
from tests.conftest import parts_of

Call = Callable[..., TestResponse]
BLOG = "https://blog.example.org"
PATIENCE = 30.0
"""Seconds for an answer; a limit for a server that never answers, not a measurement."""
WORDPRESS = "WordPress/6.1.9 | Akismet/5.0.2"


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server."""
    with serving(tmp_path_factory.mktemp("akismet")) as start:
        yield start("--max-body", "1000000")


@pytest.fixture
def call(app: Flask, site_key: str) -> Call:
    """Calls an endpoint of version 1.1 as WordPress does, with key, blog and address, and the fields given."""

    def send(endpoint: str, *, version: str = "1.1", **fields: object) -> TestResponse:
        form = {"api_key": site_key, "blog": BLOG, "user_ip": "192.0.2.7", **fields}
        sent = {name: value for name, value in form.items() if value is not None}
        content_type = "application/x-www-form-urlencoded; charset=UTF-8"
        return app.test_client().post(
            f"/{version}/{endpoint}",
            data=urlencode(sent, doseq=True).encode(),
            content_type=content_type,
            headers={"User-Agent": WORDPRESS},
        )

    return send


@pytest.fixture
def check(call: Call) -> Callable[..., str]:
    """The answer to a comment-check."""

    def send(**fields: object) -> str:
        return call("comment-check", **fields).text

    return send


@pytest.fixture
def choose(app: Flask) -> Callable[..., None]:
    """Changes the choices of the site ``blog``."""

    def change(**choices: object) -> None:
        parts_of(app).sites.choose("blog", Choices(**choices))

    return change
