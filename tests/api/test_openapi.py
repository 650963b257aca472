"""The OpenAPI document and the page made from it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate

from api import CSP
from moderation.comment import Author, Comment, Form, Parent, Post


@pytest.fixture
def document(anonymous) -> dict[str, Any]:
    return anonymous.get("/openapi.json").json


@pytest.fixture
def page(anonymous) -> str:
    return anonymous.get("/docs").text


def schemas_in(value: Any) -> Iterator[str]:
    """Every reference in a document."""
    if isinstance(value, dict):
        yield from ([value["$ref"]] if isinstance(value.get("$ref"), str) else [])
        for one in value.values():
            yield from schemas_in(one)
    elif isinstance(value, list):
        for one in value:
            yield from schemas_in(one)


def test_the_document_is_openapi(document):
    validate(document)
    assert document["openapi"] == "3.1.0"


@pytest.mark.parametrize("struct", [Comment, Author, Post, Parent, Form])
def test_every_field_of_a_comment_is_described(document, struct):
    described = document["components"]["schemas"][struct.__name__]["properties"]
    assert list(described) == [field.encode_name for field in msgspec.structs.fields(struct)]


def test_text_is_the_only_field_that_is_required(document):
    assert document["components"]["schemas"]["Comment"]["required"] == ["text"]


def test_every_reference_leads_somewhere(document):
    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(schemas_in(document)) <= known


def test_every_route_is_described(app, document):
    # Another's protocol is written down by them.
    others = "static", "dashboard", "akismet", "perspective"
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint.partition(".")[0] not in others]
    routes = {re.sub(r"<[\w:]+>", "{id}", rule.rule) for rule in rules}
    assert routes - {"/docs", "/openapi.json"} == set(document["paths"])


def test_the_example_can_be_sent(client, document):
    content = document["paths"]["/v1/comments"]["post"]["requestBody"]["content"]["application/json"]
    answer = client.post("/v1/comments", json=content["example"])
    assert (answer.status_code, answer.json.get("warnings", [])) == (200, [])


@pytest.mark.parametrize("path", ["/v1/comments", "/v1/score"])
@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": "Hi", "id": "c1", "author": {"name": "A"}}, 200),
        ({"text": "Hi", "strange": 1}, 200),
        ([{"text": "Buy pills http://pills.shop"}, {"text": "", "id": "x"}], 200),
        ([], 200),
        ([{"text": "Hi"}, {"text": 5}], 207),
        ({"text": 5}, 422),
        ([{"text": ""}] * 1_001, 413),
    ],
)
def test_real_answers_have_the_shape_that_is_described(client, document, valid, path, body, status):
    response = client.post(path, json=body)
    (content,) = document["paths"][path]["post"]["responses"][str(response.status_code)]["content"].items()
    assert (response.status_code, response.mimetype) == (status, content[0])
    valid_inline(document, content[1]["schema"], response.json)


def valid_inline(document: dict[str, Any], schema: dict[str, Any], data: Any) -> None:
    Draft202012Validator({**schema, "components": document["components"]}).validate(data)


def test_a_comment_that_is_refused_has_not_the_shape_that_is_described(document):
    with pytest.raises(ValidationError, match="is not of type 'string'"):
        valid_inline(document, {"$ref": "#/components/schemas/Comment"}, {"text": 5})


# -- The page


def test_the_page_loads_nothing_from_outside(page):
    loaded = re.findall(r"""(?:src|href|action)\s*=\s*["']?([^"'>\s]+)""", page)
    assert loaded
    assert [address for address in loaded if not re.match(r"/(?!/)|#", address)] == []


def test_the_page_has_no_script_and_no_style_of_its_own(page):
    assert not re.search(r"<script|<style|\son\w+=|\sstyle=|javascript:", page)


def test_the_page_may_load_nothing_from_outside(anonymous):
    headers = anonymous.get("/docs").headers
    assert headers["Content-Security-Policy"] == CSP
    assert CSP.startswith("default-src 'none'")
    assert "http" not in CSP


def test_what_the_page_loads_is_there(anonymous, page):
    for address in re.findall(r'<link[^>]* href="([^"]+)"', page):
        response = anonymous.get(address)
        assert (response.status_code, response.mimetype) == (200, "text/css")
        assert not re.search(r"@import|url\(", response.text)
        response.close()


def test_every_anchor_of_the_page_leads_somewhere(page):
    ids = re.findall(r'\sid="([^"]+)"', page)
    assert set(re.findall(r'href="#([^"]+)"', page)) <= set(ids)
    assert len(ids) == len(set(ids))


def test_the_page_shows_every_call_and_every_field(page, document):
    fields = document["components"]["schemas"]["Comment"]["properties"]
    assert all(f"<code>{name}</code>" in page for name in [*document["paths"], *fields])


def test_a_host_that_was_made_up_cannot_write_into_the_page(anonymous):
    assert "<script>" not in anonymous.get("/docs", headers={"Host": "<script>alert(1)</script>"}).text
