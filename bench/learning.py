"""Learning curves of a site's own model, on blogs that the base has never seen; the poisoning of one; and the time and
memory that a training takes.

A corpus that is left out of the base model's training plays the blog. A quarter of its labels is spam. Two ways for
labels to come: drawn at random (a history that was imported), or from what the base held, as in a queue, with a
twentieth drawn at random. Tested is on what is left of the blog.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from jinja2 import Environment, FileSystemLoader
from markupsafe import Markup
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from bench.tables import show
from moderation.past import Outcome
from moderation.store import is_drawn
from moderation.store.schema import comments, reviews, revisions, samples, verdicts
from moderation.verdict import Decision
from training import measures
from training.adapt import Anchors, Correction, adapt
from training.labels import Kept, Weighed
from training.page import TEMPLATES
from training.plots import TENTHS, Axes, Line, lines
from training.recipes import BASE
from training.rows import Rows
from training.train import Dataset, Design, design, fit_head, gather, head_weights, learn_phrases

Floats = NDArray[np.float64]
Figures = tuple[float, float]
SIZES = (10, 50, 200, 1_000)
DRAWS = 5
SPAM_SHARE, DRAWN = 0.25, 0.05
MOST_ANCHORS = 1_500


@dataclass
class Blog:
    """A blog that the base has never seen."""

    name: str
    matrix: Rows
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
        "tech blog, seeds' spam": of["tech-blog-ham"] | (seeds & (folds == 0) & (labels == 1)),
    }
    for name, test in tests.items():
        yield _blog(name, dataset, plan, labels, test & ~np.isnan(labels), seeds & ~test & (folds != 0))


def _blog(
    name: str, dataset: Dataset, plan: Design, labels: Floats, test: NDArray[np.bool_], anchors: NDArray[np.bool_]
) -> Blog:
    choices = BASE.heads["spam"]
    weight = head_weights(dataset, labels, BASE, choices) * ~test
    column, bias = fit_head(plan, labels, weight, BASE, choices)
    some = np.random.default_rng(0).permutation(np.flatnonzero(anchors))[:MOST_ANCHORS]
    matrix = plan.matrix[: labels.size]

    def both(rows: NDArray[np.int64]) -> Floats:
        spam = matrix[rows] @ column + bias
        return np.stack([spam, np.zeros(rows.size)], axis=1)

    targets = np.stack([labels[some], np.full(some.size, np.nan)], axis=1)
    rows = np.flatnonzero(test)
    anchors_ = Anchors(Rows.of(matrix[some]), both(some), targets)
    return Blog(name, Rows.of(matrix[rows]), both(rows), labels[rows] >= 0.5, anchors_)


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
    return Kept(f"{number:032x}", outcome, "bench", 0, number, number, Decision.HOLD, b"{}", share, "")


def figures(scores: Floats, spam: NDArray[np.bool_]) -> Figures:
    """AUC, and recall at 0.1 % false positives."""
    table = measures.curve(scores, spam, np.ones((1, spam.size)))
    return float(measures.auc(table)[0]), float(measures.recall_at(table, 0.001)[0])


@dataclass(frozen=True)
class Point:
    """What came of so many labels: AUC and recall at 0.1 % false positives of base, labels alone and site model."""

    blog: str
    way: str
    size: int
    base: tuple[float, float]
    alone: tuple[float, float]
    site: tuple[float, float]
    chosen: str


def points_of(blog: Blog) -> Iterator[Point]:
    """A point for each way and size."""
    for way, pick in (("drawn", drawn), ("queue", reviewed)):
        for size in SIZES:
            picks = [pick(blog, size, number) for number in range(DRAWS)]
            found = [_learnt(blog, *one) for one in picks if one is not None]
            if len(found) == DRAWS:
                base, alone, site = map(tuple, np.array([one for one, _ in found]).mean(axis=0).tolist())
                chosen = Counter(f"{one.trust:g} / {one.anchor:g}" for _, one in found).most_common(1)[0][0]
                yield Point(blog.name, way, size, base, alone, site, chosen)


def _learnt(blog: Blog, rows: NDArray[np.int64], by_chance: NDArray[np.bool_]) -> tuple[list[Figures], Correction]:
    rest = np.setdiff1d(np.arange(blog.spam.size), rows)
    labels, mine, others = weighed(blog, rows, by_chance), Rows.of(blog.matrix[rows]), Rows.of(blog.matrix[rest])
    ours = adapt(blog.base[rows], mine, labels, blog.anchors).corrections["spam"]
    alone = adapt(np.zeros_like(blog.base[rows]), mine, labels, None).corrections["spam"]
    base = blog.base[rest, 0]
    scores = base, alone.logits(np.zeros(rest.size), others), ours.logits(base, others)
    return [figures(one, blog.spam[rest]) for one in scores], ours


def plots(points: Sequence[Point]) -> Iterator[str]:
    """A plot of recall for each blog and way."""
    for blog, way in dict.fromkeys((one.blog, one.way) for one in points):
        mine = [one for one in points if (one.blog, one.way) == (blog, way)]
        ticks = [(float(size), f"{size:,}") for size in SIZES]
        axes = Axes(
            (SIZES[0], SIZES[-1]), (0, 1), ticks, TENTHS, "labels", "recall at 0.1 % false positives", log_x=True
        )
        recalls = {
            "base": [(float(one.size), one.base[1]) for one in mine],
            "labels alone": [(float(one.size), one.alone[1]) for one in mine],
            "site model": [(float(one.size), one.site[1]) for one in mine],
        }
        yield lines(f"{blog}, {way}", axes, [Line(name, found, dots=True) for name, found in recalls.items()])


def write_plots(points: Sequence[Point], file: Path) -> None:
    """The plots in one page that needs nothing from anywhere."""
    environment = Environment(loader=FileSystemLoader(TEMPLATES), autoescape=True)
    page = environment.get_template("site.html").render(
        name="sites on blogs that the base has never seen",
        headline="Recall at 0.1 % false positives after so many labels: base, labels alone, site model.",
        note=f"Means of {DRAWS} draws; a quarter is spam. drawn: all at random; queue: what the base holds.",
        plots=[Markup(plot) for plot in plots(points)],
    )
    file.write_text(page, encoding="utf-8")


def fill(database: str, secret: str, count: int, share: float) -> None:
    """A site with so many reviewed comments, a share of them drawn at random, written straight into the tables."""
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
        ids = [f"{now - count + n:012x}{random.bytes(10).hex()}" for n in range(low, min(low + step, count))]
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
            chosen = [{"comment_id": one, "site_id": site, "share": share} for one in ids if is_drawn(one, share)]
            if chosen:
                connection.execute(samples.insert(), chosen)
    engine.dispose()


def _text(random: np.random.Generator, words: list[str], spam: bool) -> str:
    """Words as they are met in speech (Zipf's law), those of spam from another place in the list."""
    ranks = np.minimum(random.zipf(1.3, 16), 15_000) + (5 if spam and random.random() < 0.9 else 0)
    return " ".join(words[rank % len(words)] for rank in ranks.tolist())


def time_of(count: int, share: float) -> tuple[str, ...]:
    """One training in a process of its own, on two cores."""
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            **os.environ,
            "HAMLET_DATABASE": str(Path(folder, "hamlet.db")),
            "HAMLET_SECRET": "of the benchmark alone",
            "HAMLET_MODEL_CACHE": str(Path(folder, "cache")),
        }
        environment.pop("HAMLET_DATA_DIR", None)
        fill(environment["HAMLET_DATABASE"], environment["HAMLET_SECRET"], count, share)
        command = [sys.executable, "-m", "hamlet", "train", "--site", "blog"]
        begun = time.perf_counter()
        child = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        _, status, used = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - begun
        child.returncode = os.waitstatus_to_exitcode(status)
        outcome = {0: "passed", 1: "refused"}.get(child.returncode, f"exit code {child.returncode}")
        return f"{count:,}", f"{share:.0%}", f"{seconds:,.1f}", f"{used.ru_maxrss / 1024:,.0f}", outcome


