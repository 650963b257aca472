from __future__ import annotations

import pytest
from hypothesis import given

from moderation import links
from moderation.links import domain_of, email_domain, host_of, is_ip_host, path_words, registered_domain
from tests.moderation.strategies import any_text


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://www.Blog.Example.co.uk:80/a?b#c", "blog.example.co.uk"),
        ("example.com/path", "example.com"),
        ("//example.com", "example.com"),
        ("  https://example.com. ", "example.com"),
        ("http://ann:secret@example.com", "example.com"),
        ("http://[2001:db8::1]:8080/", "2001:db8::1"),
        ("hxxp://evil.ru/a", "evil.ru"),
        ("http://пример.рф", "пример.рф"),
        ("http://example.com:port", "example.com"),
        ("example.com/?next=http://other.org", "example.com"),
        ("", ""),
        ("http://", ""),
        ("/only/a/path", ""),
        ("http://[::1", ""),
    ],
)
def test_host_is_read_as_people_type_addresses(url, host):
    assert host_of(url) == host


def test_no_long_url_is_kept_in_memory():
    long = "http://long.example/" + "a" * 100_000
    assert host_of(long) == host_of(f"{long}b") == "long.example"
    before = links._host_of.cache_info().misses
    assert host_of(f"{long}c") == "long.example"
    assert links._host_of.cache_info().misses == before


@pytest.mark.parametrize(
    ("host", "domain"),
    [
        ("blog.example.co.uk", "example.co.uk"),
        ("a.b.example.com", "example.com"),
        ("example.com", "example.com"),
        ("localhost", "localhost"),
        ("co.uk", "co.uk"),
    ],
)
def test_registered_domain_is_one_below_the_public_suffix(host, domain):
    assert registered_domain(host) == domain


def test_domain_of_an_address_without_a_host_is_empty():
    assert domain_of("/about") == ""


def test_domain_of_a_bare_address_is_the_address():
    assert domain_of("http://192.0.2.7/x") == "192.0.2.7"


@pytest.mark.parametrize(
    ("host", "is_ip"),
    [("192.0.2.7", True), ("::1", True), ("1.2.3.example", False), ("1.2.3", False), ("a1.2.3.4", False), ("", False)],
)
def test_bare_addresses_are_told_from_names(host, is_ip):
    assert is_ip_host(host) is is_ip


def test_path_words_are_the_words_of_the_whole_address():
    words = path_words("https://www.best-casino.example/Free_Spins/index.html?q=win%20big")
    assert words == ["best", "casino", "example", "free", "spins", "index", "html", "win", "big"]


def test_path_words_stop_at_the_limit():
    assert path_words("example.com/" + "word/" * 50, limit=4) == ["example", "com", "word", "word"]


@pytest.mark.parametrize(
    ("email", "domain"),
    [("Ann@Example.ORG ", "example.org"), ("a@b@c.de", "c.de"), ("ann", ""), ("ann@", ""), ("", "")],
)
def test_email_domain_stands_behind_the_last_at(email, domain):
    assert email_domain(email) == domain


@given(any_text)
def test_no_address_raises(text):
    for url in (text, "http://" + text, "http://a." + text):
        assert len(domain_of(url)) <= len(host_of(url))
        assert all(len(word) > 1 for word in path_words(url))


@given(any_text)
def test_hosts_and_email_domains_are_lower_case(text):
    assert host_of(text) == host_of(text).lower()
    assert email_domain(text) == email_domain(text).lower()
