"""Forms as clients send them, and as hostile ones would."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from api.akismet.form import MOST_FIELDS, codec_of
from moderation.errors import StoreUnavailable
from moderation.store.sql import SqlStore
from tests.akismet.conftest import BLOG, WORDPRESS
from tests.akismet.test_checking import newest
from tests.conftest import parts_of

FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def send(anonymous, site_key):
    """Posts a body to comment-check, after the fields that must be there."""

    def post(body=b"", content_type=FORM, *, endpoint="comment-check", query="", **given):
        must = urlencode({"api_key": site_key, "blog": BLOG, "user_ip": "192.0.2.7"}).encode()
        sent = must + b"&" + body
        return anonymous.post(f"/1.1/{endpoint}{query}", data=sent, content_type=content_type, **given)

    return post


@pytest.fixture
def text(app):
    """The text of the newest comment."""
    return lambda: newest(app).revisions[0].comment.text


# -- Charsets


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"comment_content=Jos%E9", f"{FORM}; charset=ISO-8859-1"),
        (b"comment_content=Jos%E9", f'{FORM}; charset="iso-8859-1"'),
        (b"comment_content=Jos\xe9", f"{FORM}; charset=latin1"),
        (b"comment_content=Jos%E9&blog_charset=ISO-8859-1", FORM),
        (b"comment_content=Jos%E9&charset=ISO-8859-1", FORM),
        (b"comment_content=Jos%C3%A9&blog_charset=ISO-8859-1", f"{FORM}; charset=UTF-8"),
        (b"comment_content=Jos%C3%A9", FORM),
        (b"comment_content=Jos\xc3\xa9", FORM),
        (b"comment_content=Jos%C3%A9&blog_charset=nonsense", f"{FORM}; charset=nonsense"),
    ],
)
def test_a_form_is_read_in_its_charset(send, text, body, content_type):
    assert send(body, content_type).data == b"false"
    assert text() == "José"


def test_latin_1_is_what_browsers_mean_by_it(send, text):
    send(b"comment_content=5+%80&blog_charset=ISO-8859-1")
    assert text() == "5 €"


@pytest.mark.parametrize(
    ("charset", "encoded"),
    [
        ("windows-1251", "Привет"),
        ("Shift_JIS", "こんにちは"),
        ("GBK", "你好"),
        ("KOI8-R", "Привет"),
        ("EUC-KR", "안녕"),
    ],
)
def test_other_charsets_are_read_too(send, text, charset, encoded):
    send(urlencode({"comment_content": encoded}, encoding=charset).encode(), f"{FORM}; charset={charset}")
    assert text() == encoded


def test_what_is_not_in_the_charset_is_replaced(send, text):
    assert send(b"comment_content=Jos%E9%00").status_code == 200
    assert text() == "Jos\ufffd\ufffd"


@pytest.mark.parametrize(
    "name",
    ["", "zlib", "rot13", "idna", "punycode", "unicode_escape", "utf-7", "base64", "../x", "a" * 100, "x\0y", "é"],
)
def test_what_is_no_charset_is_not_taken_for_one(name):
    assert codec_of(name) == ""


# -- Shapes


def test_of_a_field_sent_twice_the_last_counts(send, text):
    send(b"comment_content=first&comment_content=last")
    assert text() == "last"


@pytest.mark.parametrize(
    "body",
    [
        b"comment_context[]=a&comment_context[]=b",
        b"comment_context%5B0%5D=a&comment_context%5B1%5D=b",
        b"comment_context=a",
        b"comment_content[]=array",
        b"&&&===&%&%zz&=",
        b"honeypot_field_name=comment_content",
        b"honeypot_field_name=",
        b"comment_content=%26%23" + b"1" * 5_000 + b";",
        b"comment_content=" + b"<" * 100_000,
        b"comment_content=" + b"%5C'" * 50_000,
        b"comment_content=%3Ca+" + b"href+" * 50_000,
        b"comment_date_gmt=9999-12-31T23:59:59-23:59",
        b"comment_date_gmt=0001-01-01T00:00:00%2B23:59",
        b"comment_parent=" + b"9" * 10_000,
        b"comment_type=" + b"x" * 10_000,
        b"user_ip=nonsense&comment_author_email=nonsense&comment_author_url=http://[",
    ],
)
def test_an_odd_form_is_answered(send, body):
    assert send(body).data in (b"true", b"false")


def test_a_form_with_parts_is_read(anonymous, site_key, text):
    form = {"api_key": site_key, "blog": BLOG, "user_ip": "192.0.2.7", "comment_content": "José"}
    assert anonymous.post("/1.1/comment-check", data=form, content_type="multipart/form-data").data == b"false"
    assert text() == "José"


def test_a_long_comment_is_read_whole(send, text):
    send(b"comment_content=" + b"a+" * 150_000 + b"&POST_comment=" + b"a+" * 150_000)
    assert len(text()) == 300_000


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", ""])
def test_a_body_that_is_no_form_has_no_key(anonymous, content_type):
    answer = anonymous.post("/1.1/comment-check", data=b'{"api_key": "x"}', content_type=content_type)
    assert (answer.status_code, answer.data) == (200, b"invalid")


# -- Keys


def post(client, path, host="rest.akismet.com", **fields):
    form = {"blog": BLOG, "user_ip": "192.0.2.7", **fields}
    return client.post(path, data=form, headers={"Host": host})


@pytest.mark.parametrize("domain", ["rest.akismet.com", "REST.Akismet.com", "hamlet.example.org:8080", "localhost"])
@pytest.mark.parametrize("case", [str.lower, str.upper])
def test_the_key_may_be_the_host_s_first_label(anonymous, site_key, domain, case):
    assert post(anonymous, "/1.1/comment-check", f"{case(site_key)}.{domain}").data == b"false"


@pytest.mark.parametrize("name", ["api_key", "key"])
def test_the_key_may_be_in_the_form_or_the_query(anonymous, site_key, name):
    assert post(anonymous, "/1.1/comment-check", **{name: site_key}).data == b"false"
    assert post(anonymous, f"/1.1/comment-check?{name}={site_key}").data == b"false"


def test_a_key_that_is_sent_counts_before_the_host(anonymous, site_key):
    assert post(anonymous, "/1.1/comment-check", f"{site_key}.rest.akismet.com", api_key="x").data == b"invalid"


@pytest.mark.parametrize(
    "host", ["rest.akismet.com", "invalid_test_key.rest.akismet.com", "0123456789ab", "[::1]", "a b"]
)
def test_a_host_without_a_good_key_is_invalid(anonymous, host):
    assert post(anonymous, "/1.1/comment-check", host).data == b"invalid"


def test_a_key_elsewhere_is_none(anonymous, site_key):
    headers = {"Authorization": f"Bearer {site_key}"}
    assert anonymous.post("/1.1/comment-check", data={"blog": BLOG}, headers=headers).data == b"invalid"


# -- Methods


@pytest.mark.parametrize("endpoint", ["comment-check", "submit-spam", "submit-ham", "verify-key", "get-stats"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_only_post_is_taken(anonymous, site_key, stored, endpoint, method):
    query = urlencode({"api_key": site_key, "blog": BLOG, "user_ip": "192.0.2.7"})
    answer = anonymous.open(f"/1.1/{endpoint}?{query}", method=method)
    assert (answer.status_code, "POST" in answer.headers["Allow"]) == (405, True)
    assert answer.data not in (b"true", b"false")
    assert stored() == 0


# -- Failures


def assert_it_will_be_held(answer, status):
    assert (answer.status_code, answer.data) == (status, b"error")
    assert len(answer.headers["X-akismet-guid"]) == 32
    assert "X-akismet-pro-tip" not in answer.headers


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is full"), RuntimeError("a mistake")])
@pytest.mark.parametrize("endpoint", ["comment-check", "submit-spam"])
def test_a_failure_is_neither_spam_nor_ham(send, monkeypatch, error, endpoint):
    def fail(*_):
        raise error

    monkeypatch.setattr(SqlStore, "recall", fail)
    assert_it_will_be_held(send(b"comment_content=Hi", endpoint=endpoint, headers={"User-Agent": WORDPRESS}), 500)


def test_a_failure_is_no_bad_key(app, send, monkeypatch):
    def fail(*_):
        raise StoreUnavailable("the disk is full")

    monkeypatch.setattr(parts_of(app).sites, "of_key", fail)
    assert_it_will_be_held(send(endpoint="verify-key"), 500)


def test_too_many_fields_are_not_read(send, stored):
    assert_it_will_be_held(send(b"a&" * MOST_FIELDS), 413)
    assert stored() == 0


def test_a_body_over_the_limit_is_not_read(make_app):
    client = make_app(max_body=1_024).test_client()
    assert_it_will_be_held(client.post("/1.1/comment-check", data={"comment_content": "x" * 2_000}), 413)
