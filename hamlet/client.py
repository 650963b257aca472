"""Hamlet for Python: ``Hamlet(url, key)``, and ``AsyncHamlet`` with the same calls to be awaited.

A call that gets no answer is made again, and for that a comment without an id gets one before it is first sent: the
server knows it by that id, so that it is never judged twice. When Hamlet cannot be reached for good,
``HamletUnavailable`` is raised: hold the comment.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any, Self, TypeVar, overload

import httpx

from hamlet.answers import (
    BadItem,
    Decided,
    HamletFailed,
    HamletRefused,
    HamletUnavailable,
    NotFromHamlet,
    Shown,
    Verdict,
)
from hamlet.calls import CHECK, SCORE, Call, Calls, Outcome, Reply, Request, Response, named
from hamlet.webhook import Decisions, Trial, Unknown, verify_webhook
from moderation.comment import Author, Comment, Form, Parent, Post
from moderation.verdict import Decision, Reason

__all__ = [
    "AsyncHamlet",
    "Author",
    "BadItem",
    "Comment",
    "Decided",
    "Decision",
    "Decisions",
    "Form",
    "Hamlet",
    "HamletFailed",
    "HamletRefused",
    "HamletUnavailable",
    "NotFromHamlet",
    "Outcome",
    "Parent",
    "Post",
    "Reason",
    "Shown",
    "Trial",
    "Unknown",
    "Verdict",
    "verify_webhook",
]

TIMEOUT, PATIENCE = 5.0, 15.0
"""Seconds: for each answer, and until a call is given up."""
T = TypeVar("T")


class Hamlet:
    """A site's Hamlet. One for the whole application: threads may share it."""

    def __init__(self, url: str, key: str, *, timeout: float = TIMEOUT, patience: float = PATIENCE) -> None:
        self._url, self._calls, self._timeout = _address(url), Calls(patience), timeout
        self._http = httpx.Client(headers=_headers(key))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"  # Not the key.

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Let the connections go."""
        self._http.close()

    @overload
    def check(self, comment: Comment) -> Verdict: ...
    @overload
    def check(self, comment: Sequence[Comment]) -> list[Verdict | BadItem]: ...
    def check(self, comment: Comment | Sequence[Comment]) -> Verdict | list[Verdict | BadItem]:
        """Judge and keep a comment, or some. The same id with the same content is never judged twice."""
        if isinstance(comment, Comment):
            return self._run(self._calls.judge(CHECK, named(comment)))
        return self._run(self._calls.judge_all(CHECK, [named(one) for one in comment]))

    @overload
    def score(self, comment: Comment) -> Verdict: ...
    @overload
    def score(self, comment: Sequence[Comment]) -> list[Verdict | BadItem]: ...
    def score(self, comment: Comment | Sequence[Comment]) -> Verdict | list[Verdict | BadItem]:
        """Judge a comment, or some; nothing is kept."""
        if isinstance(comment, Comment):
            return self._run(self._calls.judge(SCORE, comment))
        return self._run(self._calls.judge_all(SCORE, comment))

    def show(self, comment_id: str) -> Shown:
        """All that is kept of a comment, by the site's own id or Hamlet's."""
        return self._run(self._calls.show(comment_id))

    def review(self, comment_id: str, outcome: Outcome, *, reviewer: str = "api", note: str | None = None) -> Shown:
        """Tell what a person said of a comment; the newest counts."""
        return self._run(self._calls.review(comment_id, outcome, reviewer, note))

    def decisions(self, after: int = 0) -> Iterator[Decided]:
        """What was decided later, behind a number, oldest first; it ends where there is no more for now."""
        more = True
        while more:
            page = self._run(self._calls.page(after))
            yield from page.decisions
            after, more = page.next, page.more

    def _run(self, call: Call[T]) -> T:
        reply: Reply | None = None
        while True:
            try:
                step = call.send(reply)
            except StopIteration as done:
                found: T = done.value
                return found
            reply = None
            if isinstance(step, Request):
                reply = self._send(step)
            else:
                time.sleep(step)

    def _send(self, request: Request) -> Reply:
        try:
            return _reply(self._http.request(**_parts(self._url, request, self._timeout)))
        except httpx.RequestError as error:
            return error


class AsyncHamlet:
    """A site's Hamlet, awaited."""

    def __init__(self, url: str, key: str, *, timeout: float = TIMEOUT, patience: float = PATIENCE) -> None:
        self._url, self._calls, self._timeout = _address(url), Calls(patience), timeout
        self._http = httpx.AsyncClient(headers=_headers(key))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._url!r})"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._http.aclose()

    @overload
    async def check(self, comment: Comment) -> Verdict: ...
    @overload
    async def check(self, comment: Sequence[Comment]) -> list[Verdict | BadItem]: ...
    async def check(self, comment: Comment | Sequence[Comment]) -> Verdict | list[Verdict | BadItem]:
        """See :meth:`Hamlet.check`."""
        if isinstance(comment, Comment):
            return await self._run(self._calls.judge(CHECK, named(comment)))
        return await self._run(self._calls.judge_all(CHECK, [named(one) for one in comment]))

    @overload
    async def score(self, comment: Comment) -> Verdict: ...
    @overload
    async def score(self, comment: Sequence[Comment]) -> list[Verdict | BadItem]: ...
    async def score(self, comment: Comment | Sequence[Comment]) -> Verdict | list[Verdict | BadItem]:
        """See :meth:`Hamlet.score`."""
        if isinstance(comment, Comment):
            return await self._run(self._calls.judge(SCORE, comment))
        return await self._run(self._calls.judge_all(SCORE, comment))

    async def show(self, comment_id: str) -> Shown:
        """See :meth:`Hamlet.show`."""
        return await self._run(self._calls.show(comment_id))

    async def review(
        self, comment_id: str, outcome: Outcome, *, reviewer: str = "api", note: str | None = None
    ) -> Shown:
        """See :meth:`Hamlet.review`."""
        return await self._run(self._calls.review(comment_id, outcome, reviewer, note))

    async def decisions(self, after: int = 0) -> AsyncIterator[Decided]:
        """See :meth:`Hamlet.decisions`."""
        more = True
        while more:
            page = await self._run(self._calls.page(after))
            for one in page.decisions:
                yield one
            after, more = page.next, page.more

    async def _run(self, call: Call[T]) -> T:
        reply: Reply | None = None
        while True:
            try:
                step = call.send(reply)
            except StopIteration as done:
                found: T = done.value
                return found
            reply = None
            if isinstance(step, Request):
                reply = await self._send(step)
            else:
                await asyncio.sleep(step)

    async def _send(self, request: Request) -> Reply:
        try:
            return _reply(await self._http.request(**_parts(self._url, request, self._timeout)))
        except httpx.RequestError as error:
            return error


def _address(url: str) -> str:
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError(f"the address of Hamlet begins with http:// or https://, not {url!r}")
    return url.rstrip("/")


def _headers(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}", "Content-Type": "application/json", "User-Agent": "hamlet-python"}


def _parts(url: str, request: Request, timeout: float) -> dict[str, Any]:
    whole = {"method": request.method, "url": url + request.path, "content": request.body}
    return {**whole, "timeout": min(timeout, request.left)}


def _reply(response: httpx.Response) -> Response:
    return Response(response.status_code, response.content, response.headers.get("Retry-After", "").strip())
