"""Requests to addresses that others chose: never to a private one, never further than asked, never without end."""

from __future__ import annotations

import socket
import ssl
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from threading import Event

import pytest

from moderation import outgoing
from moderation.errors import BadAddress, NotTaken
from moderation.outgoing import MOST_READ, SAID, Outside
from moderation.targets import MOST_URL, is_public, take_apart
from tests.receiver import receiving

PUBLIC = "8.8.8.8"


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


def post(receiver, **options):
    return Outside(receiver.host, **options).post(receiver.url, b"{}", {"X-Of": "test"})


# -- Where to


@pytest.mark.parametrize(
    "address",
    "127.0.0.1 127.255.0.1 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 0.0.0.0 0.1.2.3 192.0.0.1"
    " 192.0.2.1 198.18.0.1 203.0.113.1 224.0.0.1 239.1.1.1 240.0.0.1 255.255.255.255 192.88.99.1"
    " :: ::1 fe80::1 fe80::1%eth0 fc00::1 fd12::1 fec0::1 ff02::1 100::1 2001:db8::1 ::7f00:1"
    " ::ffff:127.0.0.1 ::ffff:10.0.0.1 2002:7f00:1:: 2002:a00:1:: 64:ff9b::7f00:1 64:ff9b::a00:1 64:ff9b:1::1"
    " 2001:0:808:808::1 nonsense".split(),
)
def test_an_address_that_is_not_of_the_public_internet_is_told_apart(address):
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_a_public_address_is_told_apart(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    "127.0.0.1 localhost 127.0.0.1. [::1] [::ffff:127.0.0.1] [::ffff:7f00:1] [64:ff9b::127.0.0.1] [fe80::1] [::]"
    " 0.0.0.0 ①②⑦.0.0.1 127。0。0。1 2130706433 0x7f000001 0x7f.0.0.1 0177.0.0.1 127.1 127.0.1 017700000001 0x"
    " 256.1.1.1".split(),
)
def test_a_private_host_is_refused_however_it_is_written(host):
    with pytest.raises(BadAddress):
        Outside().check(f"http://{host}/")


@pytest.mark.parametrize("host", ["2130706433", "0x7f.1", "0177.0.0.1"])
def test_a_host_in_odd_numbers_is_refused_whatever_it_resolves_to(host):
    with pytest.raises(BadAddress, match="four numbers"):
        Outside(resolver=lambda *_: [PUBLIC]).check(f"http://{host}/")


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["::1"], [PUBLIC, "10.0.0.1"], ["::ffff:10.0.0.1"]])
def test_a_name_with_a_private_address_is_refused(addresses):
    with pytest.raises(BadAddress, match=r"blog\.example has the address .* not on the public internet"):
        Outside(resolver=lambda *_: addresses).check("https://blog.example/hook")


@pytest.mark.parametrize("resolver", [lambda *_: [], lambda *_: (_ for _ in ()).throw(socket.gaierror(1, "gone"))])
def test_a_name_that_leads_nowhere_is_refused(resolver):
    with pytest.raises(BadAddress, match=r"blog\.example"):
        Outside(resolver=resolver).check("https://blog.example/hook")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("ftp://example.org/", "begin with http"),
        ("file:///etc/passwd", "begin with http"),
        ("//example.org/", "begin with http"),
        ("", "begin with http"),
        ("http://", "names no host"),
        ("http:///x", "names no host"),
        ("http://ann@example.org/", "no user and password"),
        ("http://ann:secret@example.org/", "no user and password"),
        ("http://example.org:0/", "port 0"),
        ("http://example.org:65536/", "no URL"),
        ("http://example.org:http/", "no URL"),
        ("http://[::1/", "no URL"),
        ("http://[v1.x]/", "is no host"),
        ("http://[fe80::1%25eth0]/", "is no host"),
        ("http://exa!mple.org/", "is no host"),
        ("http://exa mple.org/", "a space"),
        ("http://example.org\\@localhost/", "backslash"),
        ("http://example.org/\r\nHost: x", "control character"),
        ("http://example.org/\u202e", "control character"),
        ("http://example.org/ä", "percent-encoded"),
        ("http://exa%6dple.org/", "is no host"),
        (f"http://example.org/{'x' * MOST_URL}", "characters"),
    ],
)
def test_a_url_that_makes_no_sense_is_refused(url, said):
    with pytest.raises(BadAddress, match=said):
        take_apart(url)


def test_a_url_is_taken_apart():
    target = take_apart("https://Bücher.example:8443/a?b=c#d")
    assert (target.scheme, target.host, target.port, target.path) == (
        "https", "xn--bcher-kva.example", 8443, "/a?b=c",
    )  # fmt: skip
    assert target.name == "xn--bcher-kva.example:8443"
    assert take_apart("http://[2606:4700::1111]").name == "[2606:4700::1111]"


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("localhost", "http://localhost:8000/"),
        ("LOCALHOST:8000, 10.0.0.1", "http://localhost:8000/"),
        ("x,10.0.0.1", "http://10.0.0.1/"),
        ("[::1]:80", "http://[::1]/"),
        ("::1", "http://[::1]:8000/"),
    ],
)
def test_a_private_host_can_be_allowed(allowed, url):
    assert Outside(allowed).check(url)


