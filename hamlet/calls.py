"""The calls of the client for Python: what is sent and what is made of the answer, whoever carries it.

A call is a generator: it yields what is to be sent, or how long to wait, and is sent what came back. So the client that
waits and the one that is awaited share all but the waiting.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from random import uniform
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import msgspec

from hamlet.answers import BadItem, HamletRefused, HamletUnavailable, Page, Problem, Shown, Verdict
from moderation.comment import Comment

Outcome = Literal["ham", "spam", "abuse", "other"]
MOST_AT_ONCE = 1_000
"""Comments of one request; longer lists are sent in several."""
FIRST_WAIT, LONGEST_WAIT = 0.1, 2.0
"""Seconds between two tries, as long as the server names none."""
CHECK, SCORE = "/v1/comments", "/v1/score"
_AGAIN = frozenset((429, 502, 503, 504))
_STRANGE = "the answer is not Hamlet's"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be sent."""

    method: str
    path: str
    body: bytes | None
    left: float
    """Seconds until the call is given up: nothing is waited for longer."""


@dataclass(frozen=True, slots=True)
class Response:
    """What came back."""

    status: int
    body: bytes
    retry_after: str = ""


Reply = Response | Exception
Call = Generator[Request | float, Reply | None, T]
"""Yields what is to be sent, or seconds to wait; returns what the call is made for."""


@dataclass(frozen=True, slots=True)
class Calls:
    """The calls, each tried for so many seconds."""

    patience: float

    def judge(self, path: str, comment: Comment) -> Call[Verdict]:
        """Judge one comment."""
        return decoded((yield from self._ask("POST", path, comment)), Verdict)

    def judge_all(self, path: str, comments: Sequence[Comment]) -> Call[list[Verdict | BadItem]]:
        """Judge a list, in as many requests as it takes."""
        found: list[Verdict | BadItem] = []
        for first in range(0, len(comments), MOST_AT_ONCE):
            some = comments[first : first + MOST_AT_ONCE]
            answers = decoded((yield from self._ask("POST", path, some)), list[dict[str, Any]])
            if len(answers) != len(some):
                raise HamletUnavailable(_STRANGE)
            found += [_item(one, first) for one in answers]
        return found

    def show(self, comment_id: str) -> Call[Shown]:
        """Ask for all that is kept of a comment."""
        return decoded((yield from self._ask("GET", _place(comment_id))), Shown)

    def review(self, comment_id: str, outcome: Outcome, reviewer: str, note: str | None) -> Call[Shown]:
        """Say what a person said of a comment."""
        body = {"outcome": outcome, "reviewer": reviewer} | ({} if note is None else {"note": note})
        return decoded((yield from self._ask("POST", f"{_place(comment_id)}/reviews", body)), Shown)

    def page(self, after: int) -> Call[Page]:
        """Ask for the decisions behind a number."""
        return decoded((yield from self._ask("GET", f"/v1/decisions?after={after}&limit={MOST_AT_ONCE}")), Page)

    def _ask(self, method: str, path: str, body: Any = None) -> Call[bytes]:
        """The body of a good answer; asked again after a while if nobody answers, or nobody can."""
        content = None if body is None else _encoded(body)
        give_up, failures = time.monotonic() + self.patience, 0
        while True:
            reply = yield Request(method, path, content, max(give_up - time.monotonic(), FIRST_WAIT))
            if isinstance(reply, Response) and reply.status not in _AGAIN:
                return _taken(reply)
            failures += 1
            wait = pause(failures, reply)
            if time.monotonic() + wait >= give_up:
                raise _unavailable(reply)
            yield wait


def named(comment: Comment) -> Comment:
    """The comment with an id, by which it is known when it is sent again."""
    return comment if comment.id is not None else msgspec.structs.replace(comment, id=f"py-{uuid.uuid4().hex}")


def pause(failures: int, reply: Reply | None) -> float:
    """Seconds to wait: as long as the server says, else twice as long each time; with some chance in it."""
    told = reply.retry_after if isinstance(reply, Response) else ""
    if told.isascii() and told.isdigit():
        return float(told[:9]) + uniform(0, FIRST_WAIT)  # noqa: S311  # Chance, not a secret.
    return min(FIRST_WAIT * 2.0 ** min(failures - 1, 10), LONGEST_WAIT) * uniform(0.5, 1.0)  # noqa: S311


def _place(comment_id: str) -> str:
    # Dots, too: "/v1/comments/.." is another place.
    return f"{CHECK}/{quote(comment_id, safe='').replace('.', '%2E')}"


def _item(answer: dict[str, Any], first: int) -> Verdict | BadItem:
    if "problem" not in answer:
        return _converted(answer, Verdict)
    bad = _converted(answer, BadItem)
    return msgspec.structs.replace(bad, index=bad.index + first)


def _taken(response: Response) -> bytes:
    if 200 <= response.status < 300:
        return response.body
    if response.status >= 500:
        raise _unavailable(response)
    try:
        problem = msgspec.json.decode(response.body, type=Problem)
    except (msgspec.DecodeError, UnicodeDecodeError):
        problem = Problem(status=response.status)
    raise HamletRefused(response.status, problem)


def _unavailable(reply: Reply | None) -> HamletUnavailable:
    if isinstance(reply, Response):
        return HamletUnavailable(f"Hamlet answers with status {reply.status}")
    failure = HamletUnavailable(f"Hamlet does not answer: {reply or type(reply).__name__}")
    failure.__cause__ = reply
    return failure


def _encoded(body: Any) -> bytes:
    try:
        return msgspec.json.encode(body)
    except UnicodeEncodeError:  # Half an emoji; the server knows what to do with it.
        return json.dumps(msgspec.to_builtins(body)).encode()


def decoded(body: bytes, kind: type[T]) -> T:
    """An answer as what it should be; a proxy's page is no answer."""
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise HamletUnavailable(_STRANGE) from error


def _converted(data: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        raise HamletUnavailable(_STRANGE) from error