def main() -> None:
    """Measure, and print."""
    # First, while this process is small: the system counts a parent's memory as its child's.
    sizes = [int(one) for one in os.environ.get("BENCH_LABELS", "10000").split(",") if one]
    cases = [(size, share) for size in sizes for share in ((0.0, DRAWN, 1.0) if size <= 10_000 else (DRAWN,))]
    if cases:
        columns = ("labels", "drawn at random", "seconds", "peak memory, MB", "gate")
        note = "The words are made up: the base knows nothing, and the gate is severe. BENCH_LABELS=10000,1000000"
        show("hamlet train, start to end", columns, [time_of(*one) for one in cases], note)
    data_dir = os.environ.get("HAMLET_DATA_DIR")
    if data_dir:
        with threadpool_limits(1):
            points = [point for blog in blogs(Path(data_dir)) for point in points_of(blog)]
        cells = (tuple(f"{auc:.3f} / {recall:.3f}" for auc, recall in (p.base, p.alone, p.site)) for p in points)
        show(
            "A site's own model after so many reviews: AUC / recall at 0.1 % false positives",
            ("left out of the base", "way", "labels", "base", "labels alone", "site model", "trust / seeds"),
            [(p.blog, p.way, f"{p.size:,}", *cell, p.chosen) for p, cell in zip(points, cells, strict=True)],
            f"Means of {DRAWS} draws; a quarter is spam. drawn: all at random; queue: what the base holds, and a"
            " twentieth at random; tech blog: its ham with the spam of a fifth of the seeds. BENCH_PLOT=FILE.html draws"
            " it.",
        )
        if "BENCH_PLOT" in os.environ:
            write_plots(points, Path(os.environ["BENCH_PLOT"]))
