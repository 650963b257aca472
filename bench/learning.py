"""Learning curves of a site's own model, on blogs that the base has never seen; the poisoning of one; and the time and
memory that a training takes.

A corpus that is left out of the base model's training plays the blog. A quarter of its labels is spam. Two ways for
labels to come: drawn at random (a history that was imported), or from what the base held, as in a queue, with a
twentieth drawn at random. Tested is on what is left of the blog.
"""

import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix
from threadpoolctl import threadpool_limits

from bench.tables import show
from moderation.past import Outcome
from moderation.store.schema import comments, reviews, revisions, verdicts
from moderation.verdict import Decision
from training import measures
from training.adapt import ANCHORS, TRUSTS, Anchors, adapt
from training.labels import Kept, Weighed
from training.recipes import BASE
from training.train import Dataset, Design, design, fit_head, gather, head_weights, learn_phrases

Floats = NDArray[np.float64]
SIZES = (10, 50, 200, 1_000)
DRAWS = 5
SPAM_SHARE, DRAWN = 0.25, 0.05
MOST_ANCHORS = 1_500


@dataclass
class Blog:
    """A blog that the base has never seen."""

    name: str
    matrix: csr_matrix
    base: Floats
    """Log-odds of spam by a base trained without it."""
    spam: NDArray[np.bool_]
    anchors: Anchors


def blogs(data_dir: Path) -> Iterator[Blog]:
    """Corpora left out, each with a base that was trained without it."""
    dataset = gather(data_dir, BASE)
    plan = design(dataset, BASE.bits, phrases=learn_phrases(dataset, data_dir))
    labels = dataset.labels("spam")
    seeds, folds = dataset.origin == "seeds", dataset.folds(5)
    of = {name: dataset.origin == name for name in ("youtube-spam", "telegram-ru", "sms-spam", "tech-blog-ham")}
    tests = {
        "YouTube": of["youtube-spam"],
        "Telegram (ru)": of["telegram-ru"],
        "SMS": of["sms-spam"],
        "tech blog, spam of a fifth of the seeds": of["tech-blog-ham"] | (seeds & (folds == 0) & (labels == 1)),
    }
    for name, test in tests.items():
        yield _blog(name, dataset, plan, labels, test & ~np.isnan(labels), seeds & ~test & (folds != 0))


def _blog(
    name: str, dataset: Dataset, plan: Design, labels: Floats, test: NDArray[np.bool_], anchors: NDArray[np.bool_]
) -> Blog:
    choices = BASE.heads["spam"]
    weight = head_weights(dataset, labels, BASE, choices) * ~test
    column, bias = fit_head(plan.matrix, labels[plan.row], weight[plan.row] * plan.weight, choices.strength, BASE.mass)
    some = np.random.default_rng(0).permutation(np.flatnonzero(anchors))[:MOST_ANCHORS]
    matrix = plan.matrix[: labels.size]

    def both(rows: NDArray[np.int64]) -> Floats:
        spam = matrix[rows] @ column + bias
        return np.stack([spam, np.zeros(rows.size)], axis=1)

    targets = np.stack([labels[some], np.full(some.size, np.nan)], axis=1)
    rows = np.flatnonzero(test)
    return Blog(name, matrix[rows], both(rows), labels[rows] >= 0.5, Anchors(matrix[some], both(some), targets))


