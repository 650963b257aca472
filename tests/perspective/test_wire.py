"""The real server, byte for byte."""

from __future__ import annotations

import http.client
import json
import re
from contextlib import closing

import pytest

from tests.akismet.test_wire import exchange
from tests.perspective.conftest import HELLO, PATIENCE, analysis

ANALYZE = "/v1alpha1/comments:analyze"
EMPTY = (
    b'{"error":{"code":400,"message":"Comment must be non-empty.","status":"INVALID_ARGUMENT","details":[{"@type":'
    b'"type.googleapis.com/google.commentanalyzer.v1alpha1.Error","errorType":"COMMENT_EMPTY"}]}}'
)


def request_of(target, body=b"", *, method="POST", version="1.1", headers=("Host: x",)) -> bytes:
    lines = [f"{method} {target} HTTP/{version}", *headers, "Connection: close"]
    if body or method == "POST":
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_of(head: bytes) -> int:
    return int(head.split()[1])


@pytest.fixture
def keyed(server):
    """An address with the key."""
    return lambda path=ANALYZE: f"{path}?key={server.key}"


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_an_empty_body_is_an_empty_comment(server, keyed, version):
    head, body = exchange(server, request_of(keyed(), version=version))
    assert (status_of(head), body) == (400, EMPTY)
    assert re.search(rb"(?im)^content-type: application/json; charset=UTF-8\r?$", head)


def test_a_post_without_body_and_length_is_an_empty_comment(server, keyed):
    request = f"POST {keyed()} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    assert exchange(server, request)[1] == EMPTY


@pytest.mark.parametrize("path", [ANALYZE, "/v1alpha1/comments%3Aanalyze", "/comments:analyze"])
def test_every_way_to_write_the_address_leads_here(server, keyed, path):
    head, _ = exchange(server, request_of(keyed(path), json.dumps(analysis()).encode()))
    assert status_of(head) == 200


def test_a_proxy_s_request_line_leads_here(server, keyed):
    target = f"http://commentanalyzer.googleapis.com{keyed()}"
    headers = ("Host: commentanalyzer.googleapis.com",)
    head, _ = exchange(server, request_of(target, json.dumps(analysis()).encode(), headers=headers))
    assert status_of(head) == 200


@pytest.mark.parametrize("path", ["//v1alpha1//comments:analyze", "/v1alpha1/comments:analyze/", "/v1alpha1//nothing"])
def test_nobody_is_sent_elsewhere(server, keyed, path):
    head, _ = exchange(server, request_of(keyed(path), json.dumps(analysis()).encode()))
    assert status_of(head) == 404


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT"])
def test_another_method_is_not_allowed(server, keyed, method):
    head, body = exchange(server, request_of(keyed(), method=method))
    assert (status_of(head), bool(body)) == (405, method != "HEAD")


def test_five_megabytes_are_read(server, keyed):
    body = json.dumps(analysis(context={"entries": [{"text": "x" * 1_000_000}] * 5})).encode()
    assert status_of(exchange(server, request_of(keyed(), body))[0]) == 200


def test_a_body_in_pieces_is_read(server, keyed):
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=PATIENCE)) as connection:
        pieces = iter([b"{comment: {text: 'Hi'}, ", b"requestedAttributes: {TOXICITY: {}}}"])
        connection.request("POST", keyed(), pieces, encode_chunked=True)
        assert connection.getresponse().status == 200


def test_answers_are_not_packed_and_set_no_cookie(server, keyed):
    headers = ("Host: x", "Accept-Encoding: gzip")
    head, _ = exchange(server, request_of(keyed(), json.dumps(analysis()).encode(), headers=headers))
    assert b"content-encoding" not in head.lower()
    assert b"set-cookie" not in head.lower()


def test_the_key_is_not_in_the_log(server, keyed):
    before = server.output
    for body in (json.dumps(analysis(HELLO)).encode(), b"{", b""):
        exchange(server, request_of(keyed(), body))
    assert server.output == before
