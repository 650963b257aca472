"""Training the base model: seeds and corpora in, a verified model folder out. Deterministic.

Every head is a logistic regression on the comments that were judged for it; missing labels are left out, graded ones
count as both classes in proportion. Corpora weigh by the root of their size and the classes alike, so that neither a
large corpus nor a common class decides. Calibration and thresholds come from predictions on folds the model did not
see, with whole groups (a video, an article) kept together.
"""

from __future__ import annotations

import hashlib
import platform
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace
from math import log
from pathlib import Path
from random import Random
from zlib import crc32

import msgspec
import numpy as np
import sklearn
from joblib import Parallel, delayed
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, diags
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from moderation import artifact, features
from moderation.artifact import DataSource, HeadManifest, Manifest
from moderation.classifier import sigmoid
from moderation.comment import Comment, LabelledComment
from moderation.features import extract
from moderation.grams import hash_string, token_index
from moderation.phrases import NONE, Phrases, compile_phrases
from moderation.text import fold as folded_text
from moderation.tokens import DISGUISES
from training import corpora
from training.calibrate import calibrate, thresholds
from training.corpora import Progress, silent
from training.matrix import Vectorizer, joined
from training.recipes import BASE, HeadRecipe, Recipe

Floats = NDArray[np.float64]

STEP, BATCH = 4_096, 512
FEW_BITS = 10
"""Enough where only the prefix hashes are wanted."""
DOCUMENTS = 1_000.0
"""Documents that each corpus counts as in the document frequencies."""
PHRASE_LIST = Path("lists", "blacklist.txt")
RARE, MOST_WORTH = 5.0, 4.0
OFTEN = 3
"""Comments that have a token, before it counts."""
CONTRAST_DOUBT = 0.1
"""Counts that are added to the classes, in all."""
_EXACTLY, _ROUGHLY = 1e-5, 1e-3
"""Slopes at which a fit ends: of a head, and of what only weighs its comments."""


@dataclass(slots=True)
class Dataset:
    """Comments to learn from, all corpora together."""

    comments: list[LabelledComment]
    origin: NDArray[np.str_]
    """Corpus of each comment."""
    sources: tuple[DataSource, ...]

    def labels(self, head: str) -> Floats:
        """Labels of a head, NaN where nobody judged it."""
        return np.array([comment.labels.get(head, np.nan) for comment in self.comments])

    def harmless_seeds(self, heads: Collection[str]) -> NDArray[np.int64]:
        """Places of the seeds that none of these heads is to find fault with."""
        rows = np.flatnonzero(self.origin == corpora.SEEDS_NAME).tolist()
        fine = [i for i in rows if all(self.comments[i].labels.get(head, 0.0) < 0.5 for head in heads)]
        return np.array(fine, dtype=np.int64)

    def folds(self, count: int) -> NDArray[np.int64]:
        """Fold of each comment; comments of one group, or of one beginning, share it."""
        return np.array([_group_number(c, o) % count for c, o in zip(self.comments, self.origin.tolist(), strict=True)])


def _group_number(comment: LabelledComment, origin: str) -> int:
    # Without a group, near-copies are kept together by their first words.
    key = comment.group or " ".join(re.findall(r"\w+", comment.text.casefold())[:6])
    return crc32(f"{origin}:{key}".encode("utf-8", "replace"))


def gather(data_dir: Path | None, recipe: Recipe, seeds: Path = corpora.SEEDS) -> Dataset:
    """Read the seeds and, where the folder exists, the corpora that may be trained on."""
    rows: dict[str, list[LabelledComment]] = {corpora.SEEDS_NAME: corpora.read_seeds(seeds)}
    sources = [_seed_source(rows[corpora.SEEDS_NAME], seeds)]
    if data_dir is not None:
        for corpus in corpora.CORPORA:
            if corpus.train and (data_dir / corpus.path).exists():
                rows[corpus.name] = corpora.read_corpus(data_dir, corpus)
                sources.append(corpora.source_of(corpus, data_dir, rows[corpus.name]))
        for name, made, folder in _made_of_lists(data_dir, recipe):
            if made:
                rows[name] = made
                sources.append(_list_source(name, made, folder))
    comments = [comment for part in rows.values() for comment in part]
    origin = np.array([name for name, part in rows.items() for _ in part])
    return Dataset(comments, origin, tuple(sources))


