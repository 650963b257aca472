"""What version 1 of the API answers. The OpenAPI document is generated from these types."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from api.problems import Problem
from moderation.comment import Comment
from moderation.past import Outcome
from moderation.store import History, JudgedAt
from moderation.verdict import Decision, Reason, Verdict

OurId = Annotated[str, Meta(description="Hamlet's id of the comment: 32 hex digits that sort by time")]
Scores = Annotated[dict[str, float], Meta(description="Calibrated probability of each head", examples=[{"spam": 0.02}])]
Baseline = Annotated[
    dict[str, float],
    Meta(description="Log-odds before any evidence, for each head that the reasons speak of"),
]
Warnings = Annotated[tuple[str, ...], Meta(description="What was ignored or replaced in the request")]


class Answer(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A judged comment."""

    id: OurId | UnsetType = UNSET
    external_id: Annotated[str, Meta(description="The site's own id, if it sent one")] | UnsetType | None = UNSET
    decision: Decision
    shadowed: (
        Annotated[Decision, Meta(description="In shadow mode: what would have been answered, where that is not accept")]
        | UnsetType
    ) = UNSET
    scores: Scores
    baseline: Baseline
    reasons: Annotated[tuple[Reason, ...], Meta(description="What decides without a score, then the strongest first")]
    model: Annotated[str, Meta(examples=["base/1.0.0"])]
    policy: Annotated[str, Meta(description="Model and number of the site's changes to its thresholds")]
    repeated: Annotated[
        bool, Meta(description="The same comment had been judged before; this is the first verdict")
    ] = False
    warnings: Warnings = ()


class Failed(Struct, frozen=True, kw_only=True):
    """A comment of a list that was not taken; the others were."""

    index: Annotated[int, Meta(description="Its place in the list, from 0")]
    problem: Problem


class RevisionShown(Struct, frozen=True, kw_only=True):
    """What the site sent, and when."""

    number: int
    received_at: datetime
    comment: Comment


class VerdictShown(Struct, frozen=True, kw_only=True):
    """A verdict, when it was given and on which revision."""

    revision: int
    judged_at: datetime
    decision: Decision
    scores: Scores
    baseline: Baseline
    reasons: tuple[Reason, ...]
    model: str
    policy: str


class ReviewShown(Struct, frozen=True, kw_only=True):
    """What a person said."""

    outcome: Annotated[Outcome | None, Meta(description="Null: an earlier review was taken back")]
    reviewer: str
    reviewed_at: datetime
    note: str | None


class CommentShown(Struct, frozen=True, kw_only=True):
    """All that is kept of one comment, oldest first."""

    id: OurId
    external_id: str | None
    revisions: tuple[RevisionShown, ...]
    verdicts: tuple[VerdictShown, ...]
    reviews: tuple[ReviewShown, ...]


def answer_of(verdict: Verdict, decision: Decision, **kept: Any) -> Answer:
    """The answer to a judged comment, whose site is told ``decision``; ``kept`` are the fields of one stored."""
    return Answer(
        **kept,
        decision=decision,
        shadowed=verdict.decision if decision is not verdict.decision else UNSET,
        scores=verdict.scores,
        baseline=verdict.baseline,
        reasons=verdict.reasons,
        model=verdict.model,
        policy=verdict.policy,
    )


def shown(history: History) -> CommentShown:
    """A comment's history for the outside."""
    return CommentShown(
        id=history.id,
        external_id=history.external_id,
        revisions=tuple(
            RevisionShown(number=number, received_at=at(one.received_at), comment=one.comment)
            for number, one in enumerate(history.revisions, 1)
        ),
        verdicts=tuple(_verdict_shown(one) for one in history.verdicts),
        reviews=tuple(
            ReviewShown(outcome=one.outcome, reviewer=one.reviewer, reviewed_at=at(one.reviewed_at), note=one.note)
            for one in history.reviews
        ),
    )


def _verdict_shown(judged: JudgedAt) -> VerdictShown:
    verdict = judged.verdict
    return VerdictShown(
        revision=judged.revision,
        judged_at=at(judged.judged_at),
        decision=verdict.decision,
        scores=verdict.scores,
        baseline=verdict.baseline,
        reasons=verdict.reasons,
        model=verdict.model,
        policy=verdict.policy,
    )


def at(milliseconds: int) -> datetime:
    """Milliseconds since 1970 as a time."""
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
