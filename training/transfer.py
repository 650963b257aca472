"""What carries over to comments of a kind the model never met: whole corpora and whole groups left out, and more seeds.

Here models are trained, with the recipe of the shipped one. Their raw scores are put on the shipped model's scale (one
slope, one offset, fitted on what both say of the same comments), so that the shipped thresholds can be applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import joblib
import numpy as np
from threadpoolctl import threadpool_limits

from moderation.classifier import Classifier
from training.corpora import SEEDS_NAME, Progress, silent
from training.judged import group_numbers
from training.measures import CLEAR, SEED, Bools, Floats, Groups, Measured, Ranking, ranking, share, shares
from training.recipes import BASE, HeadRecipe, Recipe
from training.train import Dataset, Design, design, fit_head, gather, head_weights, learn_phrases

HEADS = ("spam", "toxicity")
MOST_GROUPS = 20
"""A corpus in more groups than this is not taken apart: one training run each."""
SHARES = (0.1, 0.25, 0.5, 1.0)


@dataclass(frozen=True, slots=True)
class Reached:
    """Share of some comments that reaches the head's own thresholds."""

    comments: int
    held: Measured
    """Held or rejected."""
    rejected: Measured


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One head on comments of which it learnt nothing: not their corpus, or not their group."""

    head: str
    kind: str
    """``fold`` (a fifth of everything), ``corpus``, ``group``, or ``group alone``: learnt from its own corpus only."""
    name: str
    ranking: Ranking
    accuracy: Measured
    """At the score where both classes, weighed alike in training, are even."""
    positives: Reached
    others: Reached


@dataclass(frozen=True, slots=True)
class Learnt:
    """One head taught by a share of the seeds and nothing else, tested on comments that are not among them."""

    head: str
    share: float
    seeds: int
    test: str
    ranking: Ranking


@dataclass(frozen=True, slots=True)
class Trained:
    """All that was measured by training."""

    left_out: tuple[LeftOut, ...] = ()
    learning: tuple[Learnt, ...] = ()


@dataclass(frozen=True, slots=True)
class Task:
    """A head, its labels and weights, and how to make its scores comparable with the shipped model's."""

    head: str
    recipe: Recipe
    choices: HeadRecipe
    dataset: Dataset
    plan: Design
    labels: Floats
    weight: Floats
    groups: Groups
    limits: tuple[float | None, float | None]

    @property
    def judged(self) -> Bools:
        """Comments with a label."""
        return ~np.isnan(self.labels)

    def both(self, rows: Bools) -> bool:
        """Whether both classes are among some rows."""
        labels = self.labels[rows & self.judged]
        return bool((labels >= CLEAR).any() and (labels < CLEAR).any())

    def raw(self, learn: Bools, test: Bools) -> Floats:
        """Raw scores of the comments ``test`` by a head that learnt from ``learn``."""
        column, bias = fit_head(self.plan, self.labels, self.weight * learn, self.recipe, self.choices)
        # The first rows of the design are the comments in order, as their site sent them.
        found: Floats = self.plan.matrix[: test.size][test] @ column + bias
        return found


@dataclass(frozen=True, slots=True)
class Scale:
    """Log-odds of the shipped model = slope * raw score + offset."""

    slope: float
    offset: float

    def probability(self, raw: Floats) -> Floats:
        """Raw scores as probabilities."""
        out: Floats = 1 / (1 + np.exp(-(self.slope * raw + self.offset)))
        return out