def _made_of_lists(data_dir: Path, recipe: Recipe) -> Iterator[tuple[str, list[LabelledComment], Path]]:
    """Comments made of lists: a name, the comments, and the file or folder they were made of."""
    lists = data_dir / "lists"
    random = Random(recipe.seed)  # noqa: S311  # Choices, no secrets.
    yield "bot-constructs", corpora.read_constructs(data_dir, recipe.readings, random), lists / "constructs.txt"
    yield "profanity-lists", corpora.read_profanity(data_dir, random), lists / "profanity"


LIST_LICENCES = {"bot-constructs": "MIT", "profanity-lists": "CC BY 4.0 (LDNOOBW)"}


def _list_source(name: str, rows: list[LabelledComment], path: Path) -> DataSource:
    files = sorted(one for one in path.iterdir() if one.is_file()) if path.is_dir() else [path]
    whole = hashlib.sha256(b"".join(one.read_bytes() for one in files)).hexdigest()
    return DataSource(
        name=name, rows=len(rows), sha256=whole, licence=LIST_LICENCES[name], positives=corpora.positives(rows)
    )


def _seed_source(rows: list[LabelledComment], folder: Path) -> DataSource:
    whole = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(folder.glob("*.jsonl")))).hexdigest()
    return DataSource(
        name=corpora.SEEDS_NAME,
        rows=len(rows),
        sha256=whole,
        licence="MIT (this project)",
        positives=corpora.positives(rows),
    )


def without_author(comment: LabelledComment) -> LabelledComment:
    """The same comment from a site that sends the text alone."""
    return msgspec.structs.replace(comment, author=None)


@dataclass(slots=True)
class Design:
    """The training matrix: every comment as it is and, if it has author fields, once more without them.

    So a missing field is no evidence: the model sees each author's comment both ways, at half weight each.
    """

    matrix: csr_matrix
    row: NDArray[np.int64]
    """Comment of each row; the first rows are the comments in order."""
    weight: Floats
    vectorizer: Vectorizer
    half: NDArray[np.int64]
    """To which half each comment belongs, 0 or 1, where one half judges the other."""
    bare: NDArray[np.bool_]
    """Rows of seeds that show no author."""


def _phrase_source(phrases: Phrases, data_dir: Path | None) -> tuple[DataSource, ...]:
    if data_dir is None or not phrases.hashes.size:
        return ()
    digest = artifact.digest_of(data_dir / PHRASE_LIST)
    return (DataSource(name="spam-phrases", rows=int(phrases.hashes.size), sha256=digest, licence="MIT"),)


def design(dataset: Dataset, bits: int, progress: Progress = silent, phrases: Phrases = NONE) -> Design:
    """Vectorize a data set."""
    authored = [i for i, comment in enumerate(dataset.comments) if comment.author is not None]
    comments = [*dataset.comments, *(without_author(dataset.comments[i]) for i in authored)]
    row = np.array([*range(len(dataset.comments)), *authored])
    weight = np.ones(row.size)
    weight[authored] = weight[len(dataset.comments) :] = 0.5
    vectorizer = Vectorizer(bits=bits, phrases=phrases)
    parts = []
    for i in range(0, len(comments), STEP):
        progress("features", i, len(comments))
        parts.append(vectorizer.counts(comments[i : i + STEP]))
    progress("features", len(comments), len(comments))
    counts = joined(parts)
    counts.tokens = _often_met(counts.tokens, len(dataset.comments))
    vectorizer.fit_counts(counts, weight * _even(dataset.origin)[row])
    bare = np.array([comment.author is None for comment in comments])
    bare &= (dataset.origin == corpora.SEEDS_NAME)[row]
    return Design(vectorizer.weigh(counts), row, weight, vectorizer, dataset.folds(2), bare)


def _often_met(tokens: csr_matrix, comments: int) -> csr_matrix:
    """Tokens [rows, features] without those that fewer than ``OFTEN`` of the first rows have: one comment is no proof
    of what a domain stands for, and a domain whose token falls on the same row has nothing to do with it.
    """
    met = np.bincount(tokens[:comments].indices, minlength=tokens.shape[1])
    kept: csr_matrix = (tokens @ diags((met >= OFTEN).astype(np.float32))).tocsr()
    kept.eliminate_zeros()
    return kept


