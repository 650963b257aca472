"""What may become a rule, and what is said of what may not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import BadRule
from moderation.language import language_of
from moderation.rules import RuleKind, RuleSet
from moderation.rules.checked import MOST_REGEX, SCRIPTS, checked
from moderation.text import fold_batch
from tests.builders import make_comment
from tests.moderation.strategies import any_text


def value_of(kind: str, value: str | int) -> str:
    return checked("block", kind, value).value


@pytest.mark.parametrize(
    ("kind", "value", "kept"),
    [
        ("domain", "http://www.Casino.example:8080/", "casino.example"),
        ("domain", "*.casino.example", "casino.example"),
        ("domain", "bücher.example", "xn--bcher-kva.example"),
        ("domain", "ru", "ru"),
        ("domain", "рф", "xn--p1ai"),
        ("domain", "192.0.2.7", "192.0.2.7"),
        ("email", " A.nn+blog@GoogleMail.com", "ann@gmail.com"),
        ("email-domain", "@GoogleMail.com", "gmail.com"),
        ("ip", "192.0.2.7", "192.0.2.7"),
        ("ip", "192.0.2.7/24", "192.0.2.0/24"),
        ("ip", "192.0.2.0/255.255.255.0", "192.0.2.0/24"),
        ("ip", "2001:0DB8::1", "2001:db8::1"),
        ("ip", "::ffff:192.0.2.7", "192.0.2.7"),
        ("ip", "::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("name", "  Bad\tGUY ", "bad guy"),
        ("word", "Chéap, PILLS!", None),
        ("word", "Chéap, PILLS", "cheap pills"),
        ("word", "Gambl*", "gambl*"),
        ("word", "便宜*", "便宜"),
        ("word", "don’t", "don t"),
        ("regex", " a+ ", " a+ "),
        ("language", "EN_us", "en"),
        ("language", "Cyrillic", "cyrillic"),
        ("links", 3, "3"),
        ("links", "007", "7"),
        ("post-age", 0, "0"),
    ],
)
def test_a_value_is_kept_in_one_spelling(kind, value, kept):
    if kept is None:
        with pytest.raises(BadRule, match="use kind regex"):
            value_of(kind, value)
    else:
        assert value_of(kind, value) == kept


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        ("domain", "", "empty"),
        ("domain", "cheap pills", "give one such as casino.example"),
        ("domain", "viagraa", "or use kind word"),
        ("domain", "casino.example/path", "has a path"),
        ("domain", "10.0.0.0/8", "kind ip for a network"),
        ("domain", "ann@casino.example", "use kind email"),
        ("domain", "www.com", "would meet all of .com"),
        ("domain", "http://[::1", "is no domain"),
        ("domain", "a..example", "is no domain"),
        ("email", "ann", "use kind email-domain"),
        ("email", "@example.org", "is no e-mail address"),
        ("email", "ann@", "is no e-mail address"),
        ("email-domain", "a b", "is no domain of e-mail addresses"),
        ("ip", "192.0.2.7/33", "give one such as 192.0.2.7"),
        ("ip", "192.0.2", "is no address"),
        ("ip", "192.0.2.7, 10.0.0.1", "is no address"),
        ("ip", "fe80::1%eth0", "is no address"),
        ("ip", "0.0.0.0/0", "would meet everybody"),
        ("ip", "::/0", "would meet everybody"),
        ("ip", "::ffff:0.0.0.0/96", "would meet everybody"),
        ("name", "\t", "empty"),
        ("word", "c++", "use kind regex"),
        ("word", "...", "holds no word"),
        ("word", "*", "holds no word"),
        ("word", "a*b", "asterisk at the end"),
        ("word", "cheap *", "holds no word"),
        ("word", "a*", "at least 2 letters"),
        ("word", "casino.com", "use kind domain"),
        ("regex", "(", "does not compile"),
        ("regex", "x(?=y)", "without look-around"),
        (("regex"), r"(a)\1", "does not compile"),
        ("regex", "a{1000}{1000}", "does not compile"),
        ("regex", r"(\pL{100}){10}", "pattern too large"),
        ("regex", "((a{100}){100}){100}", "does not compile"),
        ("regex", "a*", "found in every text"),
        ("regex", "x" * (MOST_REGEX + 1), "at most 1,000"),
        ("language", "english", "such as en or ru"),
        ("links", 0, "from 1 to 1,000"),
        ("links", -1, "whole number"),
        ("links", "three", "whole number"),
        ("links", "٣", "whole number"),
        ("links", "9" * 300, "whole number"),
        ("post-age", 36_501, "from 0 to 36,500"),
        ("word", "a\0b", "control characters"),
        ("word", "\ud83d", "surrogate"),
        ("name", "x" * 301, "at most 300"),
    ],
)
def test_nonsense_is_refused_and_says_what_would_be_right(kind, value, said):
    with pytest.raises(BadRule, match=said.replace("(", r"\(").replace(")", r"\)")):
        value_of(kind, value)


@pytest.mark.parametrize(
    ("change", "at"),
    [
        ({"action": "maim"}, "$.action"),
        ({"kind": "shoe"}, "$.kind"),
        ({"expires_at": 5, "now": 5}, "$.expires_at"),
        ({"expires_at": 253_402_300_800_000}, "$.expires_at"),
        ({"note": "x" * 2_001}, "$.note"),
        ({"created_by": "\0"}, "$.created_by"),
    ],
)
def test_what_is_wrong_beside_the_value_is_named(change, at):
    with pytest.raises(BadRule) as caught:
        checked(**{"action": "block", "kind": "word", "value": "x", **change})
    assert caught.value.at == at


def test_the_scripts_are_those_that_comments_are_found_in():
    texts = [
        "latin letters",
        "Съешь ещё этих мягких булок",
        "Ξεσκεπάζω την ψυχοφθόρα",
        "我要便宜药丸吗吗吗",
        "هذا نص عربي",
    ]
    batch = fold_batch(texts)
    codes = [batch.codes[batch.bounds[i] + 1 : batch.bounds[i + 1]] for i in range(len(texts))]
    found = [language_of(make_comment(text), one) for text, one in zip(texts, codes, strict=True)]
    assert found == list(SCRIPTS)


hostile = any_text | st.text(max_size=40) | st.text("abc.*@:/%[]1024-", max_size=20)


@given(st.sampled_from(RuleKind), hostile)
def test_any_value_is_kept_or_refused_with_a_reason(kind, value):
    try:
        rule = checked("block", kind, value)
    except BadRule as error:
        assert str(error)
    else:
        assert RuleSet([rule.numbered(1)]).rules


@given(st.sampled_from(RuleKind), hostile)
def test_what_is_kept_is_kept_as_it_is_when_checked_again(kind, value):
    try:
        kept = value_of(kind, value)
    except BadRule:
        return
    assert value_of(kind, kept) == kept


@given(st.ip_addresses(), st.integers(1, 32))
def test_any_network_can_be_a_rule(address, length):
    kept = value_of("ip", f"{address}/{length}")
    assert value_of("ip", kept) == kept
