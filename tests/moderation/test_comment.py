from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given

from moderation.comment import (
    Author,
    Comment,
    Form,
    LabelledComment,
    Parent,
    Post,
    content_digest,
    decode_json,
    numbered,
    read_line,
    to_comment,
    unknown_fields,
    write_line,
)
from moderation.errors import BadComment
from tests.builders import NOON, make_author, make_comment
from tests.moderation.strategies import comments, labelled_comments


def line(**fields: Any) -> bytes:
    return json.dumps({"text": "Nice post!", **fields}).encode()


@given(comments)
def test_a_comment_is_read_as_it_was_written(comment):
    assert read_line(write_line(comment)) == comment


@given(labelled_comments)
def test_a_labelled_comment_is_read_as_it_was_written(comment):
    assert read_line(write_line(comment), LabelledComment) == comment


@given(comments)
def test_a_comment_is_one_line(comment):
    assert "\n" not in write_line(comment)


def test_text_is_all_a_comment_needs():
    assert read_line(b'{"text": "hi"}') == Comment(text="hi")
    assert write_line(Comment(text="hi")) == '{"text":"hi"}'


def test_every_field_of_the_format_is_read():
    author = {"name": "Ann", "email": "a@b.c", "url": "u", "ip": "192.0.2.7", "user_agent": "x", "role": "editor"}
    post = {"url": "p", "title": "t", "published_at": "2026-01-05T12:00:00Z"}
    rest = {"parent": {"id": "1", "text": "q"}, "form": {"honeypot": "", "seconds_to_submit": 4.5}, "is_test": True}
    comment = read_line(line(author=author, post=post, **rest))
    assert comment.author == Author(**author)
    assert comment.post == Post(url="p", title="t", published_at=NOON)
    assert (comment.parent, comment.form, comment.is_test) == (
        Parent(id="1", text="q"),
        Form(honeypot="", seconds_to_submit=4.5),
        True,
    )


def test_a_time_keeps_its_zone():
    assert read_line(line(submitted_at="2026-01-05T13:00:00+01:00")).submitted_at == datetime(
        2026, 1, 5, 12, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("fields", "at"),
    [
        ({"text": 5}, "$.text"),
        ({"text": None}, "$.text"),
        ({"text": ["a"]}, "$.text"),
        ({"id": ""}, "$.id"),
        ({"id": 7}, "$.id"),
        ({"id": "x" * 256}, "$.id"),
        ({"type": None}, "$.type"),
        ({"submitted_at": "yesterday"}, "$.submitted_at"),
        ({"submitted_at": 1767614400}, "$.submitted_at"),
        ({"is_test": 1}, "$.is_test"),
        ({"is_test": "false"}, "$.is_test"),
        ({"author": 5}, "$.author"),
        ({"author": {"name": 5}}, "$.author.name"),
        ({"author": {"email": ["a"]}}, "$.author.email"),
        ({"author_url": 5}, "$.author.url"),
        ({"post": []}, "$.post"),
        ({"post": {"published_at": "soon"}}, "$.post.published_at"),
        ({"parent": "c1"}, "$.parent"),
        ({"form": {"seconds_to_submit": "4"}}, "$.form.seconds_to_submit"),
        ({"referrer": {}}, "$.referrer"),
        ({"lang": 5}, "$.language"),
    ],
)
def test_a_bad_field_is_named(fields, at):
    with pytest.raises(BadComment) as caught:
        read_line(line(**fields))
    assert caught.value.at == at


def test_a_bad_label_is_named():
    with pytest.raises(BadComment) as caught:
        read_line(line(labels={"spam": "yes"}), LabelledComment)
    assert caught.value.at == "$.labels[...]"


@pytest.mark.parametrize("data", [None, 5, "text", [], ["text"], {}, {"id": "1"}])
def test_what_is_no_comment_is_bad_as_a_whole(data):
    with pytest.raises(BadComment) as caught:
        to_comment(data)
    assert caught.value.at == "$"


def test_an_error_says_what_and_where():
    with pytest.raises(BadComment, match=r"Expected `str`, got `int` - at `\$\.text`"):
        read_line(b'{"text": 5}')


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"   ",
        b"hello",
        b'{"text": "a"',
        b"{'text': 'a'}",
        b'{"text": "a"} {}',
        b'{"text": "\x00"}',
        b'{"text": "\\ud800"',
        b'{"text": "\xff"}',
        b"\xff\xfe",
        '{"text": "a"}'.encode("utf-16"),
        b"[" * 100_000,
        b'["\\ud800",' + b"[" * 100_000,
    ],
    ids=lambda raw: repr(raw[:12]),
)
def test_what_is_no_json_in_utf8_is_refused(raw):
    with pytest.raises(BadComment):
        decode_json(raw)


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"5"])
def test_a_line_holds_one_object(raw):
    with pytest.raises(BadComment, match="one JSON object"):
        read_line(raw)


def test_bad_utf8_is_named_by_its_byte():
    with pytest.raises(BadComment, match="byte 0xff"):
        decode_json(b'{"text": "\xff"}')


