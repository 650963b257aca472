"""Extra time of a check as a site's history grows, on SQLite: it should stay flat."""

import random
import tempfile
import time
from pathlib import Path

from sqlalchemy import Engine

from bench.tables import show
from moderation import artifact
from moderation.campaigns import Sketch
from moderation.check import Judging, Submission, assess, check_comments
from moderation.classifier import Classifier
from moderation.comment import Author, Comment
from moderation.past import traces_of
from moderation.policy import make_policy
from moderation.settings import ROOT
from moderation.store import Judged, Trail, migrate
from moderation.store.database import open_database
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision, Verdict
from training.corpora import read_seeds

SIZES = (0, 10_000, 1_000_000)
CHECKS = 300
SECRET = b"of the bench alone"
AT_ONCE = 5_000
VERDICT = Verdict(Decision.ACCEPT, {}, {}, (), "bench", "bench")


def authored(text: str, number: int, random_: random.Random) -> Comment:
    """A comment with all author fields, by one of as many people as a tenth of the comments."""
    who = random_.randrange(1 + number // 10)
    ip = f"10.{who >> 16 & 255}.{who >> 8 & 255}.{who & 255}"
    author = Author(name=f"Reader {who}", email=f"reader{who}@example.org", url=f"https://r{who}.example", ip=ip)
    return Comment(text=f"{text} ({number})", author=author)


def grow(store: SqlStore, texts: list[str], low: int, high: int) -> None:
    """Add comments ``low`` to ``high`` to site 1, with their traces and sketches, without judging them."""
    random_ = random.Random(low)
    for start in range(low, high, AT_ONCE):
        rows = []
        for number in range(start, min(start + AT_ONCE, high)):
            comment = authored(texts[number % len(texts)], number, random_)
            traces = tuple(traces_of(comment, (), "en", SECRET))
            # Sketches of texts that have nothing to do with each other: as many keys as real ones.
            keys = tuple(random_.getrandbits(63) for _ in range(8))
            sketch = Sketch(keys, random_.randbytes(64))
            when = 1_700_000_000_000 + number
            rows.append(Judged(1, comment, "0" * 64, VERDICT, Trail(traces, sketch, when, live=False)))
        store.record(rows)


def microseconds(engine: Engine, classifier: Classifier, texts: list[str]) -> tuple[float, float]:
    """Median time of a check that is kept, and of its look into the past."""
    store, random_ = SqlStore(engine), random.Random(1)
    judging = Judging(classifier, make_policy(classifier.manifest))
    whole, looks = [], []
    for number in range(CHECKS):
        one = Submission(1, authored(texts[-1 - number % len(texts)], 10_000_000 + number, random_), judging)
        begun = time.perf_counter()
        check_comments([one], store=store, secret=SECRET)
        whole.append(time.perf_counter() - begun)
        (found,) = assess([one], memory=store, secret=SECRET)
        begun = time.perf_counter()
        store.recall([(1, found.trail)])
        looks.append(time.perf_counter() - begun)
    return sorted(whole)[CHECKS // 2] * 1e6, sorted(looks)[CHECKS // 2] * 1e6


def alone(classifier: Classifier, texts: list[str]) -> float:
    """Median time of a verdict without a store."""
    judging, random_, times = Judging(classifier, make_policy(classifier.manifest)), random.Random(1), []
    for number in range(CHECKS):
        one = Submission(1, authored(texts[-1 - number % len(texts)], 10_000_000 + number, random_), judging)
        begun = time.perf_counter()
        assess([one])
        times.append(time.perf_counter() - begun)
    return sorted(times)[CHECKS // 2] * 1e6


def main() -> None:
    """Measure and print."""
    classifier = Classifier.load(artifact.find(ROOT / "models"))
    texts = [seed.text for seed in read_seeds() if len(seed.text) < 400]
    random.Random(0).shuffle(texts)
    base, rows = alone(classifier, texts), []
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(str(Path(folder, "hamlet.db")))
        migrate.upgrade(engine)
        Sites(engine, SECRET).create_site("bench")
        held = 0
        for size in SIZES:
            grow(SqlStore(engine), texts, held, size)
            held = size
            whole, look = microseconds(engine, classifier, texts)
            bytes_ = Path(folder, "hamlet.db").stat().st_size
            rows.append((f"{size:,}", f"{whole:,.0f}", f"{whole - base:,.0f}", f"{look:,.0f}", f"{bytes_ / 1e6:,.0f}"))
    show(
        "Time of a check by the comments its site has, in microseconds (median)",
        ("comments", "kept check", "more than a verdict alone", "look into the past", "database, MB"),
        rows,
        f"A verdict alone, without a store: {base:,.0f}. One comment a commit, SQLite, in this process.",
    )
