"""Bodies as clients of Perspective send them: of any content type, packed or not, in JSON that may be careless.

The service reads JSON as its protocol buffers do: names in camelCase or snake_case, null for what is not set, and
names without quotes, single quotes and trailing commas as in JavaScript. Its own examples are written so.
"""

from __future__ import annotations

import json
import zlib
from typing import Annotated, Any, TypeVar

import msgspec
import pyjson5
from flask import request
from msgspec import Meta, Struct
from werkzeug.exceptions import RequestEntityTooLarge

from api.perspective.refusals import bad_json, bad_value, empty, invalid, too_long
from api.v1.bodies import whole_body
from moderation.comment import decode_json
from moderation.errors import BadComment

MOST_BYTES = 20_480
"""Of a comment's text, in UTF-8."""
MOST_NESTED = 100
_GZIP = 16 + zlib.MAX_WBITS
_LEVELS = 6
"""Objects in objects, as far as the format knows any."""
_BOM = b"\xef\xbb\xbf"
T = TypeVar("T")
Kind = str | int | None
"""A name of an enumeration, or its number."""


class Entry(Struct, frozen=True):
    """A text."""

    text: str | None = None
    type: Kind = None


class Pair(Struct, frozen=True, rename="camel"):
    """What a comment stands under and what it answers."""

    article: Entry | None = None
    parent_comment: Entry | None = None


class Context(Struct, frozen=True, rename="camel"):
    """What stands around a comment."""

    entries: tuple[Entry, ...] | None = None
    article_and_parent_comment: Pair | None = None


class Asked(Struct, frozen=True, rename="camel", kw_only=True):
    """What both calls have."""

    comment: Entry | None = None
    context: Context | None = None
    languages: tuple[str, ...] | str | None = None
    client_token: str | None = None
    session_id: str | None = None
    community_id: str | None = None


class Score(Struct, frozen=True):
    """A score; 0 is what clients leave out."""

    value: Annotated[float, Meta(ge=0, le=1)] | None = None
    type: Kind = None


class Span(Struct, frozen=True):
    """A part of a text, and its score."""

    begin: int
    end: int
    score: Score | None = None


def read_body() -> bytes:
    """The body as it was before it was packed."""
    raw = whole_body()
    packing = request.headers.get("Content-Encoding", "").strip().lower()
    if packing in ("", "identity"):
        return raw
    if packing not in ("gzip", "x-gzip"):
        raise bad_json(f"Content-Encoding {packing[:40]} is not known.")
    return _unpacked(raw, request.max_content_length or len(raw))


def _unpacked(raw: bytes, most: int) -> bytes:
    machine = zlib.decompressobj(_GZIP)
    try:
        body = machine.decompress(raw, most)
    except zlib.error:
        raise bad_json("The body is not what its Content-Encoding says.") from None
    if machine.unconsumed_tail:
        raise RequestEntityTooLarge
    if not machine.eof or machine.unused_data:
        raise bad_json("The body is not what its Content-Encoding says.")
    return body


def read_message(raw: bytes) -> dict[str, Any]:
    """A body as an object, with names in camelCase. None at all is a comment that is not there."""
    raw = raw.removeprefix(_BOM)
    if not raw.strip():
        return {}
    try:
        data, _ = decode_json(raw)
    except BadComment:
        data = _careless(raw)
    if not isinstance(data, dict):
        raise bad_json("Root element must be a message.")
    return data


def _careless(raw: bytes) -> Any:
    try:
        # Through the strict reader once more: it knows what to do with characters that cannot be stored.
        data = pyjson5.decode(raw.decode(), maxdepth=MOST_NESTED)
        return decode_json(json.dumps(data, ensure_ascii=False, allow_nan=False).encode())[0]
    except UnicodeDecodeError:
        raise bad_json("It is not encoded in UTF-8.") from None
    except pyjson5.Json5NestingTooDeep:
        raise bad_json("Nesting too deep.") from None
    except (pyjson5.Json5Exception, ValueError, OverflowError, BadComment):
        raise bad_json("Unable to parse it.") from None


def read_as(data: dict[str, Any], kind: type[T]) -> T:
    """An object as a request. Fields it does not know are passed over."""
    try:
        return msgspec.convert(_camel(data, _SNAKE), kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$.")
        raise bad_value(at.rstrip("`"), what) from None
    except OverflowError:
        raise bad_json("A number is out of range.") from None


_NAMES = (
    *("requestedAttributes", "scoreType", "scoreThreshold", "spanAnnotations", "doNotStore", "clientToken"),
    *("sessionId", "communityId", "articleAndParentComment", "parentComment"),
    *("attributeScores", "summaryScore", "spanScores"),
)
_SNAKE = {"".join(f"_{one.lower()}" if one.isupper() else one for one in name): name for name in _NAMES}


def _camel(value: Any, names: dict[str, str], levels: int = _LEVELS) -> Any:
    if not levels:
        return value
    if isinstance(value, list):
        return [_camel(one, names, levels - 1) for one in value]
    if not isinstance(value, dict):
        return value
    return {names.get(name, name): _camel(one, names, levels - 1) for name, one in value.items()}


def text_of(asked: Asked) -> str:
    """The text of a comment that can be scored."""
    comment = asked.comment
    if comment is None or not comment.text:
        raise empty()
    if len(comment.text.encode()) > MOST_BYTES:
        raise too_long()
    if comment.type in ("HTML", 2):
        raise invalid("Currently, only 'PLAIN_TEXT' comments are supported")
    if comment.type not in (None, "TEXT_TYPE_UNSPECIFIED", "PLAIN_TEXT", 0, 1):
        raise invalid("Unknown text type")
    if asked.context is not None and asked.context.entries and asked.context.article_and_parent_comment:
        raise invalid("Context can have either entries or article_and_parent_comment, but both fields were populated.")
    return comment.text


def languages_of(asked: Asked) -> tuple[str, ...]:
    """The languages a client names."""
    named = (asked.languages,) if isinstance(asked.languages, str) else asked.languages or ()
    return tuple(one for one in named if one.strip())