def drawn(blog: Blog, size: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Labels drawn at random, a quarter of them spam; all count as drawn."""
    random = np.random.default_rng(number)
    spam = random.permutation(np.flatnonzero(blog.spam))[: max(1, round(size * SPAM_SHARE))]
    ham = random.permutation(np.flatnonzero(~blog.spam))[: size - max(1, round(size * SPAM_SHARE))]
    rows = np.concatenate([spam, ham])
    too_many = spam.size > 0.6 * blog.spam.sum() or ham.size > 0.6 * (~blog.spam).sum()
    return None if rows.size < size or too_many else (rows, np.ones(rows.size, dtype=bool))


def reviewed(blog: Blog, size: int, number: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]] | None:
    """Labels as a queue gives them: of a stream with a quarter of spam all that the base holds, and a twentieth."""
    random = np.random.default_rng(number)
    ham = random.permutation(np.flatnonzero(~blog.spam))
    spam = random.permutation(np.flatnonzero(blog.spam))[: ham.size // 3]
    stream = random.permutation(np.concatenate([spam, ham[: 3 * spam.size]]))
    by_chance = random.random(stream.size) < DRAWN
    seen = (blog.base[stream, 0] > 0) | by_chance
    rows = stream[seen][:size]
    return None if rows.size < size or rows.size > 0.6 * blog.spam.size else (rows, by_chance[seen][:size])


def weighed(blog: Blog, rows: NDArray[np.int64], by_chance: NDArray[np.bool_]) -> Weighed:
    """Labels as a training weighs them."""
    kept = tuple(
        _label(n, spam, 1.0 if drawn else None)
        for n, spam, drawn in zip(rows.tolist(), blog.spam[rows].tolist(), by_chance.tolist(), strict=True)
    )
    targets = np.stack([blog.spam[rows].astype(np.float64), np.full(rows.size, np.nan)], axis=1)
    return Weighed(kept, targets, np.ones(rows.size), 0)


def _label(number: int, spam: bool, share: float | None) -> Kept:
    outcome = Outcome.SPAM if spam else Outcome.HAM
    words = hashlib.blake2b(str(number).encode(), digest_size=12).hexdigest()
    return Kept(f"{number:032x}", outcome, "bench", 0, "", words, Decision.HOLD, {}, share, "")


def figures(scores: Floats, spam: NDArray[np.bool_]) -> tuple[float, float]:
    """AUC, and recall at 0.1 % false positives."""
    table = measures.curve(scores, spam, np.ones((1, spam.size)))
    return float(measures.auc(table)[0]), float(measures.recall_at(table, 0.001)[0])


def rows_of(blog: Blog) -> Iterator[tuple[str, ...]]:
    """A row for each way, size and blog: base, labels alone, both."""
    for way, pick in (("drawn", drawn), ("queue", reviewed)):
        for size in SIZES:
            found: list[tuple[float, ...]] = []
            trusts = []
            for number in range(DRAWS):
                picked = pick(blog, size, number)
                if picked is None:
                    break
                rows, by_chance = picked
                rest = np.setdiff1d(np.arange(blog.spam.size), rows)
                labels = weighed(blog, rows, by_chance)
                ours = adapt(blog.base[rows], blog.matrix[rows], labels, blog.anchors).corrections["spam"]
                alone = adapt(np.zeros_like(blog.base[rows]), blog.matrix[rows], labels, None).corrections["spam"]
                trusts.append(ours.trust)
                each = (
                    blog.base[rest, 0],
                    alone.logits(np.zeros(rest.size), blog.matrix[rest]),
                    ours.logits(blog.base[rest, 0], blog.matrix[rest]),
                )
                found.append(tuple(value for one in each for value in figures(one, blog.spam[rest])))
            if len(found) == DRAWS:
                mean = np.array(found).mean(axis=0)
                cells = [f"{mean[2 * k]:.3f} / {mean[2 * k + 1]:.3f}" for k in range(3)]
                yield blog.name, way, f"{size:,}", *cells, "/".join(f"{one:g}" for one in sorted(trusts))


def fill(database: str, secret: str, count: int) -> None:
    """A site with so many reviewed comments, written straight into the tables."""
    from moderation.store import migrate
    from moderation.store.database import open_database
    from moderation.store.sites import Sites

    engine = open_database(database)
    migrate.upgrade(engine)
    site = Sites(engine, secret.encode()).create_site("blog").id
    random, words = np.random.default_rng(0), [f"word{n}" for n in range(30_000)]
    step, now = 5_000, int(time.time() * 1000)
    empty = {"decision": "hold", "scores": "{}", "baseline": "{}", "reasons": "[]", "model": "base", "policy": "base+0"}
    for low in range(0, count, step):
        ids = [f"{now - count + n:012x}{random.integers(2**63):020x}" for n in range(low, min(low + step, count))]
        spam = random.random(len(ids)) < SPAM_SHARE
        texts = [_text(random, words, one) for one in spam.tolist()]
        bodies = [msgspec.json.encode({"text": text}).decode() for text in texts]
        at = [now - (count - low - n) for n in range(len(ids))]
        with engine.begin() as connection:
            own = [
                {"id": one, "site_id": site, "is_test": False, "received_at": when}
                for one, when in zip(ids, at, strict=True)
            ]
            connection.execute(comments.insert(), own)
            first = [
                {"comment_id": one, "number": 1, "digest": one * 2, "body": body, "received_at": when, "traces": "[]"}
                for one, body, when in zip(ids, bodies, at, strict=True)
            ]
            connection.execute(revisions.insert(), first)
            same = {"number": 1, "revision": 1, "judged_at": 0, "evidence": '{"text":0.1}', **empty}
            judged = [{"comment_id": one, **same} for one in ids]
            connection.execute(verdicts.insert(), judged)
            said = [
                {"comment_id": one, "number": 1, "outcome": outcome, "reviewer": "ann", "reviewed_at": when}
                for one, outcome, when in zip(ids, np.where(spam, "spam", "ham").tolist(), at, strict=True)
            ]
            connection.execute(reviews.insert(), said)
    engine.dispose()


def _text(random: np.random.Generator, words: list[str], spam: bool) -> str:
    """Words as they are met in speech (Zipf's law), those of spam from another place in the list."""
    ranks = np.minimum(random.zipf(1.3, 16), 15_000) + (5 if spam and random.random() < 0.9 else 0)
    return " ".join(words[rank % len(words)] for rank in ranks.tolist())


def time_of(count: int) -> tuple[str, ...]:
    """One training in a process of its own, on two cores."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "HAMLET_DATABASE": str(Path(folder, "hamlet.db")),
            "HAMLET_SECRET": "of the benchmark alone",
            "HAMLET_MODEL_CACHE": str(Path(folder, "cache")),
        }
        environment.pop("HAMLET_DATA_DIR", None)
        fill(environment["HAMLET_DATABASE"], environment["HAMLET_SECRET"], count)
        command = [sys.executable, "-m", "bench.learning", "train"]
        begun = time.perf_counter()
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        seconds = time.perf_counter() - begun
        told = json.loads(done.stdout.splitlines()[-1])
        return f"{count:,}", f"{seconds:,.1f}", f"{told['megabytes']:,.0f}", told["headline"]


def train_here() -> None:
    """What ``hamlet train`` does, and the memory it took."""
    from click.testing import CliRunner

    from hamlet.cli import cli

    result = CliRunner().invoke(cli, ["train", "--site", "blog"])
    told = result.stdout.splitlines()[0] if result.stdout else repr(result.exception)
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    kilobytes = max(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, children)
    print(json.dumps({"megabytes": kilobytes / 1024, "headline": told}))


def main() -> None:
    """Measure, and print."""
    # First, while this process is small: the system counts a parent's memory as its child's.
    sizes = [int(one) for one in os.environ.get("BENCH_LABELS", "10000").split(",")]
    columns = ("labels", "seconds", "peak memory, MB", "outcome")
    show("hamlet train, start to end", columns, [time_of(one) for one in sizes], "BENCH_LABELS=10000,1000000 for both.")
    data_dir = os.environ.get("HAMLET_DATA_DIR")
    if data_dir:
        with threadpool_limits(1):
            rows = [row for blog in blogs(Path(data_dir)) for row in rows_of(blog)]
        show(
            "A site's own model after so many reviews: AUC / recall at 0.1 % false positives",
            ("blog, left out of the base", "labels", "", "base", "labels alone", "site model", "trust chosen"),
            rows,
            f"Means of {DRAWS} draws; a quarter is spam. Trusts tried: {TRUSTS}; seeds count for {ANCHORS}."
            " drawn: all at random; queue: what the base holds, and a twentieth at random.",
        )


if __name__ == "__main__":
    train_here()
