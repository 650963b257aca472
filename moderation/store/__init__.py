"""Where comments, verdicts and reviews are kept: the narrow interface, and the store that forgets on exit."""

from __future__ import annotations

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from moderation.comment import Comment
from moderation.errors import CommentNotFound
from moderation.verdict import Verdict

Digest = str


@dataclass(frozen=True, slots=True)
class Judged:
    """A site's comment with its digest and its verdict, to be kept."""

    site_id: int
    comment: Comment
    digest: Digest
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Checked:
    """A comment's id with us, its verdict, and whether the comment had been judged before."""

    id: str
    verdict: Verdict
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """What the site sent, once; a changed comment under the same id is another revision."""

    comment: Comment
    received_at: int
    """Milliseconds since 1970, UTC; so are all times in the store."""


@dataclass(frozen=True, slots=True)
class JudgedAt:
    """A verdict, when it was given and on which revision (from 1)."""

    verdict: Verdict
    revision: int
    judged_at: int


@dataclass(frozen=True, slots=True)
class Review:
    """What a person said of a comment."""

    outcome: str
    reviewer: str
    reviewed_at: int
    note: str | None = None


@dataclass(frozen=True, slots=True)
class History:
    """All that is kept of one comment, oldest first."""

    id: str
    external_id: str | None
    revisions: tuple[Revision, ...]
    verdicts: tuple[JudgedAt, ...]
    reviews: tuple[Review, ...]


class Store(Protocol):
    """What the use cases need of a store. Every method is one transaction."""

    def record(self, judged: Sequence[Judged]) -> list[Checked]:
        """Keep comments with their verdicts, all or none; raises ``StoreUnavailable`` if nothing was kept.

        A site id that exists gets a new revision, unless the newest one has the same digest: then that one's
        verdict is the answer.
        """
        ...

    def history(self, site_id: int, comment_id: str) -> History:
        """One comment, by our id or the site's own, with all that is kept of it; raises ``CommentNotFound``."""
        ...


def now_ms() -> int:
    """Milliseconds since 1970, UTC."""
    return time.time_ns() // 1_000_000


def new_id() -> str:
    """An id that sorts by time: 32 hex digits, the first 12 of them milliseconds."""
    return f"{now_ms():012x}{secrets.token_hex(10)}"


class MemoryStore:
    """A store that forgets on exit: tests and dry runs."""

    def __init__(self) -> None:
        self._by_id: dict[str, tuple[int, History]] = {}
        self._digests: dict[str, Digest] = {}
        self._external: dict[tuple[int, str], str] = {}

    def record(self, judged: Sequence[Judged]) -> list[Checked]:
        """See :class:`Store`."""
        return [self._record(one.site_id, one.comment, one.digest, one.verdict) for one in judged]

    def _record(self, site_id: int, comment: Comment, digest: Digest, verdict: Verdict) -> Checked:
        comment_id = self._external.get((site_id, comment.id)) if comment.id is not None else None
        if comment_id is not None and self._digests[comment_id] == digest:
            return Checked(comment_id, self._by_id[comment_id][1].verdicts[-1].verdict, repeated=True)
        if comment_id is None:
            comment_id = new_id()
            history = History(comment_id, comment.id, (), (), ())
        else:
            history = self._by_id[comment_id][1]
        revisions = (*history.revisions, Revision(comment, now_ms()))
        verdicts = (*history.verdicts, JudgedAt(verdict, len(revisions), now_ms()))
        self._by_id[comment_id] = site_id, replace(history, revisions=revisions, verdicts=verdicts)
        self._digests[comment_id] = digest
        if comment.id is not None:
            self._external[site_id, comment.id] = comment_id
        return Checked(comment_id, verdict)

    def history(self, site_id: int, comment_id: str) -> History:
        """See :class:`Store`."""
        comment_id = self._external.get((site_id, comment_id), comment_id)
        owner, history = self._by_id.get(comment_id, (None, None))
        if owner != site_id or history is None:
            raise CommentNotFound(comment_id)
        return history
