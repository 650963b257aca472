"""The comment: plain frozen data, and the one format it is sent, stored, imported and exported in.

These types are also what validates a request and what the OpenAPI document is generated from, so the format is
written down once. ``text`` is the only required field; a missing fact is ``None`` and never evidence.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import datetime
from math import isinf
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta, Struct

from moderation.errors import BadComment

MAX_ID = 255
JSONObject = dict[str, Any]


class Author(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who wrote the comment, as far as the site knows."""

    name: Annotated[str, Meta(description="Name as typed", examples=["Ann"])] | None = None
    email: Annotated[str, Meta(description="E-mail address as typed", examples=["ann@example.org"])] | None = None
    url: Annotated[str, Meta(description="Home page as typed", examples=["https://ann.example.org"])] | None = None
    ip: Annotated[str, Meta(description="Address the comment came from", examples=["192.0.2.7"])] | None = None
    user_agent: Annotated[str, Meta(description="User-Agent header of the commenter's browser")] | None = None
    role: Annotated[str, Meta(description="Role on the site, if signed in", examples=["editor"])] | None = None


class Post(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What the comment stands under."""

    url: str | None = None
    title: str | None = None
    published_at: datetime | None = None


class Parent(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The comment this one answers."""

    id: str | None = None
    text: str | None = None


class Form(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How the comment form was filled in."""

    honeypot: Annotated[str, Meta(description="Content of a field that people do not see")] | None = None
    seconds_to_submit: (
        Annotated[float, Meta(description="Seconds from the form's display to its submission")] | None
    ) = None


class Comment(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A comment as its site sent it. Never altered after storing."""

    text: Annotated[
        str, Meta(description="What the commenter wrote, with its markup", examples=["Thanks, step 3 fixed it."])
    ]
    id: (
        Annotated[
            str, Meta(min_length=1, max_length=MAX_ID, description="The site's own id; makes the request idempotent")
        ]
        | None
    ) = None
    type: Annotated[str, Meta(description="comment, reply, trackback, pingback, forum-post, contact-form …")] = (
        "comment"
    )
    submitted_at: datetime | None = None
    is_test: Annotated[bool, Meta(description="A trial: judged and stored, never counted or learnt from")] = False
    author: Author | None = None
    post: Post | None = None
    parent: Parent | None = None
    form: Form | None = None
    referrer: str | None = None
    language: Annotated[str, Meta(description="ISO 639-1 code", examples=["en"])] | None = None


class LabelledComment(Comment, frozen=True, kw_only=True, omit_defaults=True):
    """A comment with what people judged of it: a line of the seeds, of a corpus or of an export."""

    labels: Annotated[dict[str, float], Meta(description="Head to 0..1; a head not listed was not judged")] = (
        msgspec.field(default_factory=dict)
    )
    kind: Annotated[str, Meta(description="Sort of comment, for reading and balancing")] | None = None
    group: Annotated[str, Meta(description="Unit to split by: a video, an article")] | None = None


C = TypeVar("C", bound=Comment)

# What other tools call the same thing.
_ALIASES = {"lang": "language"}
_UNSENDABLE = str.maketrans(dict.fromkeys((0, *range(55296, 57344)), "�"))
_KNOWN: dict[type, dict[str, type | None]] = {}


def _fields(kind: type) -> dict[str, type | None]:
    """Field name to the struct it nests, if it does."""
    if kind not in _KNOWN:
        nested: dict[str, type | None] = {}
        for info in msgspec.structs.fields(kind):
            options = getattr(info.type, "__args__", (info.type,))
            structs = (t for t in options if isinstance(t, type) and issubclass(t, Struct))
            nested[info.encode_name] = next(structs, None)
        _KNOWN[kind] = nested
    return _KNOWN[kind]


def unknown_fields(data: JSONObject, kind: type = Comment, at: str = "") -> list[str]:
    """Paths of the fields in ``data`` that the format does not know; they are ignored."""
    known = _fields(kind)
    strange: list[str] = []
    for name, value in data.items():
        if name not in known:
            strange.append(at + name)
        elif isinstance(value, dict) and (nested := known[name]) is not None:
            strange.extend(unknown_fields(value, nested, f"{at}{name}."))
    return strange


def to_comment(data: object, kind: type[C] = Comment) -> C:  # type: ignore[assignment]  # C is Comment by default.
    """Turn decoded JSON into a comment, or raise :class:`BadComment` saying what is wrong and where."""
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `")
        raise BadComment(what, at.rstrip("`") or "$") from error
    except RecursionError as error:
        raise BadComment("nested too deeply") from error


def _clean(value: Any) -> Any:
    """Replace what no database and no UTF-8 can hold (NUL, lone surrogates) by U+FFFD."""
    if isinstance(value, str):
        return value.translate(_UNSENDABLE)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {_clean(name): _clean(item) for name, item in value.items()}
    return value


def decode_json(raw: bytes) -> tuple[Any, bool]:
    """Decode a JSON document; the flag tells that characters had to be replaced.

    A browser that cuts an emoji in half sends half of a surrogate pair. That is no reason to lose a comment: such
    characters become U+FFFD. Anything that is not JSON in UTF-8 is :class:`BadComment`.
    """
    try:
        data = msgspec.json.decode(raw)
    except UnicodeDecodeError as error:
        raise BadComment(f"not UTF-8: byte 0x{error.object[error.start]:02x}") from error
    except RecursionError as error:
        raise BadComment("nested too deeply") from error
    except msgspec.DecodeError as error:
        if b"\\ud" not in raw.lower():
            raise BadComment(f"not JSON: {error}") from error
        return _cleaned(_decode_with_surrogates(raw))
    if b"\\u0000" in raw:
        return _cleaned(data)
    return data, False


def _cleaned(data: Any) -> tuple[Any, bool]:
    try:
        clean = _clean(data)
        return clean, clean != data
    except RecursionError as error:
        raise BadComment("nested too deeply") from error


def _decode_with_surrogates(raw: bytes) -> Any:
    try:
        return json.loads(raw, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise BadComment("nested too deeply") from error
    except ValueError as error:
        raise BadComment(f"not JSON: {error}") from error


def _finite(text: str) -> float:
    number = float(text)
    if isinf(number):
        raise ValueError(f"{text} is out of range")
    return number


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _flat_author(data: JSONObject) -> JSONObject:
    """Corpora write the author's name and URL flat."""
    author, url = data.pop("author", None), data.pop("author_url", None)
    if isinstance(author, str):
        author = {"name": author}
    if url is not None and (author is None or isinstance(author, dict)):
        author = {**(author or {}), "url": url}
    return {**data, "author": author} if author is not None else data


def read_line(line: str | bytes, kind: type[C] = Comment) -> C:  # type: ignore[assignment]  # As above.
    """Read one line of the comment format (JSON lines)."""
    data, _ = decode_json(_clean(line).encode() if isinstance(line, str) else line)
    if not isinstance(data, dict):
        raise BadComment("a line must hold one JSON object")
    named: JSONObject = {_ALIASES.get(name) or name: value for name, value in data.items()}
    return to_comment(_flat_author(named), kind)


def write_line(comment: Comment) -> str:
    """The comment as one line of JSON, without the newline."""
    return msgspec.json.encode(comment).decode()


def content_digest(comment: Comment) -> str:
    """SHA-256 (hex) over everything but the site's id: equal digests are the same comment sent again."""
    return hashlib.sha256(msgspec.json.encode(msgspec.structs.replace(comment, id=None))).hexdigest()


def numbered(lines: Iterator[bytes], kind: type[C]) -> Iterator[tuple[int, C | BadComment]]:
    """Each non-empty line with its number from 1: a comment, or why it is none."""
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            yield number, read_line(line, kind)
        except BadComment as error:
            yield number, error
