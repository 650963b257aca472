"""Training a site's own model: labels in, a challenger out that has been tried against the champion.

Thresholds, gate and page are all about what the site would see: the text's score together with what signals found
when the comment came.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit
from sqlalchemy import Engine
from threadpoolctl import threadpool_limits

from moderation import artifact
from moderation.artifact import HeadManifest, Manifest, Model
from moderation.classifier import Classifier
from moderation.comment import Comment, LabelledComment
from moderation.errors import HamletError, OtherFeatures
from moderation.past import BAD
from moderation.policy import Choices, Thresholds, make_policy
from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.labels import Label, LabelTables
from moderation.store.models import Check, ModelBook, Training, Version, name_of
from moderation.store.sites import Site
from training import gate
from training.adapt import Adapted, Anchors, Earlier, Indices, adapt, base_logits, folded_in, frequency_of
from training.bias import swaps
from training.corpora import SEEDS, SEEDS_NAME, Progress, read_seeds, silent
from training.gate import OfCorpus, Trial
from training.judged import Judge, corpora_in, judged_by, logits_of
from training.labels import HEADS, SPAM, ByAge, Kept, Weighed, by_age, keep, wanted, weigh
from training.matrix import Vectorizer
from training.measures import SEED
from training.promise import Promise, promise, with_limits
from training.rivals import ACCEPT, HOLD, REJECT, Bools, Floats, Rival, decided, probabilities, strengths, weights
from training.rows import Rows, features

AT_ONCE = 2_048
LATER = 0.25
"""Share of the newest labels that both rivals are tried on."""
MOST_TEXTS, SHOWN = 50_000, 200
"""Comments whose beginnings are remembered, for the page, and how much of each."""
MOST_JUDGED = 4_000
"""Labels that reviewers are compared on."""
MOST_LATER = 5_000
MOST_ANCHORS = 1_500
"""Seeds that are learnt from beside a site's labels."""
MOST_CORPUS = 3_000
"""Ham of one corpus that both are tried on."""


class NothingToLearn(HamletError):
    """A site without labels."""

    hint = "settle some comments in the dashboard (hamlet queue), or import labels: hamlet import labels FILE"


@dataclass(slots=True)
class Read:
    """A site's labels, read once: features, what base and champion say of them, and how they are to be taken."""

    labels: list[Kept]
    matrix: Rows
    base: Floats
    """[labels, heads]: the base's log-odds from the text."""
    champion: Floats
    """The same of the champion."""
    texts: dict[str, str] = field(default_factory=dict)
    """Beginnings of comments, by id."""

    def of(self, rows: Indices) -> Read:
        """Some of them."""
        some = Rows.of(self.matrix[rows])
        return Read([self.labels[i] for i in rows.tolist()], some, self.base[rows], self.champion[rows])


@dataclass(frozen=True, slots=True)
class Flip:
    """A comment of which the challenger would have decided otherwise."""

    comment_id: str
    text: str
    outcome: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Moved:
    """A word or domain, and how much more it speaks for spam than under the champion, in log-odds."""

    word: str
    comments: int
    by: float


@dataclass(frozen=True, slots=True)
class ByReviewer:
    """One reviewer's labels, and how they fit in with everybody else's."""

    name: str
    labels: int
    against: int
    """Labels that a model of the others' labels finds unlikely (below one in ten)."""


