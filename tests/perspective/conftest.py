"""Calls of the Perspective protocol."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from api.perspective.languages import detector
from moderation.policy import Choices
from tests.api.conftest import stored  # noqa: F401  # A fixture.
from tests.api.test_edges import impatient  # noqa: F401  # A fixture.
from tests.api.test_server import Server, serving
from tests.conftest import parts_of

Call = Callable[..., TestResponse]
PATIENCE = 30.0
"""Seconds for an answer; a limit for a server that never answers, not a measurement."""
HELLO = "Thanks, that was a good read and it helped me a lot."
INSULT = "You are a worthless fucking idiot."
ERROR = "type.googleapis.com/google.commentanalyzer.v1alpha1.Error"


def analysis(text: str = HELLO, *names: str, **changes: Any) -> dict[str, Any]:
    """A request for scores, of TOXICITY unless others are named."""
    return {"comment": {"text": text}, "requestedAttributes": {name: {} for name in names or ("TOXICITY",)}, **changes}


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The real server."""
    with serving(tmp_path_factory.mktemp("perspective")) as start:
        yield start()


@pytest.fixture(scope="session", autouse=True)
def _languages() -> None:
    """Languages are told from the first call on."""
    detector.load()


@pytest.fixture
def post(app: Flask, site_key: str) -> Call:
    """Calls an operation with the key of the site ``blog`` and a body: bytes as they are, other things as JSON."""

    def send(body: Any, operation: str = "analyze", **given: Any) -> TestResponse:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"query_string": {"key": site_key}, **given}
        return app.test_client().post(f"/v1alpha1/comments:{operation}", data=data, **given)

    return send


@pytest.fixture
def analyze(post: Call) -> Callable[..., dict[str, Any]]:
    """The answer to a request for scores: a text, names of attributes, other fields."""

    def send(text: str = HELLO, *names: str, **changes: Any) -> dict[str, Any]:
        response = post(analysis(text, *names, **changes))
        assert response.status_code == 200, response.text
        return response.json

    return send


@pytest.fixture
def refused(post: Call) -> Callable[..., tuple[str, str]]:
    """Message and sort of a refusal that is the client's fault."""

    def send(body: Any, operation: str = "analyze", **given: Any) -> tuple[str, str]:
        response = post(body, operation, **given)
        error = response.json["error"]
        assert (response.status_code, error["code"], error["status"]) == (400, 400, "INVALID_ARGUMENT")
        assert error["details"][0]["@type"] == ERROR
        return error["message"], error["details"][0]["errorType"]

    return send


@pytest.fixture
def choose(app: Flask, site_key: str) -> Callable[..., None]:
    """Changes the choices of the site ``blog``."""

    def change(**choices: object) -> None:
        parts_of(app).sites.choose("blog", Choices(**choices))

    return change
