"""Fixtures of the API's tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from jsonschema import Draft202012Validator, FormatChecker
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from moderation.store.schema import comments
from tests.conftest import parts_of


@pytest.fixture
def valid(app: Flask) -> Callable[[str, Any], None]:
    """Raises unless data has a shape of the OpenAPI document: ``valid("Answer", data)``."""
    document = app.test_client().get("/openapi.json").json

    def check(name: str, data: Any) -> None:
        schema = {"$ref": f"#/components/schemas/{name}", "components": document["components"]}
        Draft202012Validator(schema, format_checker=FormatChecker()).validate(data)

    return check


@pytest.fixture
def problem(valid: Callable[[str, Any], None]) -> Callable[[TestResponse, int, str], dict[str, Any]]:
    """Raises unless an answer is a problem of this status and sort; its body."""

    def check(response: TestResponse, status: int, kind: str) -> dict[str, Any]:
        assert response.content_type == "application/problem+json"
        body: dict[str, Any] = response.json
        valid("Problem", body)
        assert (response.status_code, body["status"], body["type"]) == (status, status, f"/docs#{kind}")
        return body

    return check


@pytest.fixture
def stored(app: Flask) -> Callable[[], int]:
    """How many comments the database holds."""

    def count() -> int:
        with parts_of(app).engine.begin() as connection:
            return connection.execute(select(func.count()).select_from(comments)).scalar_one()

    return count