@dataclass(slots=True, eq=False)
class Result:
    """Everything there is to show of a training."""

    site: str
    champion: str
    labels: Weighed
    ages: list[ByAge]
    reviewers: list[ByReviewer]
    aside: int
    """Labels kept aside for the promise."""
    adapted: Adapted
    promise: Promise
    manifest: Manifest
    later: Trial
    checks: tuple[Check, ...]
    flips: list[Flip]
    """The first of them; ``flipped`` counts all."""
    flipped: int
    moved: list[Moved]
    now: int
    version: Version | None = None
    """The version it was kept as; None: a dry run."""
    promoted: bool = False

    @property
    def passed(self) -> bool:
        """Whether the gate lets the challenger through."""
        return all(check.passed for check in self.checks)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked of a training."""

    since: int = 0
    """Only labels that were said since then: milliseconds since 1970, UTC."""
    without: Collection[str] = ()
    """Reviewers whose labels do not count."""
    data_dir: Path | None = None
    """Folder of the public corpora, whose ham is then looked at as well."""
    seeds: Path = SEEDS
    now: int = field(default_factory=now_ms)


@dataclass(frozen=True, slots=True)
class Champion:
    """The model that serves a site, with its thresholds."""

    classifier: Classifier
    limits: tuple[Thresholds, ...]
    signals: Floats
    until: int
    """It has learnt from labels that were said until then."""


def train_site(
    engine: Engine, site: Site, base: Path, book: ModelBook, asked: Asked, out: Path, progress: Progress = silent
) -> Result:
    """Train a site's challenger into the folder ``out`` and try it against the champion; nothing is kept or promoted.

    Raises :class:`NothingToLearn` if the site has no labels.
    """
    # Threads of the linear algebra cost more than they bring on vectors of this size.
    with threadpool_limits(1), TemporaryDirectory(prefix="hamlet-train-") as folder:
        return _Trainer(engine, site, artifact.read(base), book, asked, Path(folder), progress).run(out)


class _Trainer:
    def __init__(
        self, engine: Engine, site: Site, base: Model, book: ModelBook, asked: Asked, folder: Path, progress: Progress
    ) -> None:
        self._engine, self._site, self._base, self._asked, self._progress = engine, site, base, asked, progress
        self._folder = folder
        self._number = book.next_number(site.id)
        self._vectorizer = Vectorizer(bits=base.manifest.bits, phrases=base.phrases)
        self._vectorizer.frequency_ = frequency_of(base)
        self._champion = _champion(site, Classifier(base), book)
        self._seeds = read_seeds(asked.seeds)
        self._anchors = _anchors(base, self._vectorizer, self._seeds)

    def run(self, out: Path) -> Result:
        read = self._read()
        aside = np.array([one.aside for one in read.labels], dtype=bool)
        labels = weigh(read.labels, self._asked.now, ~aside)
        later, earlier = self._later(read, labels)
        self._progress("learning", 1, 3)
        adapted = adapt(read.base, read.matrix, labels, self._anchors, earlier=earlier)
        self._progress("learning", 2, 3)
        found = self._promised(adapted, read.of(np.flatnonzero(aside)))
        manifest = self._write(out, adapted, found, labels)
        everything = self._tried(adapted, manifest, read, labels.targets).of(~aside)
        challenger, champion = Classifier.load(out), self._champion.classifier
        self._progress("learning", 3, 3)
        checks = gate.judged(later, _overturned(everything), *self._elsewhere(challenger, champion))
        return Result(
            site=self._site.name,
            champion=champion.name,
            labels=labels,
            ages=by_age(read.labels, self._asked.now),
            reviewers=self._reviewers(read, labels),
            aside=int(aside.sum()),
            adapted=adapted,
            promise=found,
            manifest=manifest,
            later=later,
            checks=checks,
            flips=_flips(everything, read.texts),
            flipped=int((everything.champion.decisions != everything.challenger.decisions).sum()),
            moved=_moved(read.texts.values(), challenger, champion),
            now=self._asked.now,
        )

    # -- Reading

    def _read(self) -> Read:
        tables = LabelTables(self._engine)
        total = tables.count(self._site.id)
        labels: list[Kept] = []
        texts: dict[str, str] = {}
        champion: list[Floats] = []
        # Of the same base, it has the same features; of another, comments are scored as they are read.
        foreign = self._champion.classifier.manifest.base not in (None, self._base.manifest.name)
        asked = wanted(tables.all(self._site.id), since=self._asked.since, without=self._asked.without)

        def parts() -> Iterator[list[Comment]]:
            for some in _portions(asked):
                self._progress("reading labels", len(labels), total)
                labels.extend(keep(one) for one in some)
                comments = [one.comment for one in some]
                if foreign:
                    champion.append(self._of_champion(comments))
                for one in some if len(texts) < MOST_TEXTS else ():
                    texts[one.comment_id] = one.comment.text[:SHOWN]
                yield comments

        matrix = features(self._vectorizer, parts(), total, self._folder)
        self._progress("reading labels", total, total)
        if not labels:
            raise NothingToLearn(f"{self._site.name} has no labels" + (" that were asked for" if total else ""))
        base = base_logits(self._base, matrix)
        if foreign:
            return Read(labels, matrix, base, np.concatenate(champion), texts)
        if self._site.model is None:
            return Read(labels, matrix, base, base, texts)
        return Read(labels, matrix, base, base_logits(self._champion.classifier.model, matrix), texts)

    def _of_champion(self, comments: Sequence[Comment]) -> Floats:
        model = self._champion.classifier
        logits = model.scored(model.features(comments)).logits
        found: Floats = logits[:, [model.heads.index(head) for head in HEADS]].astype(np.float64)
        return found

    # -- Trying

    def _later(self, read: Read, labels: Weighed) -> tuple[Trial, Earlier | None]:
        """Both rivals on the newest labels, with a challenger that has learnt from the others alone."""
        when = np.array([one.reviewed_at for one in read.labels])
        taught = labels.weight > 0
        order = np.argsort(when, kind="stable")
        new = order[(when[order] > self._champion.until) & taught[order]]
        share = LATER if self._champion.until == 0 else 0.5
        count = min(MOST_LATER, max(int(len(new) * share), min(gate.LEAST_LATER, len(new) // 2)))
        test = np.zeros(len(order), dtype=bool)
        test[new[len(new) - count :]] = True
        # Near-copies of what was learnt from are no test.
        test &= ~np.isin(labels.groups, labels.groups[taught & ~test])
        first, nothing = taught & ~test, read.of(np.zeros(0, np.int64))
        if not test.any() or not first.any():
            return self._tried(Adapted({}), self._base.manifest, nothing, labels.targets[:0]), None
        after = read.of(np.flatnonzero(test))
        early = adapt(read.base, read.matrix, weigh(read.labels, self._asked.now, first), self._anchors)
        heads = with_limits(self._base.manifest.heads, self._promised(early, nothing))
        name = name_of(self._site.name, self._number)
        manifest = msgspec.structs.replace(self._base.manifest, name=name, heads=heads, rejects_with_base=True)
        trial = self._tried(early, manifest, after, weigh(after.labels, self._asked.now).targets)
        return trial, Earlier(early, test)

    def _tried(self, adapted: Adapted, manifest: Manifest, read: Read, targets: Floats) -> Trial:
        """What a challenger and the champion decide of labels."""
        base, found = read.base, strengths(read.labels, self._site.choices.signals_off)
        scores = probabilities(_corrected(adapted, read), found, weights(adapted.weights))
        limits = _limits(manifest, self._site.choices)
        also = self._base_rejects(base, found) if manifest.rejects_with_base else None
        challenger = Rival(manifest.name, scores, decided(scores, limits, also))
        champion = self._champion
        theirs = probabilities(read.champion, found, champion.signals)
        under = champion.classifier.manifest.rejects_with_base
        with_base = self._base_rejects(base, found) if under else None
        other = Rival(champion.classifier.name, theirs, decided(theirs, champion.limits, with_base))
        return Trial(read.labels, np.nanmax(targets, axis=1, initial=0.0) >= 0.5, challenger, other)

    def _base_rejects(self, base: Floats, found: NDArray[np.floating]) -> Bools:
        scores = probabilities(base, found, weights({}))
        rejects: Bools = decided(scores, _limits(self._base.manifest, self._site.choices)) == REJECT
        return rejects

    def _promised(self, adapted: Adapted, kept: Read) -> Promise:
        found = strengths(kept.labels, self._site.choices.signals_off)
        scores = probabilities(_corrected(adapted, kept), found, weights(adapted.weights))
        bad = np.array([one.outcome in BAD for one in kept.labels], dtype=bool)
        return promise(scores, bad, self._site.choices, self._asked.now)

    def _elsewhere(self, challenger: Classifier, champion: Classifier) -> tuple[list[OfCorpus], tuple[int, int], int]:
        """Both rivals on ham that is not the site's, and on sentences that differ in who is spoken of alone."""
        mine, theirs = Judge.of(challenger), Judge.of(champion)
        corpora = []
        for name, comments in _ham(self._asked.data_dir, self._seeds):
            self._progress(f"ham of {name}", 0, 1)
            (_, ours), (_, others) = judged_by((mine, theirs), comments)
            corpora.append(OfCorpus(name, ours, others))
            self._progress(f"ham of {name}", 1, 1)
        rows = [swaps(judge, None) for judge in (mine, theirs)]
        changed = [sum(one.changed for one in row) for row in rows]
        return corpora, (changed[0], changed[1]), sum(one.pairs for one in rows[0])

    # -- Writing

    def _write(self, out: Path, adapted: Adapted, found: Promise, labels: Weighed) -> Manifest:
        table, heads = folded_in(self._base, adapted)
        manifest = msgspec.structs.replace(
            self._base.manifest,
            name=name_of(self._site.name, self._number),
            heads=with_limits(_measured(heads, adapted), found),
            signals=adapted.weights,
            base=self._base.manifest.name,
            rejects_with_base=found.reject is None,
            made_with={**self._base.manifest.made_with, "labels": labels.used.digest},
        )
        return artifact.write(out, manifest, table, frequency_of(self._base), self._base.phrases)

    # -- Who said it

    def _reviewers(self, read: Read, labels: Weighed, most: int = 10, least: int = 20) -> list[ByReviewer]:
        """Each reviewer's labels, tried on a model of everybody else's; of many labels, on some drawn at random."""
        rows = np.flatnonzero(labels.weight)
        if rows.size > MOST_JUDGED:
            rows = np.sort(np.random.default_rng(SEED).permutation(rows)[:MOST_JUDGED])
        names = np.array([read.labels[i].reviewer for i in rows.tolist()])
        known, counts = np.unique(names, return_counts=True)
        if known.size == 1:  # There are no others.
            return [ByReviewer(str(known[0]), rows.size, 0)]
        some, said = read.of(rows), labels.targets[rows]
        found = []
        for name, count in sorted(zip(known.tolist(), counts.tolist(), strict=True), key=lambda pair: -pair[1])[:most]:
            mine = names == name
            if count < least or (~mine).sum() < least:
                found.append(ByReviewer(name, count, 0))
                continue
            theirs = weigh(some.labels, self._asked.now, ~mine)
            model = adapt(some.base, some.matrix, theirs, self._anchors, folds=0)
            tried = np.flatnonzero(mine)[:MOST_LATER]
            scores = expit(_corrected(model, some.of(tried)))
            told = said[tried]
            unlikely = np.where(told >= 0.5, scores < 0.1, np.where(np.isnan(told), False, scores > 0.9)).any(axis=1)
            found.append(ByReviewer(name, count, int(unlikely.sum())))
        return found


