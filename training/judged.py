"""Labelled comments as a model judges them: what every measurement starts from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from moderation.artifact import Manifest
from moderation.classifier import DIGITS, Classifier, sigmoid
from moderation.comment import Comment, LabelledComment
from moderation.features import Features
from moderation.policy import Policy, make_policy
from moderation.verdict import SEVERITY, Decision
from training import corpora
from training.corpora import SEEDS_NAME, Progress, silent
from training.measures import CLEAR, Bools, Floats, Groups, log_odds

BATCH = 256

Decisions = NDArray[np.int64]
"""By severity: 0 accept, 1 hold, 2 reject."""
ACCEPT, HOLD, REJECT = (SEVERITY[one] for one in (Decision.ACCEPT, Decision.HOLD, Decision.REJECT))


@dataclass(frozen=True, slots=True)
class Part:
    """Comments of one corpus, or of several put together, with scores [n, heads] and decisions [n]."""

    name: str
    seen: bool
    """Whether the model was trained on them: its figures then flatter."""
    heads: tuple[str, ...]
    comments: list[LabelledComment]
    scores: Floats
    decisions: Decisions
    groups: Groups
    """Number of each comment's group, -1 where it has none."""

    def labels(self, head: str) -> Floats:
        """Labels of a head, NaN where nobody judged it."""
        return np.array([comment.labels.get(head, np.nan) for comment in self.comments])

    def score(self, head: str) -> Floats:
        """Scores of a head."""
        found: Floats = self.scores[:, self.heads.index(head)]
        return found

    def harmless(self) -> Bools:
        """Comments that were judged, and by no head to be anything but fine."""
        return np.array([bool(c.labels) and max(c.labels.values()) < CLEAR for c in self.comments], dtype=bool)

    def take(self, rows: Bools) -> Part:
        """Some of the comments."""
        comments = [self.comments[i] for i in np.flatnonzero(rows)]
        return Part(
            self.name, self.seen, self.heads, comments, self.scores[rows], self.decisions[rows], self.groups[rows]
        )


def joined(name: str, parts: Sequence[Part]) -> Part:
    """Several parts as one; groups of different parts stay different."""
    shifts = np.cumsum([0, *(int(part.groups.max(initial=-1)) + 1 for part in parts)])
    groups = [np.where(p.groups >= 0, p.groups + shift, -1) for p, shift in zip(parts, shifts.tolist(), strict=False)]
    return Part(
        name,
        all(part.seen for part in parts),
        parts[0].heads,
        [comment for part in parts for comment in part.comments],
        np.concatenate([part.scores for part in parts]),
        np.concatenate([part.decisions for part in parts]),
        np.concatenate(groups),
    )


def group_numbers(comments: Sequence[LabelledComment]) -> Groups:
    """A number for each comment's group, -1 where it has none."""
    numbers: dict[str, int] = {}
    return np.array([numbers.setdefault(c.group, len(numbers)) if c.group else -1 for c in comments], dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Judge:
    """A model with the thresholds it is shipped with."""

    classifier: Classifier
    policy: Policy

    @classmethod
    def of(cls, classifier: Classifier) -> Judge:
        """The model's own thresholds."""
        return cls(classifier, make_policy(classifier.manifest))

    def __call__(self, comments: Sequence[Comment], progress: Progress = silent) -> tuple[Floats, Decisions]:
        """Scores [n, heads] and decisions [n], as ``moderation.check.judge`` gives them, without the reasons.

        Reasons would take longer than all the rest; a test holds that the decisions are the same.
        """
        return judged_by((self,), comments, progress)[0]

    def hold_at(self, head: str) -> float | None:
        """From which score a head asks for a person."""
        return self.policy.thresholds[self.classifier.heads.index(head)].hold_at

    def over_hold(self, scores: Floats) -> Floats:
        """Log-odds above each head's hold threshold, [n, heads]; minus infinity for heads that only inform."""
        limits = [limit.hold_at if limit.hold_at is not None else np.inf for limit in self.policy.thresholds]
        bounded = np.clip(np.array(limits), 1e-9, 1 - 1e-9)
        over: Floats = log_odds(scores) - np.where(np.isinf(limits), np.inf, log_odds(bounded))
        return over

    def texts(self, texts: Sequence[str]) -> tuple[Floats, Decisions]:
        """The same of bare texts."""
        return self([Comment(text=text) for text in texts])


def judged_by(
    judges: Sequence[Judge], comments: Sequence[Comment], progress: Progress = silent
) -> list[tuple[Floats, Decisions]]:
    """What each judge says of the same comments."""
    scores = [np.zeros((len(comments), len(judge.classifier.heads))) for judge in judges]
    models = [judge.classifier for judge in judges]
    for low in range(0, len(comments), BATCH):
        progress("judging", low, len(comments))
        for rows, logits in zip(scores, logits_of(models, comments[low : low + BATCH]), strict=True):
            rows[low : low + BATCH] = sigmoid(logits).round(DIGITS)
    progress("judging", len(comments), len(comments))
    decided = [
        np.array([SEVERITY[judge.policy.judge(row)[0]] for row in rows.tolist()], dtype=np.int64)
        for judge, rows in zip(judges, scores, strict=True)
    ]
    return list(zip(scores, decided, strict=True))


def logits_of(classifiers: Sequence[Classifier], comments: Sequence[Comment]) -> Iterator[NDArray[np.float32]]:
    """Log-odds [comments, heads] by each of the models; those that see the same share what they see."""
    seen: dict[tuple[int, str], Features] = {}
    for one in classifiers:
        if one.sight not in seen:
            seen[one.sight] = one.features(comments)
        yield one.scored(seen[one.sight]).logits


def read_all(data_dir: Path | None, seeds: Path) -> Iterator[tuple[str, list[LabelledComment]]]:
    """The seeds and every corpus that is there, by name."""
    yield SEEDS_NAME, corpora.read_seeds(seeds)
    yield from corpora_in(data_dir)


def corpora_in(data_dir: Path | None) -> Iterator[tuple[str, list[LabelledComment]]]:
    """Every corpus that is there, by name."""
    for corpus in corpora.CORPORA if data_dir else ():
        if data_dir and (data_dir / corpus.path).exists():
            yield corpus.name, corpora.read_corpus(data_dir, corpus)


def judged(
    verdict_of: Judge, named: Sequence[tuple[str, list[LabelledComment]]], progress: Progress = silent
) -> list[Part]:
    """Judge corpora, all in one go."""
    everything = [comment for _, comments in named for comment in comments]
    scores, decisions = verdict_of(everything, progress)
    trained_on = names_of_training(verdict_of.classifier.manifest)
    parts, low = [], 0
    for name, comments in named:
        rows = slice(low, low + len(comments))
        low += len(comments)
        numbers = group_numbers(comments)
        heads = verdict_of.classifier.heads
        parts.append(Part(name, name in trained_on, heads, comments, scores[rows], decisions[rows], numbers))
    return parts


def names_of_training(manifest: Manifest) -> frozenset[str]:
    """Corpora that a model was trained on."""
    return frozenset(source.name for source in manifest.data)