@pytest.mark.parametrize("allowed", ["localhost:8001", "example.org", "host", "", "127.0.0.1"])
def test_what_is_not_named_is_not_allowed(allowed):
    with pytest.raises(BadAddress):
        Outside(allowed).check("http://localhost:8000/")


# -- Sending


def test_a_body_arrives_with_path_host_and_headers(receiver):
    assert post(receiver).taken
    (got,) = receiver.got
    assert (got.path, got.body) == ("/hook?for=hamlet", b"{}")
    assert (got.headers["host"], got.headers["x-of"]) == (receiver.host, "test")


def test_the_address_that_was_checked_is_connected_to_and_the_name_is_kept(receiver):
    asked = []

    def resolver(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    outside = Outside("blog.example", resolver)
    assert outside.post(f"http://blog.example:{receiver.port}/", b"", {}).status == 204
    assert (asked, receiver.got[0].headers["host"]) == (["blog.example"], f"blog.example:{receiver.port}")


def test_a_name_that_resolves_to_something_else_a_moment_later_is_refused_then(receiver):
    answers = [[PUBLIC], ["127.0.0.1"]]
    outside, url = Outside(resolver=lambda *_: answers.pop(0)), f"http://blog.example:{receiver.port}/"
    outside.check(url)
    with pytest.raises(BadAddress):
        outside.post(url, b"", {})
    assert receiver.got == []


def test_the_next_address_is_tried_if_one_does_not_answer(receiver):
    outside = Outside("blog.example", lambda *_: ["127.0.0.2", "127.0.0.1"])
    assert outside.post(f"http://blog.example:{receiver.port}/", b"", {}).status == 204


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(receiver, status):
    receiver.answers = [status]
    answered = post(receiver)
    assert (answered.status, answered.taken, len(receiver.got)) == (status, False, 1)


def test_nobody_listening_is_a_failure_in_words(receiver):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(NotTaken, match="refused"):
            Outside("127.0.0.1").post(f"http://127.0.0.1:{port}/", b"", {})


def test_a_receiver_that_keeps_silent_is_given_up(receiver, monkeypatch):
    monkeypatch.setattr(outgoing, "READ_SECONDS", 0.05)
    given_up = Event()
    receiver.answers = [lambda handler: given_up.wait(30) and None]
    with pytest.raises(NotTaken, match="in time"):
        post(receiver)
    given_up.set()


def test_a_receiver_that_trickles_is_broken_off(receiver, monkeypatch):
    monkeypatch.setattr(outgoing, "WHOLE_SECONDS", 0.1)

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
        for _ in range(3_000):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.01)

    receiver.answers = [trickle]
    with pytest.raises(NotTaken, match="longer than"):
        post(receiver)


def test_of_a_huge_answer_only_the_beginning_is_read(receiver):
    written = []

    def flood(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        try:
            written.extend(handler.wfile.write(b"x" * MOST_READ) for _ in range(2_000))
        except OSError:
            return

    receiver.answers = [flood]
    answered = post(receiver)
    assert (answered.taken, answered.said) == (True, "x" * SAID)
    assert len(written) < 2_000


def test_an_answer_cannot_speak_to_the_terminal(receiver):
    def colourful(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(500)
        handler.end_headers()
        handler.wfile.write(b"\x1b[31mno\n\nroom\xff")

    receiver.answers = [colourful]
    assert post(receiver).said == " [31mno room�"


@pytest.mark.parametrize(
    "junk", [b"SSH-2.0-OpenSSH\r\n", b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nX" * 20_000, b""]
)
def test_what_speaks_no_http_is_a_failure_in_words(receiver, junk):
    receiver.answers = [lambda handler: handler.wfile.write(junk) and None]
    with pytest.raises(NotTaken):
        post(receiver)


# -- TLS


@pytest.fixture
def tls(receiver, tmp_path, monkeypatch):
    """The receiver behind TLS, with a certificate for blog.example that this machine trusts."""
    certificate = Path(__file__).parent / "blog-example.pem"
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    receiver.over(context)
    return receiver


def test_a_certificate_is_checked_for_the_name_not_the_address(tls):
    outside = Outside("blog.example", lambda *_: ["127.0.0.1"])
    assert outside.post(f"https://blog.example:{tls.port}/", b"{}", {}).status == 204


@pytest.mark.parametrize("host", ["other.example", "127.0.0.1"])
def test_a_certificate_for_another_name_is_refused(tls, host):
    with pytest.raises(NotTaken, match="(?i)certificate"):
        Outside(host, lambda *_: ["127.0.0.1"]).post(f"https://{host}:{tls.port}/", b"{}", {})
    assert tls.got == []


def test_a_certificate_that_nobody_vouches_for_is_refused(tls, monkeypatch):
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(NotTaken, match="(?i)certificate"):
        Outside("blog.example", lambda *_: ["127.0.0.1"]).post(f"https://blog.example:{tls.port}/", b"{}", {})