def measure(
    classifier: Classifier, data_dir: Path | None, seeds: Path, progress: Progress = silent, recipe: Recipe = BASE
) -> Trained:
    """Leave out every corpus and every group, and draw the learning curve."""
    dataset = gather(data_dir, recipe, seeds)
    # The list's worths come from all ham, that of the corpora left out among it: which phrases it meets, not labels.
    plan = design(dataset, classifier.manifest.bits, progress, learn_phrases(dataset, data_dir, progress))
    left_out: list[LeftOut] = []
    learning: list[Learnt] = []
    # Several trainings run side by side; were each to use all cores for its vectors, all would wait for each other.
    with threadpool_limits(1):
        for head in (head for head in HEADS if head in classifier.heads):
            task = _task(classifier, head, dataset, plan, recipe)
            scale = _scale(task, classifier)
            left_out += _left_out(task, scale, progress)
            left_out += _folds(task, scale, progress)
            learning += learning_curve(task, progress)
    return Trained(tuple(left_out), tuple(learning))


def _task(classifier: Classifier, head: str, dataset: Dataset, plan: Design, recipe: Recipe) -> Task:
    labels, choices = dataset.labels(head), recipe.heads[head]
    weight = head_weights(dataset, labels, recipe, choices)
    entry = classifier.manifest.heads[classifier.heads.index(head)]
    limits = (entry.hold_at, entry.reject_at)
    groups = group_numbers(dataset.comments)
    return Task(head, recipe, choices, dataset, plan, labels, weight, groups, limits)


def _scale(task: Task, classifier: Classifier, most: int = 4_000) -> Scale:
    """Compare what the shipped head and one trained on everything say of a sample."""
    rows = np.flatnonzero(task.judged)
    if rows.size > most:
        rows = np.sort(np.random.default_rng(SEED).choice(rows, most, replace=False))
    test = np.zeros(task.labels.size, dtype=bool)
    test[rows] = True
    raw = task.raw(task.judged, test)
    scores = classifier.scores([task.dataset.comments[i] for i in rows])[:, classifier.heads.index(task.head)]
    inside = (scores > 1e-5) & (scores < 1 - 1e-5)  # Outside, scores are cut off.
    if inside.sum() < 10:
        return Scale(1.0, 0.0)
    slope, offset = np.polyfit(raw[inside], np.log(scores[inside] / (1 - scores[inside])), 1)
    return Scale(float(slope), float(offset))


Split = tuple[str, str, Bools, Bools]
"""Kind, name, comments to learn from, comments to test on."""


def splits(task: Task) -> Iterator[Split]:
    """Every corpus left out, and every group of the corpora that have a few with both classes."""
    origin = task.dataset.origin
    for name in np.unique(origin[task.judged]).tolist():
        test = task.judged & (origin == name)
        if task.both(~test):
            yield "corpus", name, ~test, test
        numbers = np.unique(task.groups[test & (task.groups >= 0)])
        if 1 < numbers.size <= MOST_GROUPS and all(task.both(test & (task.groups == n)) for n in numbers):
            for number in numbers.tolist():
                group = test & (task.groups == number)
                told = f"{name}: {task.dataset.comments[int(np.flatnonzero(group)[0])].group}"
                yield "group", told, ~group, group
                yield "group alone", told, test & ~group, group


def _left_out(task: Task, scale: Scale, progress: Progress) -> list[LeftOut]:
    jobs = list(splits(task))
    raws = _run(task, jobs, f"leaving out: {task.head}", progress)
    rows = [_row(task, scale, job, raw) for job, raw in zip(jobs, raws, strict=True)]
    return rows + list(_together(task, scale, jobs, raws))


def _folds(task: Task, scale: Scale, progress: Progress) -> list[LeftOut]:
    """A fifth of everything left out, in turn; a row for each corpus."""
    number = task.dataset.folds(task.recipe.folds)
    folds = [task.judged & (number == fold) for fold in range(task.recipe.folds)]
    jobs: list[Split] = [("fold", "", ~test, test) for test in folds if test.any() and task.both(~test)]
    scores = np.full(task.labels.size, np.nan)
    for (_, _, _, test), raw in zip(jobs, _run(task, jobs, f"folds: {task.head}", progress), strict=True):
        scores[test] = raw
    origin, rows = task.dataset.origin, []
    for name in np.unique(origin[~np.isnan(scores)]).tolist():
        test = ~np.isnan(scores) & (origin == name)
        rows.append(_row(task, scale, ("fold", name, ~test, test), scores[test]))
    return rows


