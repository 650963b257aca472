"""What Hamlet answers to the client for Python, and what is raised when it does not."""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from moderation.comment import Comment
from moderation.verdict import Decision, Reason


class Verdict(Struct, frozen=True, kw_only=True):
    """A judged comment."""

    decision: Decision
    scores: dict[str, float]
    reasons: tuple[Reason, ...] = ()
    baseline: dict[str, float] = {}
    id: str = ""
    """Hamlet's id; empty if nothing was kept."""
    external_id: str | None = None
    """The site's own id, or the one that was made for it."""
    model: str = ""
    policy: str = ""
    repeated: bool = False
    """The same comment had been judged before; this is the first verdict."""
    shadowed: Decision | None = None
    """In shadow mode: what would have been decided."""
    warnings: tuple[str, ...] = ()


class Fault(Struct, frozen=True):
    """One thing that is wrong with a request."""

    what: str
    at: str = "$"


class Problem(Struct, frozen=True, kw_only=True):
    """Why something was refused."""

    type: str = ""
    title: str = ""
    status: int = 0
    detail: str = ""
    errors: tuple[Fault, ...] = ()


class BadItem(Struct, frozen=True, kw_only=True):
    """A comment of a list that was not taken; the others were."""

    index: int
    problem: Problem


class Revision(Struct, frozen=True, kw_only=True):
    """What the site sent, and when."""

    number: int
    received_at: datetime
    comment: Comment


class VerdictShown(Struct, frozen=True, kw_only=True):
    """A verdict, when it was given and on which revision."""

    revision: int
    judged_at: datetime
    decision: Decision
    scores: dict[str, float]
    reasons: tuple[Reason, ...] = ()
    baseline: dict[str, float] = {}
    model: str = ""
    policy: str = ""


class ReviewShown(Struct, frozen=True, kw_only=True):
    """What a person said."""

    outcome: str | None
    """None: an earlier review was taken back."""
    reviewer: str
    reviewed_at: datetime
    note: str | None = None


class Shown(Struct, frozen=True, kw_only=True):
    """All that is kept of one comment, oldest first."""

    id: str
    external_id: str | None
    revisions: tuple[Revision, ...]
    verdicts: tuple[VerdictShown, ...]
    reviews: tuple[ReviewShown, ...]


class Decided(Struct, frozen=True, kw_only=True):
    """What to do with a comment from now on. For one comment the highest number counts."""

    number: int
    id: str
    external_id: str | None
    decision: Decision
    outcome: str | None
    decided_by: str
    decided_at: datetime


class Page(Struct, frozen=True):
    """Some of what was decided, and where to read on."""

    decisions: tuple[Decided, ...]
    next: int
    more: bool


class HamletFailed(Exception):
    """A call that came to nothing."""


class HamletUnavailable(HamletFailed):
    """Hamlet cannot be reached, or cannot answer now. Hold the comment, and send it again later."""


class HamletRefused(HamletFailed):
    """Hamlet will not take what was sent: another try would not help."""

    def __init__(self, status: int, problem: Problem) -> None:
        super().__init__(problem.detail or problem.title or f"status {status}")
        self.status, self.problem = status, problem

    @property
    def kind(self) -> str:
        """The sort of failure, such as ``comment-not-found``."""
        return self.problem.type.rpartition("#")[2]


class NotFromHamlet(HamletFailed):
    """A webhook whose signature is missing, wrong or too old."""