def _anchors(base: Model, vectorizer: Vectorizer, every: Sequence[LabelledComment]) -> Anchors:
    """Some of the seeds, ham and others alike."""
    seeds = [one for one in every if one.labels.get("spam") in (0, 1)]
    order = np.random.default_rng(SEED).permutation(len(seeds))[:MOST_ANCHORS]
    some = [seeds[i] for i in np.sort(order).tolist()]
    matrix = Rows.of(vectorizer.transform(some))
    targets = np.array([[one.labels.get(head, np.nan) for head in HEADS] for one in some])
    return Anchors(matrix, base_logits(base, matrix), targets)


def _champion(site: Site, base: Classifier, book: ModelBook) -> Champion:
    of_base = Champion(base, _limits(base.manifest, site.choices), weights(site.choices.weights), 0)
    if site.model is None:
        return of_base
    try:
        version, classifier = book.show(site.id, site.model), book.load(site.id, site.model)
    except OtherFeatures:  # Since an upgrade the base serves in its place.
        return of_base
    learnt = {**classifier.manifest.signals, **site.choices.weights}
    limits = _limits(classifier.manifest, site.choices)
    return Champion(classifier, limits, weights(learnt), version.training.labels.until)


def _limits(manifest: Manifest, choices: Choices) -> tuple[Thresholds, ...]:
    """Thresholds of the heads that are learnt, in their order."""
    policy = make_policy(manifest, choices, forgiving=True)
    names = [head.name for head in manifest.heads]
    return tuple(policy.thresholds[names.index(head)] for head in HEADS)


