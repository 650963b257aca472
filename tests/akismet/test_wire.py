"""The real server, byte for byte."""

from __future__ import annotations

import re
import socket
from urllib.parse import urlencode

import pytest

from tests.akismet.conftest import BLOG, PATIENCE


def exchange(server, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to the bytes of a request."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    return head, body


def request_of(path, host, version="1.1", **fields) -> bytes:
    body = urlencode({"blog": BLOG, "user_ip": "192.0.2.7", **fields})
    return (
        f"POST {path} HTTP/{version}\r\nHost: {host}\r\nUser-Agent: WordPress/6.1.9 | Akismet/5.0.2\r\n"
        "Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


@pytest.mark.parametrize(
    ("path", "fields", "body"),
    [
        ("/1.1/verify-key", {}, b"valid"),
        ("/1.1/comment-check", {"comment_content": "Thanks, that helped."}, b"false"),
        ("/1.1/comment-check", {"comment_author": "viagra-test-123"}, b"true"),
        ("/1.1/comment-check", {"user_ip": ""}, b"Missing required field: user_ip."),
        ("/1.1/submit-spam", {"comment_content": "x"}, b"Thanks for making the web a better place."),
        ("/1.1/submit-ham", {"comment_content": "x"}, b"Thanks for making the web a better place."),
        ("/1.1/deactivate", {}, b"deactivated"),
    ],
)
@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_bodies_are_exact(server, path, fields, body, version):
    request = request_of(path, "rest.akismet.com", version, key=server.key, api_key=server.key, **fields)
    head, got = exchange(server, request)
    assert re.match(rb"HTTP/1\.[01] 200 ", head)
    assert re.search(rb"(?im)^content-length: %d\r?$" % len(body), head)
    assert got == body


def test_the_key_in_the_host_leads_here(server):
    request = request_of("/1.1/comment-check", f"{server.key.upper()}.Rest.Akismet.COM")
    assert exchange(server, request)[1] == b"false"


def test_the_key_in_the_host_leads_here_through_a_proxy_s_request_line(server):
    host = f"{server.key}.rest.akismet.com"
    assert exchange(server, request_of(f"http://{host}/1.1/comment-check", host))[1] == b"false"


def test_a_host_is_needed_for_nothing_but_the_key(server):
    request = request_of("/1.1/comment-check", "x", "1.0", api_key=server.key).replace(b"Host: x\r\n", b"")
    assert exchange(server, request)[1] == b"false"


def test_a_tunnel_is_not_dug(server):
    head, _ = exchange(server, b"CONNECT rest.akismet.com:443 HTTP/1.1\r\nHost: rest.akismet.com:443\r\n\r\n")
    assert re.match(rb"HTTP/1\.[01] 4\d\d ", head)


def test_no_cookie_is_set(server):
    assert b"set-cookie" not in exchange(server, request_of("/1.1/verify-key", "x", key=server.key))[0].lower()


def test_a_body_in_pieces_over_the_limit_is_held(server):
    piece = b"x" * 500_000
    head = b"POST /1.1/comment-check HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for _ in range(3)) + b"0\r\n\r\n"
    head, body = exchange(server, head + chunks)
    assert (head.split()[1], body) == (b"413", b"error")
