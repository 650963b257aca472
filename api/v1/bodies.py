"""Bodies of requests and answers: JSON in, JSON out, one way for all calls."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from flask import Response, request
from werkzeug.exceptions import RequestEntityTooLarge

from api.problems import Refused
from moderation.comment import MAX_ID, decode_json
from moderation.errors import BadComment, CommentNotFound

_encode = msgspec.json.Encoder().encode
T = TypeVar("T")


def read_json() -> tuple[Any, bool]:
    """The body, decoded; the flag tells that characters had to be replaced."""
    if request.mimetype != "application/json" and not request.mimetype.endswith("+json"):
        got = request.mimetype or "none"
        raise Refused(415, "unsupported-media-type", f"the body must be application/json, the Content-Type is {got}")
    body = whole_body()
    try:
        return decode_json(body)
    except BadComment as error:
        raise Refused(400, "malformed-json", str(error)) from error


def whole_body() -> bytes:
    """The body as it was sent, if it is within the limit."""
    body = request.get_data(cache=False)
    if request.content_length is None and len(body) >= (request.max_content_length or len(body) + 1):
        raise RequestEntityTooLarge  # A chunked body is cut at the limit, without a word.
    return body


def read_as(kind: type[T]) -> T:
    """The body as a struct; raises :class:`Refused`, which says what is wrong and where."""
    data, _ = read_json()
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `")
        raise Refused(422, "invalid-request", f"{what} - at `{at.rstrip('`') or '$'}`") from error


def whole(text: str, digits: int) -> int | None:
    """A whole number of at most so many digits; None: it is none. Of very many Python itself makes an error."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= digits else None


def number_asked(name: str, default: int, most: int) -> int:
    """A number of the query string, 0 or more."""
    text = request.args.get(name)
    if text is None:
        return default
    number = whole(text, 10)
    if number is None or number > most:
        raise Refused(422, "invalid-request", f"`{name}` is a whole number up to {most:,}, got {text[:50]!r}")
    return number


def possible_id(comment_id: str) -> str:
    """An id from a path; what can be no id is found nowhere."""
    if "\0" in comment_id or len(comment_id) > MAX_ID:
        raise CommentNotFound(comment_id[:MAX_ID])
    return comment_id


def answer_json(body: Any, status: int = 200) -> Response:
    """Data as an answer."""
    return Response(_encode(body), status, content_type="application/json")