def _even(origin: NDArray[np.str_]) -> Floats:
    """Weights by which every corpus counts as many documents as any other."""
    _, number, count = np.unique(origin, return_inverse=True, return_counts=True)
    weights: Floats = DOCUMENTS / count[number]
    return weights


def _comments_with(phrases: Phrases, texts: list[str]) -> Floats:
    """In how many of the texts each phrase stands."""
    features = extract([Comment(text=text) for text in texts], FEW_BITS)
    hits = np.zeros(phrases.hashes.size)
    for run in features.runs:
        found = phrases.find(run.grams.hashed)
        owner = features.pieces.bounds.searchsorted(found.start + run.shift, "right") - 1
        np.add.at(hits, np.unique((owner << 32) | found.number) & 0xFFFFFFFF, 1)
    return hits


def learn_phrases(dataset: Dataset, data_dir: Path | None, progress: Progress = silent) -> Phrases:
    """The substrings of a list met in blog spam, each worth as much as it is rare among harmless comments.

    The list is far too broad to block on ("great site" stands in it); what a phrase is worth is the log-odds of not
    meeting it in ham, log((n + 1) / (hits + 1/2)), less what any rare phrase would have.
    """
    if data_dir is None or not (data_dir / PHRASE_LIST).exists():
        return NONE
    path = data_dir / PHRASE_LIST
    listed = sorted({folded_text(line).text.strip() for line in path.read_text(encoding="utf-8").splitlines()})
    every = compile_phrases((phrase, 1.0) for phrase in listed)
    ham = [comment.text for comment in dataset.comments if comment.labels.get("spam") == 0]
    hits = np.zeros(every.hashes.size)
    for i in range(0, len(ham), BATCH):
        progress("phrases", i, len(ham))
        hits += _comments_with(every, ham[i : i + BATCH])
    progress("phrases", len(ham), len(ham))
    met = dict(zip(every.hashes.tolist(), hits.tolist(), strict=True))
    worth = ((one, log((len(ham) + 1) / (met.get(hash_string(one), 0) + 0.5)) - RARE) for one in listed)
    return compile_phrases((phrase, min(value, MOST_WORTH)) for phrase, value in worth)


def head_weights(dataset: Dataset, labels: Floats, recipe: Recipe, head: HeadRecipe) -> Floats:
    """Weight of each comment for a head: zero if not judged, by corpus otherwise."""
    judged = ~np.isnan(labels)
    weight = np.zeros(labels.size)
    for name in map(str, np.unique(dataset.origin[judged])):
        rows = judged & (dataset.origin == name)
        even = rows.sum() ** (recipe.corpus_power - 1)
        weight[rows] = head.boost.get(name, 1.0) * even
        if name in head.boost_harmless:
            weight[rows & (labels < 0.5)] = head.boost_harmless[name] * even
    return weight * _even_languages(dataset, labels, weight, head.even_languages)


def _even_languages(dataset: Dataset, labels: Floats, weight: Floats, most: float) -> Floats:
    """Factors by which no language is evidence: a few spam comments in Danish must not make all Danes spammers."""
    factor = np.ones(labels.size)
    judged = weight > 0
    odds = _odds(labels[judged], weight[judged])
    languages = np.array([comment.language or "" for comment in dataset.comments])
    for language in filter(None, np.unique(languages[judged]).tolist()):
        rows = judged & (languages == language)
        if _both_classes(labels[rows]):
            by = min(max((odds / _odds(labels[rows], weight[rows])) ** 0.5, 1 / most), most)
            factor[rows] = labels[rows] * by + (1 - labels[rows]) / by
    return factor


def _odds(labels: Floats, weight: Floats) -> float:
    return float((weight * labels).sum() / (weight * (1 - labels)).sum())


def fit_head(plan: Design, labels: Floats, weight: Floats, recipe: Recipe, head: HeadRecipe) -> tuple[Floats, float]:
    """Logistic regression of graded labels [comments]; returns the weights [features] and the bias.

    A comment labelled p counts as p of a positive and 1 - p of a negative one; ``weight`` [comments] is 0 for those
    that are left out.
    """
    if head.doubts:
        plan = _doubted(plan, labels, weight, recipe, head)
    return _fitted(plan, labels, weight, recipe, head, _EXACTLY)


