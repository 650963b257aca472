"""How good a model is: every measurement of ``hamlet evaluate``, put together.

Comments the model was trained on are marked as seen: their figures flatter and are shown for comparison alone. What
counts is what it never saw: the corpora kept for evaluation, and corpora and groups left out (``training.transfer``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np

from moderation.classifier import Classifier
from moderation.verdict import SEVERITY
from training import bias, corpora, disguise, transfer
from training.corpora import Progress, silent
from training.judged import ACCEPT, HOLD, REJECT, Decisions, Judge, Part, joined, judged, read_all
from training.measures import (
    CLEAR,
    Groups,
    Measured,
    Ranking,
    Reliability,
    Roc,
    histogram,
    ranking,
    reliability,
    roc,
    shares,
)

MAIN_HEADS = ("spam", "toxicity")
WORST = 10
_DECISION = {severity: decision.value for decision, severity in SEVERITY.items()}


@dataclass(frozen=True, slots=True)
class Source:
    """A set of labelled comments that was evaluated on."""

    name: str
    licence: str
    comments: int
    seen: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of some comments under the shipped thresholds, as shares."""

    comments: int
    accepted: Measured
    held: Measured
    rejected: Measured


@dataclass(frozen=True, slots=True)
class Row:
    """One head on one set of comments."""

    name: str
    head: str
    seen: bool
    ranking: Ranking
    positives: Outcome
    harmless: Outcome
    """Comments that no head was judged to be anything but fine."""


@dataclass(frozen=True, slots=True)
class Worst:
    """A harmless comment that was judged hardest. Its text belongs to its author and is not kept here."""

    id: str
    head: str
    score: float
    decision: str


@dataclass(frozen=True, slots=True)
class FalsePositives:
    """Harmless comments of one corpus."""

    corpus: str
    seen: bool
    outcome: Outcome
    worst: tuple[Worst, ...]


@dataclass(frozen=True, slots=True)
class HeadReliability:
    """Reliability of one head."""

    head: str
    seen: bool
    reliability: Reliability


@dataclass(frozen=True, slots=True)
class Histogram:
    """Shares of comments over ``measures.HISTOGRAM_EDGES``, in log-odds."""

    head: str
    seen: bool
    positive: tuple[float, ...]
    negative: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The thresholds that a head was evaluated with."""

    head: str
    hold_at: float | None
    reject_at: float | None


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All that was measured of a model. No text of a comment is in it."""

    model: str
    quick: bool
    thresholds: tuple[Thresholds, ...]
    sources: tuple[Source, ...]
    corpora: tuple[Row, ...]
    languages: tuple[Row, ...]
    false_positives: tuple[FalsePositives, ...]
    hatecheck: tuple[bias.Functionality, ...]
    identity: tuple[bias.Term, ...]
    swaps: tuple[bias.Swaps, ...]
    disguises: tuple[disguise.Disguised, ...]
    left_out: tuple[transfer.LeftOut, ...]
    learning: tuple[transfer.Learnt, ...]
    reliability: tuple[HeadReliability, ...]
    rocs: tuple[Roc, ...]
    histograms: tuple[Histogram, ...]


T = TypeVar("T")
Texts = dict[tuple[str, str], str]
"""Texts of the worst comments by corpus and id: for the screen and a report of one's own, never to be passed on."""


def outcome(decisions: Decisions, groups: Groups) -> Outcome:
    """Shares of the three decisions."""
    flags = np.stack([decisions == ACCEPT, decisions == HOLD, decisions == REJECT], axis=1)
    return Outcome(decisions.size, *shares(flags, groups))


def head_rows(name: str, part: Part, heads: Iterable[str]) -> list[Row]:
    """Some heads on a part."""
    fine = part.harmless()
    harmless = outcome(part.decisions[fine], part.groups[fine])
    return [row for head in heads if (row := head_row(name, part, head, harmless))]


def head_row(name: str, part: Part, head: str, harmless: Outcome) -> Row | None:
    """One head on a part; None if none of its comments is positive, for then ``false_positives`` says it all."""
    labels = part.labels(head)
    positive = labels >= CLEAR
    if not positive.any():
        return None
    some = part.take(~np.isnan(labels))
    return Row(
        name,
        head,
        part.seen,
        ranking(some.score(head), some.labels(head), some.groups),
        outcome(part.decisions[positive], part.groups[positive]),
        harmless,
    )


def corpus_rows(parts: Sequence[Part]) -> tuple[Row, ...]:
    """Every head on every corpus, and on all seen and all unseen comments together."""
    pools = pooled(parts) if len(parts) > 1 else ()
    everything = (*parts, *pools)
    heads = parts[0].heads
    rows = [row for part in everything for row in head_rows(part.name, part, heads)]
    return tuple(sorted(rows, key=lambda row: heads.index(row.head)))


NATURAL_ONLY = frozenset({bias.HATECHECK, bias.TEMPLATES})
"""Made-up test sentences: they are tested by themselves and would drown what people wrote."""


def pooled(parts: Sequence[Part]) -> Iterator[Part]:
    """All seen comments together, and all others."""
    for seen in (False, True):
        some = [part for part in parts if part.seen == seen and part.name not in NATURAL_ONLY]
        if some:
            yield joined("all seen" if seen else "all unseen", some)


