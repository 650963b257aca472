"""Lists made for WordPress and AutoModerator: what becomes of each entry, and that nothing is lost without a word."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import BadRule
from moderation.rules import Action
from moderation.rules.automoderator import read_automoderator
from moderation.rules.wordpress import read_wordpress


def wordpress(text: str) -> list[tuple[str, str]]:
    return [(one.rule.kind.value, one.rule.value) for one in read_wordpress(text.encode(), Action.HOLD).mapped]


def rules_of(text: str) -> list[tuple[str, str, str]]:
    found = read_automoderator(text.encode())
    return [(one.rule.action.value, one.rule.kind.value, one.rule.value) for one in found.mapped]


def skipped(text: str) -> list[tuple[int, str, str]]:
    found = read_automoderator(text.encode())
    assert found.mapped == []
    return [(one.line, one.entry, one.why) for one in found.skipped]


# -- WordPress


@pytest.mark.parametrize(
    ("entry", "kind", "value"),
    [
        ("192.0.2.7", "ip", "192.0.2.7"),
        ("192.0.2.0/24", "ip", "192.0.2.0/24"),
        ("192.0.2.", "ip", "192.0.2.0/24"),
        ("192.0.2", "ip", "192.0.2.0/24"),
        ("5.188.", "ip", "5.188.0.0/16"),
        ("2001:db8::1", "ip", "2001:db8::1"),
        ("Spam@Bad.example", "email", "spam@bad.example"),
        ("@mail.ru", "email-domain", "mail.ru"),
        ("casino.com", "domain", "casino.com"),
        ("http://www.casino.com/", "domain", "casino.com"),
        ("http://casino.com/path", "regex", r"http\:\/\/casino\.com\/path"),
        ("viagra", "word", "viagra"),
        ("cheap pills", "word", "cheap pills"),
        ("便宜", "word", "便宜"),
        ("-casino", "regex", r"\-casino"),
        ("c++", "regex", r"c\+\+"),
        ("1.5", "regex", r"1\.5"),
        ("[url=", "regex", r"\[url\="),
    ],
)
def test_an_entry_becomes_the_narrowest_rule(entry, kind, value):
    assert wordpress(f"  {entry}  \r\n") == [(kind, value)]


def test_entries_keep_their_lines_and_empty_lines_are_none():
    found = read_wordpress("\ufeffviagra\n\n  \ncialis".encode(), Action.BLOCK)
    assert [(one.line, one.entry, one.rule.action) for one in found.mapped] == [
        (1, "viagra", "block"), (4, "cialis", "block"),
    ]  # fmt: skip


def test_an_entry_that_makes_no_sense_is_skipped_with_its_line():
    (one,) = read_wordpress(b"fine\n" + b"+" * 1_001, Action.HOLD).skipped
    assert (one.line, len(one.entry)) == (2, 80)
    assert "at most 1,000" in one.why


@given(st.text(max_size=60))
def test_every_entry_is_mapped_or_skipped(text):
    found = read_wordpress(text.encode("utf-8", "replace").replace(b"\0", b""), Action.HOLD)
    entries = [line for line in text.encode("utf-8", "replace").decode().replace("\0", "").splitlines() if line.strip()]
    lost = len(entries) - len(found.mapped) - len(found.skipped)
    assert lost in (0, 1)  # A byte order mark at the start is no entry.
    assert lost == 0 or text.startswith("\ufeff")


def test_a_megabyte_is_read():
    entries = "\n".join(f"-bad{i}word" if i % 2 else f"cheap{i} pills" for i in range(70_000))
    assert len(entries) > 1 << 20 or len(entries) > 900_000
    assert len(read_wordpress(entries.encode(), Action.HOLD).mapped) == 70_000


@pytest.mark.parametrize(
    ("raw", "said"),
    [
        (b"fine\nviagra\0", "not text"),
        (b"fine\n\xff\xfe", "line 2 is not UTF-8"),
        (b"x" * ((8 << 20) + 1), "at most"),
        (os.urandom(4_096) + b"\xff", "not text|UTF-8"),
    ],
)
@pytest.mark.parametrize("read", [lambda raw: read_wordpress(raw, Action.HOLD), read_automoderator])
def test_what_is_no_text_is_refused(read, raw, said):
    with pytest.raises(BadRule, match=said):
        read(raw)


@pytest.mark.parametrize("read", [lambda raw: read_wordpress(raw, Action.HOLD), read_automoderator])
def test_an_empty_file_holds_no_rules(read):
    found = read(b"")
    assert (found.mapped, found.skipped) == ([], [])


# -- AutoModerator


@pytest.mark.parametrize(
    ("action", "ours"),
    [("remove", "block"), ("spam", "block"), ("filter", "hold"), ("report", "hold"), ("approve", "allow")],
)
def test_actions_have_their_like(action, ours):
    assert rules_of(f"body: pills\naction: {action}") == [(ours, "word", "pills")]


@pytest.mark.parametrize(
    ("check", "kind", "value"),
    [
        ("domain: casino.com", "domain", "casino.com"),
        ("author: Bad_Guy", "name", "bad_guy"),
        ("author: {name: Bad_Guy}", "name", "bad_guy"),
        ("body: cheap pills", "word", "cheap pills"),
        ("title+body (includes-word): pills", "word", "pills"),
        ("body+title#2 (includes-word): pills", "word", "pills"),
        ("body: c++", "regex", r"(?:^|\W|\b)c\+\+(?:$|\W|\b)"),
        ("body (includes): pill", "regex", "pill"),
        ("body (starts-with): pill", "regex", "^pill"),
        ("body (ends-with): pill", "regex", "pill$"),
        ("body (full-exact): pill", "regex", "^pill$"),
        ("body (full-text): pill", "regex", r"^\W*pill\W*$"),
        ("body (includes, regex): 'pills?'", "regex", "(?s:(?:pills?))"),
        ("body (regex): 'pills?'", "regex", r"(?s:(?:^|\W|\b)(?:pills?)(?:$|\W|\b))"),
        ("body (includes, case-sensitive): PILL", "regex", "(?s-i:PILL)"),
        ("body: yes", "word", "yes"),
        ("body: 12", "word", "12"),
    ],
)
def test_checks_have_their_like(check, kind, value):
    assert rules_of(f"type: comment\n{check}\naction: remove") == [("block", kind, value)]


def test_a_list_becomes_a_rule_each_with_its_line_and_reason():
    found = read_automoderator(b'---\nbody:\n    - one\n    - two\naction: spam\naction_reason: "Why"\n---\n')
    assert [(one.line, one.rule.value, one.rule.note) for one in found.mapped] == [(3, "one", "Why"), (4, "two", "Why")]


def test_case_matters_where_it_is_asked_for():
    from tests.moderation.test_rules import RuleSet, seen_of

    (one,) = read_automoderator(b"body (includes, case-sensitive): PILL\naction: remove").mapped
    rules = RuleSet([one.rule.numbered(1)])
    assert (bool(rules.match(seen_of("PILLS"))), bool(rules.match(seen_of("pills")))) == (True, False)


@pytest.mark.parametrize(
    ("text", "line", "entry", "why"),
    [
        ("body: a\nauthor: b\naction: remove", 1, "the rule", "`body` and `author.name` together"),
        ("body: a\nauthor:\n    account_age: '< 2 days'\naction: remove", 1, "the rule", "together"),
        ("author:\n    comment_karma: '< 2'\naction: remove", 2, "author.comment_karma", "no kind of rule"),
        ("author (regex): a\naction: remove", 1, "author (regex)", "no kind of rule"),
        ("author:\n    name (regex): a\naction: remove", 2, "author.name (regex)", "no kind of rule"),
        ("~body: a\naction: remove", 1, "~body", "must not be there"),
        ("title: a\naction: remove", 1, "title", "no kind of rule"),
        ("type: submission\nbody: a\naction: remove", 1, "type: submission", "only comments"),
        ("type: [comment]\nbody: a\naction: remove", 1, "type: …", "only comments"),
        ("body: a\naction: nuke", 2, "action: nuke", "known are remove"),
        ("body: a\naction: [remove]", 2, "action: …", "known are remove"),
        ("body: a", 1, "the rule", "no action"),
        ("action: remove\ncomment: hi", 1, "the rule", "meet every comment"),
        ("body (fuzzy): a\naction: remove", 1, "body (fuzzy)", "unknown modifier fuzzy"),
        ("body: {a: b}\naction: remove", 1, "body", "neither a text nor a list"),
        ("body: [[a]]\naction: remove", 1, "body", "neither a text nor a list"),
        ("body!: a\naction: remove", 1, "body!", "cannot be read"),
        ("[a]: b\naction: remove", 1, None, "cannot be read|no kind"),
        ("- a\n- b", 1, "…", "a rule is a mapping"),
        ("just text", 1, "just text", "a rule is a mapping"),
        ("body (regex): 'x(?=y)'\naction: remove", 1, None, "does not compile"),
        ("body: ''\naction: remove", 1, None, "found in every text|empty"),
    ],
)
def test_what_cannot_be_taken_over_is_reported_with_its_line(text, line, entry, why):
    import re

    ((at, what, reason),) = skipped(f"---\n{text}")
    assert at == line + 1
    assert entry is None or what == entry
    assert re.search(why, reason)


def test_what_is_done_beside_is_left_out_and_reported():
    found = read_automoderator(b"body: a b\naction: remove\ncomment: Go away\npriority: 9")
    assert len(found.mapped) == 1
    assert [(one.line, one.entry) for one in found.ignored] == [(3, "comment"), (4, "priority")]


def test_one_bad_rule_leaves_the_others():
    found = read_automoderator(b"body: one\naction: remove\n---\nbody: x\n---\nbody: two\naction: filter")
    assert [one.rule.value for one in found.mapped] == ["one", "two"]
    assert [one.line for one in found.skipped] == [4]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("body: [a\naction: remove", "not YAML"),
        ("\tbody: a", "not YAML"),
        ("body: a\n\x01", "not YAML"),
        ("a: &a [x]\nbody: *a", r"line 2: aliases \(\*a\)"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]", "aliases"),
        ("body: " + "[" * 20 + "]" * 20, "levels deep"),
        ("body: " + "[" * 100_000, "levels deep"),
        ("- " * 50_000, "levels deep"),
    ],
)
def test_broken_and_hostile_yaml_is_refused(text, said):
    with pytest.raises(BadRule, match=said):
        read_automoderator(text.encode())


def test_nothing_is_constructed():
    assert rules_of("body: !!python/object/apply:os.system [a b]\naction: remove") == [("block", "word", "a b")]


def test_a_megabyte_of_yaml_is_read():
    text = "".join(f"body: [word{i} a, word{i} b]\naction: remove\n---\n" for i in range(21_000))
    raw = text.encode()[: 1 << 20].rpartition(b"---\n")[0]
    assert len(read_automoderator(raw).mapped) > 20_000


@given(st.text(max_size=80) | st.binary(max_size=80))
def test_any_file_is_read_or_refused(text):
    raw = text if isinstance(text, bytes) else text.encode("utf-8", "replace")
    try:
        found = read_automoderator(raw)
    except BadRule as error:
        assert str(error)
    else:
        assert found.mapped == [] or b"action" in raw