def _portions(labels: Iterable[Label]) -> Iterator[list[Label]]:
    rest = iter(labels)
    while some := list(islice(rest, AT_ONCE)):
        yield some


def _corrected(adapted: Adapted, read: Read) -> Floats:
    """Log-odds of a challenger from the text, [labels, heads]."""
    found = read.base.copy()
    for number, head in enumerate(HEADS):
        if head in adapted.corrections:
            found[:, number] = adapted.corrections[head].logits(read.base[:, number], read.matrix)
    return found


def _measured(heads: Sequence[HeadManifest], adapted: Adapted) -> tuple[HeadManifest, ...]:
    """Heads with what is known of their correction, instead of the base's figures."""
    out = []
    for head in heads:
        one = adapted.corrections.get(head.name)
        figures = {} if one is None else {"labels": one.labels, "trust": one.trust, "seeds": one.anchor}
        out.append(head if one is None else msgspec.structs.replace(head, metrics=figures))
    return tuple(out)


def _overturned(trial: Trial) -> Trial:
    """Labels of verdicts that a person has overturned."""
    rows = [
        (one.decision == "accept") if bad else one.decision != "accept"
        for one, bad in zip(trial.labels, trial.bad.tolist(), strict=True)
    ]
    return trial.of(np.array(rows, dtype=bool))


