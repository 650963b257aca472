"""Traces and records: how comments are told to belong together, and what is counted."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import Author
from moderation.features import extract
from moderation.past import (
    DAY,
    HOUR,
    LISTED,
    MAX_DOMAINS,
    Kind,
    Outcome,
    Past,
    Record,
    address_of,
    as_written,
    domain_key,
    first_record,
    hashed,
    merged,
    milliseconds,
    moment,
    networks_of,
    plain_email,
    plain_name,
    plain_url,
    reviewed,
    traces_of,
)
from moderation.verdict import Decision
from tests.builders import BITS, make_author, make_comment
from tests.moderation.evidence import NOW, SECRET
from tests.moderation.strategies import any_text, comments, sendable

Text = any_text | sendable
NAMES = ("name", "email", "url", "ip", "user_agent", "role")


def traces(text: str = "", language: str = "", **author: str) -> list[tuple[Kind, str]]:
    comment = make_comment(text, author=Author(**author))
    return traces_of(comment, extract([comment], BITS).links[0], language, SECRET)


def keys(kind: Kind, text: str = "", **author: str) -> list[str]:
    return [key for found, key in traces(text, **author) if found is kind]


# -- E-mail addresses


@pytest.mark.parametrize(
    "email",
    [
        "ann@example.org",
        " ANN@Example.ORG ",
        "ann+blog@example.org",
        "ann+a+b@example.org",
        "Ann <ann@example.org>",
        "<ann@example.org>",
        "ann@example.org.",
        "ａｎｎ@example.org",
    ],
)
def test_an_e_mail_address_has_one_key_in_every_spelling(email):
    assert plain_email(email) == "ann@example.org"


@pytest.mark.parametrize("email", ["a.n.n@gmail.com", "ann@gmail.com", "Ann+x@GMail.com", "ann@googlemail.com"])
def test_gmail_has_no_dots(email):
    assert plain_email(email) == "ann@gmail.com"


def test_elsewhere_dots_tell_people_apart():
    assert plain_email("a.nn@example.org") != plain_email("ann@example.org")


@pytest.mark.parametrize("email", ["", "ann", "@", "@example.org", "ann@", "...@gmail.com", "a" * 600 + "@b.de", " "])
def test_what_is_no_e_mail_address_has_no_key(email):
    assert plain_email(email) == ""
    assert keys(Kind.EMAIL, email=email) == []


def test_a_local_part_may_begin_with_a_plus():
    assert plain_email("+tag@example.org") == "+tag@example.org"


def test_both_spellings_of_an_international_domain_are_one_key():
    assert plain_email("ann@bücher.example") == plain_email("ann@xn--bcher-kva.example")
    assert plain_url("https://bücher.example/a") == plain_url("xn--bcher-kva.example/a")
    assert domain_key("http://www.bücher.de") == domain_key("https://shop.xn--bcher-kva.de") == "xn--bcher-kva.de"


# -- Home pages and domains


@pytest.mark.parametrize(
    "url",
    [
        "https://ann.example.org/blog",
        "http://ann.example.org/blog/",
        "HTTP://WWW.ANN.example.org/blog?x=1#y",
        "ann.example.org/blog",
        "//ann.example.org/blog",
        " https://user@ann.example.org:8080/blog ",
    ],
)
def test_a_home_page_has_one_key_in_every_spelling(url):
    assert plain_url(url) == "ann.example.org/blog"


def test_two_slashes_in_a_path_are_no_scheme():
    assert plain_url("ann.example.org/a//b") == plain_url("http://ann.example.org/a//b")


@pytest.mark.parametrize("url", ["", " ", "http://", "http://[", "/", "?", "http://[::1", "//"])
def test_what_is_no_home_page_has_no_key(url):
    assert (plain_url(url), domain_key(url)) == ("", "")


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see http://bücher.de/x.", "http://bücher.de/x"),
        ("www.раураl.com", "www.раураl.com"),
        ("ü http://example.com.", "http://example.com"),
        ('<a href="http://bücher.de">ü</a>', "http://bücher.de"),
        ("[url=http://bücher.de]ü[/url]", "http://bücher.de"),
    ],
)
def test_a_link_is_read_as_it_was_written(text, url):
    (link,) = as_written(extract([make_comment(text)], BITS).links[0], text)
    assert link.url == url


@given(any_text)
def test_any_links_can_be_read_as_they_were_written(text):
    links = extract([make_comment(text)], BITS).links[0]
    assert [(one.start, one.end) for one in as_written(links, text)] == [(one.start, one.end) for one in links]


def test_a_domain_is_short_enough_to_keep():
    assert len(domain_key("http://" + "a" * 300 + ".com")) == 64


def test_a_domain_that_cannot_be_printed_is_none():
    assert domain_key("http://a\0b.com") == ""


def test_every_domain_is_looked_up_once_the_home_page_s_first():
    text = "http://a.com/1 http://www.a.com/2 https://b.a.com http://c.org"
    assert keys(Kind.DOMAIN, text, url="https://ann.example.org") == ["example.org", "a.com", "c.org"]


def test_of_ten_thousand_links_the_first_domains_are_looked_up():
    found = keys(Kind.DOMAIN, " ".join(f"http://a{number}.com" for number in range(10_000)))
    assert found == [f"a{number}.com" for number in range(MAX_DOMAINS)]


# -- IP addresses


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.1", "192.0.2.1"),
        (" 192.0.2.1:443 ", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
        ("2001:db8::1", "2001:db8::1"),
        ("[2001:DB8::1]:443", "2001:db8::1"),
        ('"[2001:db8::1]"', "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("198.51.100.7, 192.0.2.1", "192.0.2.1"),
        (", ,192.0.2.1,", "192.0.2.1"),
    ],
)
def test_an_address_is_read_in_any_spelling(text, address):
    assert str(address_of(text)) == address


@pytest.mark.parametrize(
    "text", ["", " ", ",", "unknown", "1.2.3", "1.2.3.4.5", "256.1.1.1", "[", "[]:1", ":::", "x" * 9_999, "１.2.3.4"]
)
def test_what_is_no_address_has_no_key(text):
    assert address_of(text) is None
    assert keys(Kind.IP, ip=text) == []


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "192.0.2.1, 127.0.0.1"])
def test_the_site_s_own_machine_is_nobody(text):
    assert address_of(text) is None


@pytest.mark.parametrize(("hops", "address"), [(0, "10.0.0.3"), (1, "10.0.0.2"), (2, "10.0.0.1"), (3, "192.0.2.1"),
                                               (4, "192.0.2.1"), (20, "192.0.2.1")])  # fmt: skip
def test_the_address_is_the_one_that_the_last_trusted_proxy_saw(hops, address):
    assert str(address_of("192.0.2.1, 10.0.0.1, 10.0.0.2, 10.0.0.3", hops)) == address


def test_what_stands_further_left_cannot_be_made_up():
    assert address_of("6.6.6.6, 192.0.2.1, 10.0.0.1", 1) == address_of("7.7.7.7, 192.0.2.1, 10.0.0.1", 1)


@pytest.mark.parametrize(
    ("text", "networks"),
    [
        ("192.0.2.77", ("192.0.2.77/32", "192.0.2.0/24")),
        ("2001:db8:1:2:3::4", ("2001:db8:1:2::/64", "2001:db8:1::/48")),
    ],
)
def test_an_address_has_a_home_and_a_neighbourhood(text, networks):
    assert networks_of(address_of(text)) == networks


# -- Names


@pytest.mark.parametrize("name", ["Ann Lee", " ANN   lee ", "Ａｎｎ\tLee", "ann\u00a0lee"])
def test_a_name_has_one_key_in_every_spelling(name):
    assert plain_name(name) == "ann lee"


def test_a_huge_name_is_cut():
    assert len(plain_name("ß" * 1_000_000)) == 200


# -- Traces


def test_an_author_leaves_a_trace_of_each_kind():
    found = traces("http://shop.example.com", "en", name="Ann", email="a@b.de", url="ann.example.org", ip="192.0.2.1")
    assert {kind for kind, _ in found} == set(Kind) - {Kind.CAMPAIGN}
    assert len(found) == 9


@pytest.mark.parametrize("author", [None, Author(), Author(name="", email="", url="", ip="")])
def test_a_field_that_is_missing_leaves_no_trace(author):
    assert traces_of(make_comment("Hi", author=author), (), "", SECRET) == [(Kind.SITE, "")]


def test_addresses_and_names_are_hashed():
    found = " ".join(key for kind, key in traces(name="Ann", email="ann@b.de", ip="192.0.2.1", url="http://ann.de/x"))
    assert not any(part in found for part in ("Ann", "ann@", "192.0.2", "/x"))


def test_keys_of_two_kinds_or_two_installations_cannot_be_compared():
    assert hashed(SECRET, Kind.EMAIL, "x") != hashed(SECRET, Kind.NAME, "x")
    assert hashed(SECRET, Kind.EMAIL, "x") != hashed(b"another secret", Kind.EMAIL, "x")


@given(st.builds(Author, **dict.fromkeys(NAMES, st.none() | Text)), st.integers(0, 20))
def test_any_author_leaves_traces_that_can_be_kept(author, hops):
    for kind, key in traces_of(make_comment(author=author), (), "", SECRET, hops):
        assert len(f"{kind}:{key}") <= 80
        assert key.isprintable()


@given(comments)
def test_any_comment_leaves_each_trace_once(comment):
    found = traces_of(comment, extract([comment], BITS).links[0], "", SECRET)
    assert len(found) == len(set(found))


def test_what_many_share_is_counted_and_not_listed():
    assert set(Kind) - LISTED == {Kind.PREFIX, Kind.LANGUAGE, Kind.SITE}


# -- Records


def at(hour: int, count: int = 1, decision: Decision = Decision.ACCEPT) -> Record:
    """Some comments in an hour, counted one after the other."""
    record = first_record(decision, hour * HOUR)
    for _ in range(count - 1):
        record = merged(record, first_record(decision, hour * HOUR))
    return record


@pytest.mark.parametrize(
    ("now", "rate"),
    [
        (100 * HOUR, 6),
        (100 * HOUR + HOUR // 2, 5),
        (101 * HOUR - 1, 4),
        (101 * HOUR, 4),
        (101 * HOUR + HOUR // 2, 2),
        (102 * HOUR - 1, 0),
        (102 * HOUR, 0),
        (99 * HOUR, 0),
        (0, 0),
    ],
)
def test_the_rate_glides_over_the_edge_of_an_hour(now, rate):
    record = merged(at(99, 2), at(100, 4))
    assert record.per_hour(now) == pytest.approx(rate, abs=1e-5)


def test_hours_further_apart_have_nothing_to_do_with_each_other():
    record = merged(at(97, 5), at(100, 1))
    assert (record.in_hour, record.before, record.accepted) == (1, 0, 6)


def test_a_backfill_counts_for_no_hour():
    record = merged(at(100, 3), first_record(Decision.REJECT, 100 * HOUR, live=False))
    assert (record.comments, record.rejected, record.per_hour(100 * HOUR)) == (4, 1, 3)


def test_a_record_sums_up():
    record = Record(0, 0, accepted=1, held=2, rejected=4, ham=8, spam=16, abuse=32)
    assert (record.comments, record.bad, record.reviewed) == (7, 48, 56)


counts = st.integers(0, 5)
record_st = st.builds(
    Record, *[st.integers(0, 10**13)] * 2, *[counts] * 6, hour=st.integers(1, 6), in_hour=counts, before=counts
)


@given(record_st, record_st)
def test_merging_does_not_ask_which_came_first(one, other):
    assert merged(one, other) == merged(other, one)


@given(st.lists(record_st, min_size=1, max_size=6), st.randoms(use_true_random=False))
def test_merging_in_any_order_gives_the_same(some: list[Record], shuffler: random.Random):
    def fold_up(records):
        total = records[0]
        for one in records[1:]:
            total = merged(total, one)
        return total

    shuffled = list(some)
    shuffler.shuffle(shuffled)
    assert fold_up(shuffled) == fold_up(some)
    assert fold_up(some).comments == sum(one.comments for one in some)
    assert fold_up(some).reviewed == sum(one.reviewed for one in some)


@pytest.mark.parametrize(
    ("before", "outcome", "judged"),
    [
        (None, Outcome.HAM, (3, 2, 0)),
        (Outcome.HAM, Outcome.HAM, (2, 2, 0)),
        (Outcome.HAM, Outcome.SPAM, (1, 3, 0)),
        (Outcome.SPAM, Outcome.OTHER, (2, 1, 0)),
        (Outcome.OTHER, Outcome.ABUSE, (2, 2, 1)),
        (Outcome.ABUSE, Outcome.OTHER, (2, 2, 0)),
    ],
)
def test_a_review_takes_the_place_of_the_one_before(before, outcome, judged):
    record = reviewed(Record(0, 0, ham=2, spam=2), before, outcome)
    assert (record.ham, record.spam, record.abuse) == judged


def test_a_past_finds_records_by_kind():
    one, two = at(1), at(2)
    past = Past({(Kind.EMAIL, "a"): one, (Kind.DOMAIN, "b"): two, (Kind.DOMAIN, "c"): one})
    assert (past.one(Kind.EMAIL), past.one(Kind.IP)) == (one, None)
    assert past.of(Kind.DOMAIN) == [("b", two), ("c", one)]


# -- Times


def when(time: datetime | None) -> tuple[int, bool]:
    return moment(make_comment(submitted_at=time), NOW)


def clock(offset: timedelta = timedelta()) -> datetime:
    return datetime.fromtimestamp(NOW / 1000, UTC) + offset


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        (None, (NOW, True)),
        (clock(), (NOW, True)),
        (clock(timedelta(hours=5)), (NOW, True)),
        (clock(-timedelta(hours=5)), (NOW - 5 * HOUR, True)),
        (clock(-timedelta(days=1)), (NOW - DAY, False)),
        (clock(-timedelta(days=400)), (NOW - 400 * DAY, False)),
        (datetime(1, 1, 1, tzinfo=UTC), (0, False)),
        (datetime(1969, 12, 31, tzinfo=UTC), (0, False)),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), (NOW, True)),
    ],
)
def test_when_a_comment_was_written(time, expected):
    assert when(time) == expected


def test_a_time_without_a_zone_is_utc():
    naive = clock(-timedelta(hours=1)).replace(tzinfo=None)
    assert when(naive) == (NOW - HOUR, True)


def test_a_time_of_another_zone_is_the_same_moment():
    assert when(clock(-timedelta(hours=1)).astimezone(timezone(timedelta(hours=9)))) == (NOW - HOUR, True)


@given(st.datetimes(timezones=st.none() | st.timezones()))
def test_any_time_can_be_told_in_milliseconds(time):
    moved = make_comment(submitted_at=time)
    assert 0 <= moment(moved, NOW)[0] <= NOW
    assert isinstance(milliseconds(time), int)


def test_the_author_of_the_builders_leaves_traces():
    assert keys(Kind.EMAIL, email=make_author().email) == [hashed(SECRET, Kind.EMAIL, "ann@example.org")]
