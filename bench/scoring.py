"""Time of a scored comment beside a scikit-learn pipeline of equal accuracy, and bogofilter."""

import subprocess
import tempfile
import timeit
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline, make_pipeline, make_union

from bench.tables import show
from moderation import artifact
from moderation.check import Judging, judge
from moderation.classifier import Classifier
from moderation.comment import Comment
from moderation.policy import make_policy
from moderation.settings import ROOT
from training.corpora import read_seeds
from training.estimator import CommentVectorizer

SHORT = "I was wondering whether the author has considered the second-order effects, as the paper says."
FOLDS = 5
BATCH = 1_000


def pipeline() -> Pipeline:
    """The standard: TF-IDF of words 1-2 and characters 2-5 in word bounds, logistic regression."""
    words = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True)
    characters = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 5), sublinear_tf=True)
    return make_pipeline(make_union(words, characters), LogisticRegression(C=10, max_iter=300))


def ours() -> Pipeline:
    """Hamlet's features under the same classifier."""
    return make_pipeline(CommentVectorizer(), LogisticRegression(C=10, max_iter=300))


def auc(make: Callable[[], Pipeline], texts: list[str], labels: np.ndarray) -> float:
    """AUC over folds of the seeds, on which both learn the same."""
    fold = np.arange(labels.size) % FOLDS
    scores = np.zeros(labels.size)
    for number in range(FOLDS):
        train, test = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        model = make().fit([texts[i] for i in train], labels[train])
        scores[test] = model.decision_function([texts[i] for i in test])
    return float(roc_auc_score(labels, scores))


def microseconds(work: Callable[[], object], comments: int = 1) -> float:
    """Best of five, a comment."""
    timer = timeit.Timer(work)
    number = max(1, timer.autorange()[0] // 4)
    return min(timer.repeat(5, number)) / number / comments * 1e6


def bogofilter(texts: Sequence[str], labels: np.ndarray) -> float:
    """Microseconds a comment in bulk mode, start of the program included; trained on the same comments."""
    with tempfile.TemporaryDirectory() as folder:
        files = []
        for number, text in enumerate(texts):
            path = Path(folder, str(number))
            path.write_text(text, encoding="utf-8")
            files.append(str(path))
        for flag, label in (("-s", 1), ("-n", 0)):
            names = "\n".join(file for file, found in zip(files, labels, strict=True) if found == label)
            subprocess.run(["bogofilter", "-d", folder, flag, "-b"], input=names, text=True, check=True)
        everything = "\n".join(files * 5)
        judged = ["bogofilter", "-d", folder, "-b", "-t"]
        run = lambda: subprocess.run(judged, input=everything, text=True, stdout=subprocess.DEVNULL, check=False)  # noqa: E731
        return min(timeit.repeat(run, number=1, repeat=3)) / (5 * len(texts)) * 1e6


def main() -> None:
    """Measure and print."""
    seeds = read_seeds()
    texts = [seed.text for seed in seeds]
    labels = np.array([seed.labels["spam"] for seed in seeds])
    # The seeds lie sorted by kind; folds want them mixed.
    order = np.random.default_rng(0).permutation(labels.size)
    texts, labels = [texts[i] for i in order], labels[order]

    standard = pipeline().fit(texts, labels)
    classifier = Classifier.load(artifact.find(ROOT / "models"))
    judging = Judging(classifier, make_policy(classifier.manifest))
    batch = texts[:BATCH]
    peer = bogofilter(batch, labels[:BATCH])
    rows = []
    for name, plain in (
        (f"{len(SHORT)} characters", [SHORT]),
        ("2,000 characters", [" ".join(texts)[:2000]]),
        (f"{len(batch):,} seeds at once, each", batch),
    ):
        comments = [Comment(text=text) for text in plain]
        theirs = microseconds(partial(standard.predict_proba, plain), len(comments))
        mine = microseconds(partial(classifier.scores, comments), len(comments))
        told = microseconds(partial(judge, comments, judging), len(comments))
        bulk = (f"{peer:,.0f}", f"{peer / mine:.1f}") if plain is batch else ("", "")
        rows.append((name, f"{mine:,.0f}", f"{theirs:,.0f}", f"{theirs / mine:.1f}", *bulk, f"{told:,.0f}"))
    hashed, tfidf = auc(ours, texts, labels), auc(pipeline, texts, labels)
    show(
        "Time of a score, in microseconds (all heads; signals and reasons included in the last column)",
        ("", "Hamlet", "scikit-learn", "÷ Hamlet", "bogofilter", "÷ Hamlet", "with reasons"),
        rows,
        "scikit-learn: TfidfVectorizer (word 1-2, char_wb 2-5) + LogisticRegression. AUC of the spam head,"
        f" {FOLDS} folds of the seeds, text alone: scikit-learn {tfidf:.4f}, Hamlet's features {hashed:.4f}."
        " bogofilter: in bulk, the same comments five times over, start of the program included.",
    )
