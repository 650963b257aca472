"""Signals: what each of them finds, and what it leaves alone."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import Author, Comment, Form, Parent, Post
from moderation.features import extract
from moderation.language import language_of
from moderation.past import HOUR, NOTHING, Campaign, Kind, Past, Record, as_written, traces_of
from moderation.signals import BY_CODE, SIGNALS, observe
from moderation.signals.look_alike import looks_like
from moderation.signals.signal import Found, Seen
from moderation.signals.standing import standing, told
from moderation.signals.trusted_author import sure_of
from moderation.text import as_text
from tests.builders import BITS, make_comment
from tests.conftest import ROOT
from tests.moderation.evidence import NOW, SECRET
from tests.moderation.strategies import any_comments, comments

HOUR_NOW = NOW // HOUR
KNOWN_SITE = Past({(Kind.SITE, ""): Record(0, 0, accepted=100)})


def see(comment: Comment, past: Past = NOTHING) -> Seen:
    """A comment as it arrived, now."""
    found = extract([comment], BITS)
    (codes,) = found.texts()
    return Seen(
        comment, as_written(found.links[0], comment.text), as_text(codes), language_of(comment, codes), NOW, past
    )


def find(code: str, text: str = "Hi", past: Past = NOTHING, **fields: Any) -> Found | None:
    return BY_CODE[code].find(see(make_comment(text, **fields), past))


def record(**counts: int) -> Record:
    return Record(0, NOW, **counts)


def past_of(**records: Record) -> Past:
    """A past with a record of some kinds of key."""
    return Past({(Kind(kind), "key"): one for kind, one in records.items()})


def domains(**records: Record) -> Past:
    """A past of domains: ``shop_example`` stands for shop.example."""
    return Past({(Kind.DOMAIN, name.replace("_", ".")): one for name, one in records.items()})


def form(**facts: Any) -> dict[str, Form]:
    return {"form": Form(**facts)}


def by(**facts: Any) -> dict[str, Author]:
    return {"author": Author(**facts)}


BAD, GOOD = record(rejected=5, spam=5), record(accepted=20, ham=20)
CAMPAIGN = Campaign("c", record(accepted=7))
LONG = "We talked about gardens and about tomatoes for a long while and then went home again in the rain"
TITLE = {"post": Post(title="Mounting a network share at boot")}
OLD = {"post": Post(published_at=datetime.fromtimestamp(NOW / 1000, UTC) - timedelta(days=400))}

FIRES: list[tuple[str, dict[str, Any]]] = [
    ("hidden-field", form(honeypot="http://x")),
    ("too-fast", form(seconds_to_submit=0.5)),
    ("too-fast", {**form(seconds_to_submit=4), "text": "long " * 100}),
    ("form-old", form(seconds_to_submit=90_000)),
    ("role", by(role="editor")),
    ("role", by(role=" Subscriber ")),
    ("author-record", {"past": past_of(email=BAD)}),
    ("author-record", {"past": past_of(ip=BAD)}),
    ("author-record", {"past": past_of(url=GOOD)}),
    ("trusted-author", {"past": past_of(email=GOOD)}),
    ("velocity", {"past": past_of(ip=record(hour=HOUR_NOW, in_hour=30))}),
    ("velocity", {"past": past_of(prefix=record(hour=HOUR_NOW, in_hour=90))}),
    ("near-copies", {"past": Past({}, CAMPAIGN)}),
    ("near-copies", {"past": Past({}, Campaign("c", BAD))}),
    ("near-copies", {"past": Past({}, Campaign("c", GOOD))}),
    ("link-count", {"text": "http://a.com http://b.com http://c.com"}),
    ("link-domain", {"text": "http://www.shop.example/x", "past": domains(shop_example=BAD)}),
    ("author-domain", {**by(url="blog.shop.example"), "past": domains(shop_example=BAD)}),
    ("new-domain", {"text": "http://new.example", "past": KNOWN_SITE}),
    ("shortener", {"text": "http://bit.ly/x"}),
    ("shortener", by(url="https://www.tinyurl.com/x")),
    ("ip-link", {"text": "http://192.0.2.1/x"}),
    ("ip-link", {"text": '<a href="http://[2001:db8::1]/">x</a>'}),
    ("anchor-mismatch", {"text": '<a href="http://evil.example/x">www.paypal.com</a>'}),
    ("look-alike-domain", {"text": "http://xn--pple-43d.com"}),
    ("look-alike-domain", by(url="http://раураl.com")),
    ("look-alike-domain", {"text": "see www.раураl.com."}),
    ("disposable-email", by(email="x@mailinator.com")),
    ("disposable-email", by(email="x@Sub.Mailinator.com")),
    ("keyword-name", by(name="best-pills.com")),
    ("keyword-name", by(name="cheap car loans", url="http://cheapcarloans.example")),
    ("keyword-name", by(name="The very best of all roofs", url="http://x.example")),
    ("old-post", OLD),
    ("foreign-language", {"text": "Привет, как дела сегодня", "past": KNOWN_SITE}),
    ("foreign-language", {"language": "DE-at", "past": KNOWN_SITE}),
    ("topic", {"text": LONG, **TITLE}),
    ("topic", {"text": "mount it, then boot", **TITLE}),
    ("topic", {"text": "those gardens", "parent": Parent(text="What of your gardens?")}),
    ("no-link-back", {"type": "trackback", "post": Post(url="https://blog.example/1"), "text": "x http://y.example"}),
]
SILENT: list[tuple[str, dict[str, Any]]] = [
    ("hidden-field", form(honeypot="  ")),
    ("too-fast", form(seconds_to_submit=3)),
    ("too-fast", form(seconds_to_submit=-5)),
    ("too-fast", {**form(seconds_to_submit=60), "text": "long " * 100}),
    ("form-old", form(seconds_to_submit=86_399)),
    ("form-old", form(seconds_to_submit=-1e300)),
    ("role", by(role="visitor")),
    ("role", by(role="")),
    ("author-record", {"past": past_of(email=record(accepted=1))}),
    ("author-record", {"past": past_of(email=record(held=50))}),
    ("author-record", {"past": past_of(name=BAD)}),
    ("trusted-author", {"past": past_of(email=record(ham=3))}),
    ("trusted-author", {"past": past_of(email=record(ham=20, spam=2))}),
    ("trusted-author", {"past": past_of(ip=GOOD)}),
    ("trusted-author", {"past": past_of(email=GOOD, url=record(spam=1))}),
    ("velocity", {"past": past_of(email=record(hour=HOUR_NOW, in_hour=5))}),
    ("velocity", {"past": past_of(email=record(hour=HOUR_NOW - 2, in_hour=500))}),
    ("velocity", {"past": past_of(site=record(hour=HOUR_NOW, in_hour=500))}),
    ("near-copies", {"past": Past({(Kind.EMAIL, "a"): record(accepted=7)}, CAMPAIGN)}),
    ("link-count", {"text": "http://a.com http://b.com"}),
    ("link-domain", {"text": "http://other.example", "past": domains(shop_example=BAD)}),
    (
        "link-domain",
        {"text": "http://shop.example", **by(url="http://shop.example"), "past": domains(shop_example=BAD)},
    ),
    ("author-domain", {**by(url="http://"), "past": domains(shop_example=BAD)}),
    ("new-domain", {"text": "http://new.example"}),
    ("new-domain", {"text": "no link", "past": KNOWN_SITE}),
    ("new-domain", {"text": "http://a.com", "past": Past({**KNOWN_SITE.records, (Kind.DOMAIN, "a.com"): GOOD})}),
    ("shortener", {"text": "http://youtu.be/x http://notbit.ly"}),
    ("ip-link", {"text": "http://example.com/192.0.2.1 and 10.0.0.1"}),
    ("anchor-mismatch", {"text": '<a href="http://www.paypal.com/x">paypal.com</a>'}),
    ("anchor-mismatch", {"text": '<a href="http://evil.example/x">click here</a>'}),
    ("anchor-mismatch", {"text": '<a href="http://xn--mnchen-3ya.de">www.münchen.de</a>'}),
    ("look-alike-domain", {"text": "http://münchen.de http://xn--mnchen-3ya.de http://пример.рф http://日本.jp"}),
    ("look-alike-domain", {"text": "http://xn--a.com http://xn--.com"}),
    ("disposable-email", by(email="x@gmail.com")),
    ("disposable-email", by(email="mailinator.com")),
    ("keyword-name", by(name="Ann Lee", url="http://annlee.example")),
    ("keyword-name", by(name="ann", url="http://ann.example")),
    ("keyword-name", by(name="Anna Maria Luisa de la Cruz")),
    ("old-post", {"post": Post(published_at=datetime.fromtimestamp(NOW / 1000, UTC) - timedelta(days=100))}),
    ("old-post", {"post": Post(published_at=datetime(9999, 12, 31, tzinfo=UTC))}),
    ("foreign-language", {"text": "Привет, как дела сегодня"}),
    ("foreign-language", {"text": "👍", "past": KNOWN_SITE}),
    ("topic", {"text": "Great, thanks!", **TITLE}),
    ("topic", {"text": LONG}),
    ("topic", {"text": LONG, "post": Post(title="This and that")}),
    ("no-link-back", {"type": "comment", "post": Post(url="https://blog.example/1")}),
    ("no-link-back", {"type": "pingback", "post": Post(url="https://blog.example/1"), "text": "http://blog.example/1"}),
    ("no-link-back", {"type": "pingback", "post": Post(url="http://[")}),
]


def ids(cases):
    return [f"{code}-{number}" for number, (code, _) in enumerate(cases)]


@pytest.mark.parametrize(("code", "facts"), FIRES, ids=ids(FIRES))
def test_a_signal_finds_what_it_looks_for(code, facts):
    found = find(code, **facts)
    assert found is not None
    assert found.strength != 0
    assert re.match(r"\w.*\w", found.message)


@pytest.mark.parametrize(("code", "facts"), SILENT, ids=ids(SILENT))
def test_a_signal_leaves_alone_what_is_no_evidence(code, facts):
    assert find(code, **facts) is None


def test_every_signal_is_tried_both_ways():
    codes = {signal.code for signal in SIGNALS}
    assert {code for code, _ in FIRES} == {code for code, _ in SILENT} == codes


@pytest.mark.parametrize("code", BY_CODE)
def test_a_missing_fact_is_no_evidence(code):
    assert find(code) is None
    assert find(code, author=Author(), post=Post(), parent=Parent(), form=Form()) is None


# -- The list


def test_every_signal_has_a_code_of_its_own():
    assert len(BY_CODE) == len(SIGNALS)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in BY_CODE)


def test_every_signal_says_what_it_looks_for():
    assert len({signal.about for signal in SIGNALS}) == len(SIGNALS)
    assert all(signal.about[0].islower() and not signal.about.endswith(".") for signal in SIGNALS)


def test_no_code_is_that_of_another_reason():
    assert not {"text", "words", "names", "phrases", "link", "author", "disguise", "rest", "rule", "mode",
                "flood", "campaign"} & set(BY_CODE)  # fmt: skip


def test_every_signal_is_documented_with_its_weight():
    page = (ROOT / "docs" / "signals.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| ([+−]\d+\.\d+) \|$", page, re.MULTILINE)
    told = [(code, about, float(weight.replace("−", "-"))) for code, about, weight in rows]
    assert told == [(one.code, one.about, one.weight) for one in SIGNALS]


def test_the_effect_is_the_weight_times_the_strength():
    seen = see(make_comment("http://a.com http://b.com http://c.com http://d.com", **form(honeypot="x")))
    effects = {one.signal.code: one.effect for one in observe(seen, SIGNALS, {"link-count": 3.0})}
    assert effects == {"hidden-field": 6.0, "link-count": 3.0}


def test_only_the_signals_asked_are_asked():
    assert observe(see(make_comment(**form(honeypot="x"))), [BY_CODE["too-fast"]], {}) == []


# -- How much


def strength(code: str, **facts: Any) -> float:
    found = find(code, **facts)
    return found.strength if found is not None else 0.0


def test_more_links_weigh_more_up_to_a_bound():
    some = [strength("link-count", text=" ".join(f"http://a{i}.com" for i in range(n))) for n in (3, 4, 8, 64, 640)]
    assert some == sorted(some)
    assert (some[1], some[2], some[-1]) == (1.0, 2.0, 4.0)


def test_a_members_role_weighs_less_than_the_staff_s():
    assert 0 < strength("role", **by(role="member")) < strength("role", **by(role="administrator"))


def test_trust_in_a_stranger_s_network_is_less():
    here, known = (Kind.EMAIL, "a"), (Kind.PREFIX, "p")
    facts = by(email="a@b.de", ip="192.0.2.1")
    assert strength("trusted-author", past=Past({here: GOOD, known: GOOD}), **facts) == 1.0
    assert strength("trusted-author", past=Past({here: GOOD, known: BAD}), **facts) == 0.3
    assert strength("trusted-author", past=Past({here: GOOD}), **facts) == 0.3


@pytest.mark.parametrize(("ham", "bad", "trusted"), [(0, 0, False), (7, 0, False), (8, 0, True), (8, 1, False),
                                                     (30, 1, True), (20, 2, False), (10**6, 0, True)])  # fmt: skip
def test_trust_is_lost_more_quickly_than_earned(ham, bad, trusted):
    assert (sure_of(ham, bad) >= 0.95) is trusted


def test_the_worst_of_an_author_s_records_counts():
    past = Past({(Kind.EMAIL, "a"): GOOD, (Kind.URL, "b"): BAD})
    assert strength("author-record", past=past) > 0


def test_an_ip_address_counts_half():
    assert strength("author-record", past=past_of(ip=BAD)) == pytest.approx(
        strength("author-record", past=past_of(email=BAD)) / 2, abs=1e-3
    )


def test_a_good_domain_lends_its_name_to_no_other():
    past = domains(good_example=GOOD, bad_example=BAD)
    assert strength("link-domain", text="http://good.example http://bad.example", past=past) > 0


def test_who_presses_twice_is_no_campaign():
    own = {(Kind.EMAIL, "a"): record(accepted=2)}
    assert find("near-copies", past=Past(own, Campaign("c", record(accepted=2)))) is None
    assert strength("near-copies", past=Past(own, Campaign("c", record(accepted=2, spam=1)))) > 0


def test_what_people_said_of_copies_decides_the_sign():
    assert strength("near-copies", past=Past({}, Campaign("c", GOOD))) < 0
    assert strength("near-copies", past=Past({}, Campaign("c", BAD))) > strength("near-copies", past=Past({}, CAMPAIGN))


def test_a_comment_on_its_topic_speaks_for_it():
    assert strength("topic", text="mount the share at boot", **TITLE) == -3.0


def test_a_domain_that_was_not_looked_up_is_not_called_new():
    known = {(Kind.DOMAIN, f"a{number}.com"): GOOD for number in range(10)}
    text = " ".join(f"http://a{number}.com" for number in range(50))
    assert find("new-domain", text=text, past=Past({**known, **KNOWN_SITE.records})) is None


def test_both_spellings_of_a_domain_have_one_record():
    past = domains(**{"xn--bcher-kva_de": BAD})
    for host in ("bücher.de", "xn--bcher-kva.de", "www.BÜCHER.de"):
        assert strength("link-domain", text=f"see http://{host}/x.", past=past) > 0
    assert find("link-domain", text="see http://bucher.de", past=past) is None


def test_a_form_that_lies_about_time_tells_no_more_than_one_sentence():
    assert len(find("form-old", **form(seconds_to_submit=1e308)).message) < 100


@pytest.mark.parametrize("host", ["münchen.de", "example.com", "пример.рф", "xn--", "xn--a", "日本.jp", "", "é" * 300])
def test_letters_of_their_own_look_like_nothing_else(host):
    assert looks_like(host) == ""


def test_a_look_alike_is_named_with_what_it_looks_like():
    assert looks_like("xn--pple-43d.com") == "apple.com"


# -- Standing


@pytest.mark.parametrize(
    ("counts", "sign"),
    [
        ({}, 0),
        ({"held": 9}, 0),
        ({"accepted": 9}, -1),
        ({"rejected": 9}, 1),
        ({"accepted": 9, "spam": 9}, 1),
        ({"rejected": 9, "ham": 9}, -1),
        ({"accepted": 2, "rejected": 2}, 0),
    ],
)
def test_what_people_said_outweighs_the_machine(counts, sign):
    assert math.copysign(1, standing(record(**counts))) * (standing(record(**counts)) != 0) == sign


@given(st.builds(Record, *[st.just(0)] * 2, *[st.integers(0, 10**9)] * 6))
def test_standing_is_bounded(one):
    assert -4 <= standing(one) <= 4
    assert told(one)


# -- Whatever comes


records = st.builds(Record, *[st.integers(0, 10**13)] * 2, *[st.integers(0, 10**6)] * 9)


@given(st.one_of(comments, any_comments), st.lists(records, min_size=30, max_size=30), st.booleans())
def test_any_comment_with_any_past_can_be_observed(comment, some, with_campaign):
    found = extract([comment], BITS)
    traces = traces_of(comment, found.links[0], "en", SECRET)
    past = Past(dict(zip(traces, some, strict=False)), Campaign("c", some[-1]) if with_campaign else None)
    for finding in observe(see(comment, past), SIGNALS, {}):
        assert math.isfinite(finding.effect)
        assert abs(finding.effect) <= 16
        assert finding.found.message
        assert all(0 <= start < end <= len(comment.text) for start, end in finding.found.spans)


HOSTILE = [
    make_comment(" ".join(f"http://a{number}.{number}.com" for number in range(10_000))),
    make_comment("Hi", author=Author(email="x@" + "a." * 200_000 + "com", name="n " * 200_000, url="u." * 200_000)),
    make_comment("Hi", author=Author(role="x" * 10**6, ip="1," * 10**5), language="l" * 10**6),
    make_comment("w " * 200_000, post=Post(title="t " * 200_000, url="http://[" * 10_000)),
]


@pytest.mark.parametrize("comment", HOSTILE, ids=["links", "author", "facts", "words"])
def test_a_huge_comment_is_observed(comment):
    # A step that is quadratic would take minutes here, and the suite with it.
    assert all(len(one.found.message) < 3_000 for one in observe(see(comment, KNOWN_SITE), SIGNALS, {}))