_WORDS = {ACCEPT: "accept", HOLD: "hold", REJECT: "reject"}


def _flips(trial: Trial, texts: dict[str, str], most: int = 200) -> list[Flip]:
    """Comments that the challenger decides otherwise, those it gets wrong first."""
    before, after = trial.champion.decisions, trial.challenger.decisions
    rows = np.flatnonzero(before != after)
    gap = np.where(trial.bad, before - after, after - before)
    ordered = rows[np.argsort(-gap[rows], kind="stable")][:most].tolist()
    return [
        Flip(
            trial.labels[i].comment_id,
            texts.get(trial.labels[i].comment_id, ""),
            str(trial.labels[i].outcome),
            _WORDS[int(before[i])],
            _WORDS[int(after[i])],
        )
        for i in ordered
    ]


_WORD = re.compile(r"[a-z0-9-]+(?:\.[a-z0-9-]+)+|\w{3,30}")


def _moved(texts: Iterable[str], challenger: Classifier, champion: Classifier, most: int = 1_500) -> list[Moved]:
    """The words and domains whose part in the score of spam has changed most, those that gained first.

    Each is scored alone by both models; what all of them have gained together is a matter of calibration, not theirs.
    """
    counted = Counter(word for text in texts for word in set(_WORD.findall(text.lower())))
    words = [word for word, count in counted.most_common(most) if count > 1]
    if not words:
        return []
    comments = [Comment(text=word) for word in words]
    rivals = challenger, champion
    after, before = (
        logits[:, one.heads.index(SPAM)] for one, logits in zip(rivals, logits_of(rivals, comments), strict=True)
    )
    change = (after - before).astype(np.float64)
    change -= np.median(change)
    order = np.argsort(-change, kind="stable")
    return [Moved(words[i], counted[words[i]], round(float(change[i]), 3)) for i in order.tolist()]


def _ham(data_dir: Path | None, seeds: list[LabelledComment]) -> Iterator[tuple[str, list[Comment]]]:
    """Ham that is not the site's: of the seeds and, where they are, of the corpora."""
    for name, comments in ((SEEDS_NAME, seeds), *corpora_in(data_dir)):
        ham = [one for one in comments if one.labels and max(one.labels.values()) < 0.5 and "spam" in one.labels]
        step = max(1, len(ham) // MOST_CORPUS)
        if ham:
            yield name, list(ham[::step][:MOST_CORPUS])


def keep_result(
    book: ModelBook, site: Site, out: Path, result: Result, actor: Actor, figures: dict[str, object]
) -> Version:
    """Keep a challenger as the site's next version; it serves nobody yet."""
    training = Training(labels=result.labels.used, champion=result.champion, figures=figures, gate=result.checks)
    return book.add(site.name, site.id, out, training, actor)
