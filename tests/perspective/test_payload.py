"""Bodies as clients send them, and as nobody should."""

from __future__ import annotations

import gzip
import json
import zlib

import pytest

from tests.perspective.conftest import HELLO, analysis

BAD_JSON = "Invalid JSON payload received."


@pytest.mark.parametrize(
    "body",
    [
        '{comment: {text: "Hi"}, languages: ["en"], requestedAttributes: {TOXICITY:{}} }',
        "{'comment': {'text': 'Hi'}, 'requestedAttributes': {'TOXICITY': {},},}",
        '{"comment": {"text": "Hi"}, "requested_attributes": {"TOXICITY": {"score_type": "PROBABILITY"}}}',
        '\ufeff{"comment": {"text": "Hi"}, "requestedAttributes": {"TOXICITY": {}}}',
        '  \n{"comment": {"text": "Hi"}, "requestedAttributes": {"TOXICITY": {}}, "unknown": [1, {"a": null}]}\n',
        '{"comment": {"text": "Hi"}, "requestedAttributes": {"X": {}}, "requestedAttributes": {"TOXICITY": {}}}',
        '{"comment": {"text": "Hi"}, "context": null, "languages": null, "doNotStore": null, "clientToken": null, '
        '"requestedAttributes": {"TOXICITY": {"scoreType": null, "scoreThreshold": null}}, "spanAnnotations": null}',
        r'{"comment": {"text": "Hi \ud83d"}, "requestedAttributes": {"TOXICITY": {}}}',
        r'{comment: {text: "H\x69 \u0000"}, requestedAttributes: {TOXICITY: {}}}',
    ],
)
def test_careless_json_is_read(post, body):
    response = post(body.encode())
    assert list(response.json["attributeScores"]) == ["TOXICITY"]


def test_half_a_surrogate_pair_keeps_its_place(post):
    body = json.dumps(analysis("Hi \ud83d there")).encode()
    (span,) = post(body).json["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, 10)


@pytest.mark.parametrize("content_type", [None, "application/x-www-form-urlencoded", "text/plain; charset=utf-16", "x"])
def test_the_content_type_is_not_looked_at(post, content_type):
    assert post(analysis(), content_type=content_type).status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b"{", b"[", b"[]", b'"text"', b"5", b"null", b"NaN", b"{]", b"comment=Hi", b"{'comment': undefined}",
        b'{"comment": {"text": "caf\xe9"}}', '{"comment": {"text": "Hi"}}'.encode("utf-16"),
        b"[" * 100_000, b'{"a":' * 100_000, b"{a:" * 100_000, b"\xff\xfe", b"\x00", b"{a:1e999}", b"{a:1}{b:1}",
        b'{"comment":{"text":"Hi"},"a":1e999}', b"/*" * 100_000, b"{a: '\\ud83d'}", b"{" + b"a:1," * 100_000,
    ],
)  # fmt: skip
def test_what_is_no_json_is_refused(refused, body):
    message, kind = refused(body)
    assert (message.startswith(BAD_JSON), kind) == (True, "INVALID_REQUEST")


@pytest.mark.parametrize(
    ("changes", "at"),
    [
        ({"comment": 5}, "comment"),
        ({"comment": []}, "comment"),
        ({"comment": {"text": 5}}, "comment.text"),
        ({"comment": {"text": ["Hi"]}}, "comment.text"),
        ({"comment": {"text": "Hi", "type": {}}}, "comment.type"),
        ({"context": "x"}, "context"),
        ({"context": {"entries": {}}}, "context.entries"),
        ({"context": {"entries": [5]}}, "context.entries[0]"),
        ({"context": {"articleAndParentComment": 5}}, "context.articleAndParentComment"),
        ({"requestedAttributes": ["TOXICITY"]}, "requestedAttributes"),
        ({"requestedAttributes": {"TOXICITY": 5}}, "requestedAttributes[...]"),
        ({"requestedAttributes": {"TOXICITY": {"scoreThreshold": True}}}, "requestedAttributes[...].scoreThreshold"),
        ({"requestedAttributes": {"TOXICITY": {"scoreThreshold": "x"}}}, "requestedAttributes[TOXICITY]."),
        ({"requestedAttributes": {"TOXICITY": {"scoreThreshold": "1e999"}}}, "requestedAttributes[TOXICITY]."),
        ({"requestedAttributes": {"TOXICITY": {"scoreType": []}}}, "requestedAttributes[...].scoreType"),
        ({"languages": 5}, "languages"),
        ({"languages": [5]}, "languages[0]"),
        ({"spanAnnotations": 1}, "spanAnnotations"),
        ({"doNotStore": "yes"}, "doNotStore"),
        ({"clientToken": {}}, "clientToken"),
        ({"sessionId": 1}, "sessionId"),
        ({"communityId": []}, "communityId"),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_is_named(refused, changes, at):
    message, kind = refused(analysis(**changes))
    assert (message.startswith(f"Invalid value at '{at}"), kind) == (True, "INVALID_REQUEST"), message


@pytest.mark.parametrize("number", ["1" + "0" * 400, "9" * 5_000, "1e400", "-1e400"])
def test_a_number_too_large_for_any_type_is_refused(refused, number):
    body = json.dumps(analysis(requestedAttributes={"TOXICITY": {"scoreThreshold": 0.25}}))
    assert refused(body.replace("0.25", number).encode())[1] == "INVALID_REQUEST"


def test_a_name_of_a_megabyte_is_not_repeated(refused):
    message, _ = refused(analysis(HELLO, "X" * 1_000_000))
    assert len(message) < 400


def test_contexts_of_megabytes_are_taken(post):
    assert post(analysis(context={"entries": [{"text": "x" * 1_000_000}] * 4})).status_code == 200


# -- Packed bodies


def test_a_packed_body_is_unpacked(post):
    body = gzip.compress(json.dumps(analysis()).encode())
    assert post(body, headers={"Content-Encoding": "gzip"}).status_code == 200


def test_a_body_may_say_that_it_is_not_packed(post):
    assert post(analysis(), headers={"Content-Encoding": "identity"}).status_code == 200


@pytest.mark.parametrize(
    ("packing", "body"),
    [
        ("gzip", b"{}"),
        ("gzip", b""),
        ("gzip", gzip.compress(b"{}" * 500, mtime=0)[:-9]),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more"),
        ("gzip", zlib.compress(b"{}")),
        ("br", b"{}"),
        ("\tx" * 1_000, b"{}"),
    ],
)
def test_a_body_that_is_not_packed_as_it_says_is_refused(refused, packing, body):
    assert refused(body, headers={"Content-Encoding": packing})[0].startswith(BAD_JSON)


def test_a_packed_body_that_grows_over_the_limit_is_refused(make_app):
    app = make_app(max_body=100_000)
    sites = app.extensions["hamlet"].sites
    sites.create_site("blog")
    bomb = gzip.compress(b" " * 100_000_000, mtime=0)
    address = f"/comments:analyze?key={sites.create_key('blog')}"
    response = app.test_client().post(address, data=bomb, headers={"Content-Encoding": "gzip"})
    message = "Request payload size exceeds the limit: 100000 bytes."
    assert (len(bomb) < 100_000, response.status_code, response.json["error"]["message"]) == (True, 400, message)