def language_rows(parts: Sequence[Part]) -> tuple[Row, ...]:
    """The deciding heads by language."""
    rows: list[Row] = []
    for part in pooled(parts):
        languages = np.array([comment.language or "unknown" for comment in part.comments])
        for language in np.unique(languages).tolist():
            some = part.take(languages == language)
            rows += head_rows(language, some, _main(part.heads))
    return tuple(sorted(rows, key=lambda row: (row.head, row.name)))


def _main(heads: Iterable[str]) -> list[str]:
    return [head for head in heads if head in MAIN_HEADS]


def false_positives(verdict_of: Judge, part: Part) -> tuple[FalsePositives, Texts] | None:
    """What became of a corpus' harmless comments, with the worst of them and their texts."""
    harmless = part.take(part.harmless())
    if not harmless.comments:
        return None
    over = verdict_of.over_hold(harmless.scores)
    head = over.argmax(axis=1)
    order = np.lexsort((-over.max(axis=1), -harmless.decisions))[:WORST].tolist()
    worst, texts = [], Texts()
    for i in order:
        comment = harmless.comments[i]
        named = comment.id or f"#{i + 1} of the harmless"
        score = round(float(harmless.scores[i, head[i]]), 4)
        worst.append(Worst(named, part.heads[head[i]], score, _DECISION[int(harmless.decisions[i])]))
        texts[part.name, named] = comment.text
    found = outcome(harmless.decisions, harmless.groups)
    return FalsePositives(part.name, part.seen, found, tuple(worst)), texts


def reliabilities(parts: Sequence[Part]) -> tuple[HeadReliability, ...]:
    """Reliability of every head, on seen and on unseen comments."""
    found = []
    for part in pooled(parts):
        for head in part.heads:
            some = part.take(~np.isnan(part.labels(head)))
            if (some.labels(head) >= CLEAR).any():
                of_head = reliability(some.score(head), some.labels(head), some.groups)
                found.append(HeadReliability(head, part.seen, of_head))
    return tuple(found)


def rocs(parts: Sequence[Part]) -> tuple[Roc, ...]:
    """ROC curves of the deciding heads, for every part that has both classes."""
    found = []
    for head in _main(parts[0].heads):
        for part in (*parts, *pooled(parts)):
            some = part.take(~np.isnan(part.labels(head)))
            labels = some.labels(head)
            negatives = int((labels < CLEAR).sum())
            if 0 < negatives < labels.size:
                found.append(Roc(head, part.name, part.seen, negatives, roc(some.score(head), labels)))
    return tuple(found)


def histograms(parts: Sequence[Part]) -> tuple[Histogram, ...]:
    """Score histograms of the deciding heads by class."""
    found = []
    for part in pooled(parts):
        for head in _main(part.heads):
            labels, scores = part.labels(head), part.score(head)
            if (labels >= CLEAR).any():
                both = histogram(scores[labels >= CLEAR]), histogram(scores[labels < CLEAR])
                found.append(Histogram(head, part.seen, *both))
    return tuple(found)


def sources(parts: Sequence[Part]) -> tuple[Source, ...]:
    """What was evaluated on."""
    licences = {name: corpus.licence for name, corpus in corpora.BY_NAME.items()}
    return tuple(
        Source(part.name, licences.get(part.name, "MIT (this project)"), len(part.comments), part.seen)
        for part in parts
    )


class _Steps:
    """Tells the progress how many of the measurements are done."""

    ALL = 7

    def __init__(self, progress: Progress) -> None:
        self._progress, self._done = progress, 0
        progress("measuring", 0, self.ALL)

    def done(self, result: T) -> T:
        """One more."""
        self._done += 1
        self._progress("measuring", self._done, self.ALL)
        return result


def evaluate(
    classifier: Classifier,
    data_dir: Path | None,
    *,
    seeds: Path = corpora.SEEDS,
    quick: bool = False,
    progress: Progress = silent,
) -> tuple[Evaluation, Texts]:
    """Measure a model on the seeds and every corpus there is; ``quick`` leaves out everything that trains."""
    verdict_of = Judge.of(classifier)
    parts = judged(verdict_of, list(read_all(data_dir, seeds)), progress)
    by_name = {part.name: part for part in parts}
    steps = _Steps(progress)
    found = [one for part in parts if (one := false_positives(verdict_of, part))]
    hatecheck, templates = by_name.get(bias.HATECHECK), by_name.get(bias.TEMPLATES)
    trained = transfer.Trained() if quick else transfer.measure(classifier, data_dir, seeds, progress)
    evaluation = Evaluation(
        model=classifier.name,
        quick=quick,
        thresholds=tuple(Thresholds(head.name, head.hold_at, head.reject_at) for head in classifier.manifest.heads),
        sources=sources(parts),
        corpora=steps.done(corpus_rows(parts)),
        languages=steps.done(language_rows(parts)),
        false_positives=steps.done(tuple(one for one, _ in found)),
        hatecheck=bias.functionalities(hatecheck) if hatecheck else (),
        identity=bias.terms(templates) if templates else (),
        swaps=steps.done(bias.swaps(verdict_of, hatecheck)),
        disguises=steps.done(disguise.measure(verdict_of, list(pooled(parts)))),
        left_out=trained.left_out,
        learning=trained.learning,
        reliability=steps.done(reliabilities(parts)),
        rocs=steps.done(rocs(parts)),
        histograms=steps.done(histograms(parts)),
    )
    return evaluation, {key: text for _, texts in found for key, text in texts.items()}