def _run(task: Task, jobs: Sequence[Split], told: str, progress: Progress) -> list[Floats]:
    """Raw scores of what each split tests on.

    In threads: the time goes into sparse products, which let others run, and the matrix is shared.
    """
    running = joblib.Parallel(n_jobs=-1, prefer="threads", return_as="generator")(
        joblib.delayed(task.raw)(learn, test) for _, _, learn, test in jobs
    )
    raws: list[Floats] = []
    for raw in running:
        raws.append(raw)
        progress(told, len(raws), len(jobs))
    return raws


def _row(task: Task, scale: Scale, split: Split, raw: Floats) -> LeftOut:
    kind, name, _, test = split
    labels, groups = task.labels[test], task.groups[test]
    positive = labels >= CLEAR
    probability = scale.probability(raw)
    reached = [_reached(task, probability[rows], groups[rows]) for rows in (positive, ~positive)]
    return LeftOut(task.head, kind, name, ranking(raw, labels, groups), share((raw >= 0) == positive, groups), *reached)


def _reached(task: Task, probability: Floats, groups: Groups) -> Reached:
    flags = np.stack([probability >= (np.inf if limit is None else limit) for limit in task.limits], axis=1)
    return Reached(probability.size, *shares(flags, groups))


def _together(task: Task, scale: Scale, jobs: Sequence[Split], raws: Sequence[Floats]) -> Iterator[LeftOut]:
    """All groups of a corpus in one row, each scored by the head that did not learn from it."""
    for kind in ("group", "group alone"):
        for corpus in dict.fromkeys(name.split(": ")[0] for k, name, _, _ in jobs if k == kind):
            some = [i for i, job in enumerate(jobs) if job[0] == kind and job[1].startswith(f"{corpus}: ")]
            scores = np.full(task.labels.size, np.nan)
            for i in some:
                scores[jobs[i][3]] = raws[i]
            test = ~np.isnan(scores)
            yield _row(task, scale, (kind, f"{corpus}: all groups", ~test, test), scores[test])


def learning_curve(task: Task, progress: Progress = silent) -> list[Learnt]:
    """Teach by growing shares of four fifths of the seeds; test on the last fifth and on every other corpus."""
    seeds = task.judged & (task.dataset.origin == SEEDS_NAME)
    last_fifth = task.dataset.folds(5) == 0
    random = np.random.default_rng(SEED)
    order = random.permutation(np.flatnonzero(seeds & ~last_fifth))
    tests = list(_tests(task, seeds & last_fifth))
    found: list[Learnt] = []
    for number, part in enumerate(SHARES, 1):
        learn = np.zeros(seeds.size, dtype=bool)
        learn[order[: round(part * order.size)]] = True
        if task.both(learn) and tests:
            found += _learnt(task, learn, part, tests)
        progress(f"learning curve: {task.head}", number, len(SHARES))
    return found


def _tests(task: Task, held_out: Bools) -> Iterator[tuple[str, Bools]]:
    if task.both(held_out):
        yield "seeds held out", held_out
    for name in np.unique(task.dataset.origin[task.judged]).tolist():
        rows = task.judged & (task.dataset.origin == name)
        if name != SEEDS_NAME and task.both(rows):
            yield name, rows


def _learnt(task: Task, learn: Bools, part: float, tests: Sequence[tuple[str, Bools]]) -> Iterator[Learnt]:
    wanted = np.logical_or.reduce([rows for _, rows in tests])
    scores = np.full(wanted.size, np.nan)
    scores[wanted] = task.raw(learn, wanted)
    for name, rows in tests:
        figures = ranking(scores[rows], task.labels[rows], task.groups[rows])
        yield Learnt(task.head, part, int(learn.sum()), name, figures)