def _doubted(plan: Design, labels: Floats, weight: Floats, recipe: Recipe, head: HeadRecipe) -> Design:
    """The design with less weight on positive seeds that show words alone: what the others make of them.

    Words that nobody can tell from harmless ones teach that those are spam: such labels are noise (Northcutt, Jiang
    and Chuang 2021, "Confident Learning"). Each half is scored by a fit of the other half, so that no comment speaks
    for itself, and weighs its score; what a copy without its author loses, the whole comment gains.
    """
    chance = np.ones(plan.row.size)
    for half in (0, 1):
        others = weight * (plan.half != half)
        if not _both_classes(labels[others > 0]):
            return plan
        column, bias = _fitted(plan, labels, others, recipe, head, _ROUGHLY)
        rows = np.flatnonzero(plan.bare & (plan.half[plan.row] == half) & (labels[plan.row] >= 0.5))
        chance[rows] = sigmoid(plan.matrix[rows] @ column + bias)
    left, comments = plan.weight * chance, labels.size
    left[plan.row[comments:]] += (plan.weight - left)[comments:]
    return replace(plan, weight=left)


def _fitted(
    plan: Design, labels: Floats, weight: Floats, recipe: Recipe, head: HeadRecipe, tolerance: float
) -> tuple[Floats, float]:
    labels, weight = labels[plan.row], weight[plan.row] * plan.weight
    used = np.flatnonzero(weight > 0)
    positive, negative = used[labels[used] > 0], used[labels[used] < 1]
    rows = np.concatenate([positive, negative])
    target = np.concatenate([np.ones(positive.size), np.zeros(negative.size)])
    amount = np.concatenate([weight[positive] * labels[positive], weight[negative] * (1 - labels[negative])])
    for value in (0, 1):
        amount[target == value] *= recipe.mass / 2 / amount[target == value].sum()
    matrix = plan.matrix[rows]
    scale = np.ones(matrix.shape[1], dtype=np.float32)
    grams = 1 << plan.vectorizer.bits
    if head.contrast:
        # Not of tokens: the one bare fact that every link has must not be held back.
        scale[:grams] = contrasts(matrix[:, :grams], target, amount, head.contrast)
        matrix = matrix @ diags(scale)
    model = LogisticRegression(C=head.strength, max_iter=300, tol=tolerance)
    model.fit(matrix, target, sample_weight=amount)
    column: Floats = model.coef_[0] * scale
    column[grams:] = np.maximum(column[grams:], -head.most_in_favour)
    # Some corpora have invisible characters in their ham; putting some into spam must not help it.
    disguises = [token_index(name, plan.vectorizer.bits) for name in DISGUISES]
    column[disguises] = np.maximum(column[disguises], 0)
    return column, float(model.intercept_[0])


def contrasts(matrix: csr_matrix, target: Floats, amount: Floats, power: float) -> NDArray[np.float32]:
    """What each feature is multiplied with before the fit: the size of its log-count ratio, to a power.

    Wang and Manning 2012, "Baselines and Bigrams": a penalty on the weights holds back words that stand in both
    classes alike more than those that stand in one. The mean square over the features, as often as they occur, is 1.
    """
    in_class = [matrix.T @ (amount * (target == value)) for value in (0, 1)]
    harmless, positive = (some / some.sum() for some in in_class)
    doubt = CONTRAST_DOUBT / matrix.shape[1]
    ratio = np.abs(np.log((positive + doubt) / (harmless + doubt))) ** power
    scaled: NDArray[np.float32] = (ratio / np.sqrt(np.average(ratio**2, weights=harmless + positive))).astype(
        np.float32
    )
    return scaled


@dataclass(slots=True)
class TrainedHead:
    """A head's weights and the manifest entry that goes with them."""

    column: NDArray[np.float32]
    manifest: HeadManifest


