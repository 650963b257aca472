"""Batches as nobody should send them."""

from __future__ import annotations

import json

import pytest

from api.perspective.batch import MOST_CALLS
from tests.perspective.conftest import analysis

BOUNDARY = "b"
CALL = b"POST /v1alpha1/comments:analyze HTTP/1.1\nContent-Type: application/json\n\n"


def packed(*calls: bytes, head: bytes = b"Content-Type: application/http\nContent-ID: <x + 1>\n") -> bytes:
    return b"".join(b"--b\n%s\n%s\n" % (head, call) for call in calls) + b"--b--\n"


@pytest.fixture
def send(app, site_key):
    """The answer to a batch."""

    def post(body, content_type=f"multipart/mixed; boundary={BOUNDARY}", key=site_key, **given):
        return app.test_client().post(
            "/batch", data=body, content_type=content_type, query_string={"key": key}, **given
        )

    return post


def bodies(response):
    """The answers in an answer."""
    boundary = response.mimetype_params["boundary"]
    parts = response.text.split(f"--{boundary}")[1:-1]
    return [json.loads(part.split("\r\n\r\n", 2)[2]) for part in parts]


def test_the_key_of_the_whole_is_that_of_its_calls(send):
    response = send(packed(CALL + json.dumps(analysis()).encode()))
    assert "attributeScores" in bodies(response)[0]


def test_a_call_may_have_a_key_of_its_own(send, site_key):
    own = CALL.replace(b"analyze", b"analyze?key=" + site_key.encode())
    header = CALL.replace(b"\n\n", b"\nX-Goog-Api-Key: " + site_key.encode() + b"\n\n")
    answers = bodies(send(packed(own, header, CALL), key=""))
    assert [one["error"]["code"] for one in answers] == [400, 400, 403]


def test_a_wrong_key_of_the_whole_is_wrong(send):
    assert send(packed(CALL), key="x").json["error"]["message"].startswith("API key not valid")


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (b"", 404),
        (b"\n\n\n", 404),
        (b"POST", 404),
        (b"GET /v1alpha1/comments:analyze HTTP/1.1\n\n", 405),
        (b"POST /v1/comments HTTP/1.1\n\n{}", 404),
        (b"POST /batch HTTP/1.1\n\n", 404),
        (b"POST http://[x/comments:analyze HTTP/1.1\n\n", 400),
        (b"POST \xff\xfe HTTP/1.1\n\n", 404),
        (CALL, 400),
        (CALL + b"\xff", 400),
        (CALL.replace(b":", b"%3A", 1) + b"{", 400),
    ],
)
def test_a_call_that_is_none_is_refused_alone(send, call, code):
    good = CALL + json.dumps(analysis()).encode()
    bad, answered = bodies(send(packed(call, good)))
    assert (bad["error"]["code"], bad["error"]["details"] != []) == (code, True)
    assert "attributeScores" in answered


@pytest.mark.parametrize("head", [b"", b"Content-ID: <a\x0d\x0aSet-Cookie: x>\n", b"Content-ID: " + b"<" * 100_000])
def test_an_id_cannot_write_headers(send, head):
    assert "Set-Cookie" not in send(packed(CALL, head=head)).text


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (packed(CALL), "application/json"),
        (packed(CALL), "multipart/mixed"),
        (packed(CALL), "multipart/form-data; boundary=b"),
        (packed(*[CALL] * (MOST_CALLS + 1)), "multipart/mixed; boundary=b"),
    ],
)
def test_what_is_no_batch_is_refused(send, body, content_type):
    response = send(body, content_type)
    assert (response.status_code, response.json["error"]["status"]) == (400, "INVALID_ARGUMENT")


@pytest.mark.parametrize("body", [b"", b"--b--", b"nothing"])
def test_an_empty_batch_has_an_empty_answer(send, body):
    response = send(body)
    assert (response.status_code, bodies(response)) == (200, [])


def test_the_most_calls_are_answered(send):
    assert len(bodies(send(packed(*[CALL] * MOST_CALLS)))) == MOST_CALLS
