"""``/batch``: many calls in one request, as Google's client for Python packs them."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator
from http import HTTPStatus
from urllib.parse import parse_qs

from flask import Blueprint, Response, request

from api.perspective.access import key_of_request, site_of
from api.perspective.answers import JSON, Answer, answer_failure
from api.perspective.operations import OPERATIONS, perform
from api.perspective.payload import read_body
from api.perspective.refusals import invalid, method_not_allowed, not_found

bp = Blueprint("batch", __name__)
MOST_CALLS = 1_000
_BLANK = re.compile(rb"\r?\n\r?\n")
_ID = re.compile(rb"^content-id:\s*<([\x20-\x3b=\x3f-\x7e]{1,200})>", re.IGNORECASE | re.MULTILINE)
_KEY = re.compile(rb"^x-goog-api-key:[ \t]*(\S+)", re.IGNORECASE | re.MULTILINE)


@bp.post("/batch")
def batch() -> Response:
    """Answer every call by itself, in their order."""
    key = key_of_request()
    if key:
        site_of(key)  # A wrong key of the whole is wrong for all.
    boundary = f"batch_{secrets.token_hex(16)}"
    parts = [_part(part, key) for part in _parts(read_body())]
    body = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), part) for part in parts)
    content_type = f"multipart/mixed; boundary={boundary}"
    return Response(body + b"--%s--\r\n" % boundary.encode(), content_type=content_type)


def _parts(body: bytes) -> Iterator[bytes]:
    boundary = request.mimetype_params.get("boundary", "")
    if request.mimetype != "multipart/mixed" or not boundary:
        raise invalid("The batch must be multipart/mixed and name its boundary.")
    found = (b"\n" + body).split(b"\n--" + boundary.encode(), MOST_CALLS + 1)[1:]
    if len(found) > MOST_CALLS and not found[MOST_CALLS].startswith(b"--"):
        raise invalid(f"The batch has more than {MOST_CALLS} calls.")
    for part in found:
        if part.startswith(b"--"):
            return
        yield part


def _part(part: bytes, key: str) -> bytes:
    """A call, named by its id, and its answer."""
    head, _, call = _halves(part)
    named = _ID.search(head)
    answer = _call(call, key)
    told = b"Content-Type: application/http\r\n"
    if named is not None:
        told += b"Content-ID: <response-%s>\r\n" % named[1]
    status = f"HTTP/1.1 {answer.status} {HTTPStatus(answer.status).phrase}\r\n"
    headers = {"Content-Type": JSON, "Content-Length": str(len(answer.body)), **answer.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return told + b"\r\n" + (status + lines).encode() + b"\r\n" + answer.body


def _call(call: bytes, key: str) -> Answer:
    head, _, body = _halves(call.lstrip())
    method, _, rest = head.partition(b" ")
    path, _, query = rest.partition(b" ")[0].decode("latin-1").partition("?")
    name = path.rpartition("/")[2].replace("%3A", ":").replace("%3a", ":")
    if name not in OPERATIONS:
        return answer_failure(not_found())
    if method != b"POST":
        return answer_failure(method_not_allowed())
    in_header = _KEY.search(head)
    own = parse_qs(query).get("key", [""])[0] or (in_header[1].decode("latin-1") if in_header else "")
    return perform(name, own.strip() or key, body.strip())


def _halves(message: bytes) -> tuple[bytes, bytes, bytes]:
    """Head and body of a message, and the blank line between them."""
    blank = _BLANK.search(message)
    if blank is None:
        return message, b"", b""
    return message[: blank.start()], blank[0], message[blank.end() :]