def train_head(name: str, dataset: Dataset, plan: Design, recipe: Recipe) -> TrainedHead | None:
    """Train, calibrate and set the thresholds of one head; None if there are no labels of both classes."""
    choices = recipe.heads[name]
    labels = dataset.labels(name)
    weight = head_weights(dataset, labels, recipe, choices)
    judged = weight > 0
    if not (judged & (labels >= 0.5)).any() or not (judged & (labels < 0.5)).any():
        return None
    folds = dataset.folds(recipe.folds)
    held_out = np.full(labels.size, np.nan)
    for fold in range(recipe.folds):
        keep, test = folds != fold, judged & (folds == fold)
        if not _both_classes(labels[judged & keep]) or not test.any():
            continue
        column, bias = fit_head(plan, labels, weight * keep, recipe, choices)
        # The first rows of the design are the comments in order, as their site sent them.
        held_out[test] = plan.matrix[: labels.size][test] @ column + bias
    column, bias = fit_head(plan, labels, weight, recipe, choices)
    seen = ~np.isnan(held_out)
    fitted = calibrate(held_out[seen], labels[seen], weight[seen])
    probability = fitted.probability(held_out[seen])
    harmless = dataset.harmless_seeds([head for head, choice in recipe.heads.items() if choice.decides])
    taught = fitted.probability(plan.matrix[: labels.size][harmless] @ column + bias)
    limits = thresholds(probability, labels[seen], dataset.origin[seen], choices, recipe.confidence, taught)
    manifest = HeadManifest(
        name=name,
        bias=round(fitted.slope * bias + fitted.intercept, 6),
        slope=round(fitted.slope, 6),
        hold_at=limits.hold_at,
        reject_at=limits.reject_at,
        evidence=limits.evidence,
        metrics=fitted.metrics,
    )
    return TrainedHead(column.astype(np.float32), manifest)


def _both_classes(labels: Floats) -> bool:
    return bool((labels >= 0.5).any() and (labels < 0.5).any())


def train_base(
    out: Path, data_dir: Path | None, recipe: Recipe = BASE, *, seeds: Path = corpora.SEEDS, progress: Progress = silent
) -> Manifest:
    """Train the base model and write it to ``out``, whose last two parts are its name (``base/1.0.0``)."""
    # Threads of the linear algebra cost more than they bring on vectors of this size.
    with threadpool_limits(1):
        return _train_base(out, data_dir, recipe, seeds, progress)


def _train_base(out: Path, data_dir: Path | None, recipe: Recipe, seeds: Path, progress: Progress) -> Manifest:
    progress("reading", 0, 1)
    dataset = gather(data_dir, recipe, seeds)
    phrases = learn_phrases(dataset, data_dir, progress)
    sources = (*dataset.sources, *_phrase_source(phrases, data_dir))
    return train_on(replace(dataset, sources=sources), phrases, out, recipe, progress)


def _heads(dataset: Dataset, plan: Design, recipe: Recipe, progress: Progress) -> list[TrainedHead]:
    """All heads, side by side: on the cores of this machine, or of the cluster that joblib has been given."""
    jobs = (delayed(_train_alone)(name, dataset, plan, recipe) for name in recipe.heads)
    trained: list[TrainedHead] = []
    for number, head in enumerate(Parallel(n_jobs=-1, prefer="threads", return_as="generator")(jobs)):
        progress("heads", number + 1, len(recipe.heads))
        if head is not None:
            trained.append(head)
    return trained


def _train_alone(name: str, dataset: Dataset, plan: Design, recipe: Recipe) -> TrainedHead | None:
    with threadpool_limits(1):  # Not inherited by processes of a cluster.
        return train_head(name, dataset, plan, recipe)


def train_on(dataset: Dataset, phrases: Phrases, out: Path, recipe: Recipe, progress: Progress = silent) -> Manifest:
    """Train all heads on a data set and write the model."""
    plan = design(dataset, recipe.bits, progress, phrases)
    trained = _heads(dataset, plan, recipe, progress)
    manifest = Manifest(
        format=artifact.FORMAT,
        name=f"{out.resolve().parent.name}/{out.resolve().name}",
        features_version=features.VERSION,
        bits=recipe.bits,
        heads=tuple(head.manifest for head in trained),
        data=dataset.sources,
        sha256={},
        made_with={"python": platform.python_version(), "scikit-learn": sklearn.__version__, "numpy": np.__version__},
    )
    frequency = plan.vectorizer.frequency_
    weights = np.stack([head.column for head in trained], axis=1) * frequency[:, None]
    return artifact.write(out, manifest, weights, frequency, phrases)