@pytest.mark.parametrize("depth", [600, 900, 5_000])
@pytest.mark.parametrize("character", [b"a", b"\\u0000", b"\\ud800"])
def test_a_deep_document_is_read_or_refused(character, depth):
    with suppress(BadComment):
        decode_json(b'{"text": "%s", "x": %s%s}' % (character, b"[" * depth, b"]" * depth))


@pytest.mark.parametrize(
    ("escaped", "text"),
    [
        (b"a\\u0000b", "a\ufffdb"),
        (b"half \\ud83d", "half \ufffd"),
        (b"half \\UDE00".replace(b"\\U", b"\\u"), "half \ufffd"),
        (b"\\ud800\\u0000", "\ufffd\ufffd"),
    ],
)
def test_what_no_database_can_hold_is_replaced(escaped, text):
    data, replaced = decode_json(b'{"text": "%s"}' % escaped)
    assert data == {"text": text}
    assert replaced


def test_replacing_reaches_every_name_and_value():
    data, _ = decode_json(b'{"a\\u0000": [{"b": "\\ud800"}]}')
    assert data == {"a\ufffd": [{"b": "\ufffd"}]}


def test_a_pair_of_surrogates_is_one_character():
    assert decode_json(b'{"text": "\\ud83d\\ude00"}') == ({"text": "\N{GRINNING FACE}"}, False)


def test_an_escaped_backslash_before_u0000_is_not_replaced():
    assert decode_json(rb'{"text": "\\u0000"}') == ({"text": r"\u0000"}, False)


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e999"])
def test_a_number_that_is_none_is_refused(number):
    with pytest.raises(BadComment):
        read_line(b'{"text": "\\ud800", "form": {"seconds_to_submit": %s}}' % number)


def test_half_a_pair_in_a_string_is_replaced_as_in_bytes():
    assert read_line('{"text": "half \ud83d"}').text == "half \ufffd"


def test_lang_is_read_as_language():
    assert read_line(line(lang="de")).language == "de"


@pytest.mark.parametrize(
    ("fields", "author"),
    [
        ({"author": "Ann"}, Author(name="Ann")),
        ({"author_url": "u"}, Author(url="u")),
        ({"author": "Ann", "author_url": "u"}, Author(name="Ann", url="u")),
        ({"author": {"name": "Ann", "url": "v"}, "author_url": "u"}, Author(name="Ann", url="u")),
        ({"author": "Ann", "author_url": None}, Author(name="Ann")),
        ({"author": None}, None),
        ({"author": {}}, Author()),
    ],
)
def test_a_flat_author_is_read(fields, author):
    assert read_line(line(**fields)).author == author


@pytest.mark.parametrize(
    ("data", "strange"),
    [
        ({"text": "a"}, []),
        ({"text": "a", "colour": 1, "author": {"nmae": "x", "name": "y"}}, ["colour", "author.nmae"]),
        ({"post": {"a": {"b": 1}}, "form": None}, ["post.a"]),
        ({"labels": {}}, ["labels"]),
        ({"author": "Ann"}, []),
    ],
)
def test_unknown_fields_are_named_by_their_path(data, strange):
    assert unknown_fields(data) == strange


def test_a_labelled_comment_knows_more_fields():
    assert unknown_fields({"labels": {"spam": 1}, "kind": "x", "group": "y", "z": 1}, LabelledComment) == ["z"]


def test_unknown_fields_are_ignored():
    assert read_line(line(colour="red", author={"nmae": "Ann"})) == Comment(text="Nice post!", author=Author())


def test_a_comment_cannot_be_altered():
    with pytest.raises(AttributeError):
        make_comment().text = "other"  # type: ignore[misc]


@given(comments)
def test_the_digest_ignores_the_id(comment):
    assert content_digest(msgspec.structs.replace(comment, id="another")) == content_digest(comment)


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Nice post"},
        {"type": "reply"},
        {"submitted_at": NOON},
        {"is_test": True},
        {"author": make_author()},
        {"author": Author(name="Ann")},
        {"post": Post(url="p")},
        {"parent": Parent(id="c0")},
        {"form": Form(honeypot="x")},
        {"referrer": "r"},
        {"language": "en"},
    ],
)
def test_the_digest_ignores_nothing_else(change):
    assert content_digest(make_comment(**{"text": "Nice post!", **change})) != content_digest(
        make_comment("Nice post!")
    )


def test_numbering_goes_on_after_a_bad_line():
    lines = [b'{"text": "a"}\n', b"nonsense\n", b"\n", b'{"text": 5}\n', b'{"text": "b"}']
    found = list(numbered(iter(lines), Comment))
    assert [number for number, _ in found] == [1, 2, 4, 5]
    assert [type(read) for _, read in found] == [Comment, BadComment, BadComment, Comment]


def test_numbered_reads_the_kind_asked_for():
    ((_, comment),) = numbered(iter([line(labels={"spam": 1})]), LabelledComment)
    assert isinstance(comment, LabelledComment) and comment.labels == {"spam": 1.0}
