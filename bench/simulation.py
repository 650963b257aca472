"""Blogs for thirty days, each with two hundred regulars, passers-by and three spam campaigns that paraphrase and move
about.

Texts are seeds that the model in use has not seen: it is trained on a third of them, and on nothing else, so its
figures are worse than the shipped model's. Every morning a moderator reviews what was held the day before, and
notices half of the spam that came through.
"""

import random
import re
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from bench.tables import show
from moderation.check import Judging, Submission, check_comments
from moderation.classifier import Classifier
from moderation.comment import Author, Comment, Form, LabelledComment, Post
from moderation.past import DAY, Outcome
from moderation.policy import Choices, make_policy
from moderation.signals import SIGNALS
from moderation.store import Review, migrate
from moderation.store.database import open_database
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from training.corpora import read_seeds
from training.train import train_base

DAYS, REGULARS, PASSERS_BY, STRAY_SPAM = 30, 200, 15, 20
WORLDS = 4
"""Blogs, with other people, campaigns and times; the figures are of all together."""
CAMPAIGNS = 3
COPIES = 40
"""Spam of each campaign on a day it runs."""
BEGIN = datetime(2026, 1, 5, tzinfo=UTC)
SECRET = b"of the simulation alone"
NOTICED = 0.5
"""Of the spam that came through, what the moderator notices."""
LEARNT = 0.35
"""Of the seeds, what the model is trained on."""


@dataclass(frozen=True)
class Arrival:
    """A comment on its way to the site, and the truth about it."""

    comment: Comment
    spam: bool
    regular: bool = False


@dataclass(frozen=True)
class Regular:
    """Somebody who comes back."""

    author: Author
    network: str
    a_day: float


class World:
    """Everybody who writes to the blog; the same for every run."""

    def __init__(self, ham: Sequence[LabelledComment], spam: Sequence[LabelledComment], number: int) -> None:
        self._random = random.Random(number)
        self.number = number
        self._ham, self._spam = list(ham), list(spam)
        self._random.shuffle(self._ham)
        self._random.shuffle(self._spam)
        self._names = sorted({one.author.name for one in ham if one.author is not None and one.author.name})
        self._random.shuffle(self._names)
        self._regulars = [self._regular(number) for number in range(REGULARS)]
        long = [one.text for one in self._spam if 25 <= len(one.text.split()) <= 80]
        self._campaigns = long[:CAMPAIGNS]
        self._deck = iter(self._ham)
        self._words = [word for one in self._spam[:300] for word in one.text.split() if word.isalpha()]

    def _regular(self, number: int) -> Regular:
        pick = self._random
        network = f"{pick.randint(1, 220)}.{pick.randint(0, 255)}.{pick.randint(0, 255)}"
        url = f"https://reader{number}.example" if pick.random() < 0.3 else None
        name = self._names[number % len(self._names)]
        author = Author(name=name, email=f"reader{number}@mail{number % 7}.example", url=url)
        return Regular(author, network, pick.choice((0.05, 0.1, 0.2, 0.4, 0.6)))

    def day(self, number: int) -> list[Arrival]:
        """What arrives on a day, in order of time."""
        arrivals = [*self._ham_of(), *self._spam_of(number)]
        times = sorted(self._random.random() for _ in arrivals)
        self._random.shuffle(arrivals)
        start = BEGIN + timedelta(days=number)
        return [
            replace(one, comment=msgspec.structs.replace(one.comment, submitted_at=start + timedelta(days=share)))
            for one, share in zip(arrivals, times, strict=True)
        ]

    def _next_ham(self) -> LabelledComment:
        """Every text is written once: a second time it would be a near-copy of the first."""
        try:
            return next(self._deck)
        except StopIteration:
            raise SystemExit("simulation: more ham is needed than there are seeds; make REGULARS write less") from None

    def _ham_of(self) -> Iterator[Arrival]:
        pick = self._random
        for one in self._regulars:
            if pick.random() < one.a_day:
                author = msgspec.structs.replace(one.author, ip=f"{one.network}.{pick.randint(1, 254)}")
                form = Form(seconds_to_submit=pick.uniform(20, 900))
                yield Arrival(self._written(self._next_ham(), author, form), False, True)
        for _ in range(PASSERS_BY):
            who = pick.getrandbits(32)
            author = Author(name=pick.choice(self._names), email=f"g{who}@mail.example", ip=self._address())
            yield Arrival(self._written(self._next_ham(), author, Form(seconds_to_submit=60)), False)

    def _spam_of(self, day: int) -> Iterator[Arrival]:
        pick = self._random
        for number, text in enumerate(self._campaigns):
            if (day + number * 2) % 7 >= 4:  # A campaign pauses, and comes back.
                continue
            domains = [f"{pick.choice(self._words).lower()}{pick.randint(1, 999)}.example" for _ in range(6)]
            for _ in range(COPIES):
                author = self._spammer(pick.choice(domains))
                form = Form(seconds_to_submit=pick.uniform(2, 40))
                yield Arrival(Comment(text=self._paraphrased(text), author=author, form=form), True)
        for _ in range(STRAY_SPAM):
            one = pick.choice(self._spam)
            author = one.author or self._spammer("")
            author = msgspec.structs.replace(author, ip=self._address())
            yield Arrival(self._written(one, author, Form(seconds_to_submit=pick.uniform(2, 60))), True)

    def _written(self, seed: LabelledComment, author: Author, form: Form) -> Comment:
        return Comment(
            text=seed.text, author=author, form=form, post=Post(title=seed.post.title) if seed.post else None
        )

    def _spammer(self, domain: str) -> Author:
        who = self._random.getrandbits(40)
        url = f"http://{domain}/" if domain else None
        return Author(name=f"Alex {who % 9973}", email=f"alex{who}@free.example", url=url, ip=self._address())

    def _address(self) -> str:
        return ".".join(str(self._random.randint(1, 254)) for _ in range(4))

    def _paraphrased(self, text: str) -> str:
        """The text with a word in eight left out, doubled or replaced."""
        words: list[str] = []
        for word in re.findall(r"\S+", text):
            chance = self._random.random()
            if chance < 0.04:
                continue
            words.append(self._random.choice(self._words) if chance < 0.1 else word)
            if chance > 0.975:
                words.append(self._random.choice(self._words))
        return " ".join(words)


Day = Counter[str]
"""What became of one day's comments: how many of each kind, and of each kind and decision."""


def run(world: World, classifier: Classifier, folder: Path, name: str) -> list[Day]:
    """Thirty days under one way of judging."""
    engine = open_database(str(folder / f"{name} {world.number}.db"))
    migrate.upgrade(engine)
    site = Sites(engine, SECRET).create_site("blog")
    store, pick = SqlStore(engine), random.Random(9)
    off = () if name == "signals on" else tuple(signal.code for signal in SIGNALS)
    choices = Choices(signals_off=off, flood_per_hour=600 if not off else 0)
    judging = Judging(classifier, make_policy(classifier.manifest, choices))
    days = []
    for number in range(DAYS):
        counts: Counter[str] = Counter()
        to_review: list[tuple[str, bool]] = []
        for one in world.day(number):
            comment = one.comment
            if name == "text only":
                comment = Comment(text=comment.text, submitted_at=comment.submitted_at)
            assert comment.submitted_at is not None
            now = int(comment.submitted_at.timestamp() * 1000)
            (checked,) = check_comments([Submission(site.id, comment, judging)], store=store, secret=SECRET, now=now)
            decision = checked.verdict.decision
            kind = "spam" if one.spam else "regular" if one.regular else "passer-by"
            counts.update([kind, f"{kind} {decision}"])
            if decision is Decision.HOLD or (decision is Decision.ACCEPT and one.spam and pick.random() < NOTICED):
                to_review.append((checked.id, one.spam))
        morning = int(BEGIN.timestamp() * 1000) + (number + 1) * DAY
        for comment_id, spam in to_review:
            store.review(site.id, comment_id, Review(Outcome.SPAM if spam else Outcome.HAM, "moderator", morning))
        days.append(counts)
    engine.dispose()
    return days


def summed(runs: Sequence[Sequence[Day]]) -> list[Day]:
    """Several blogs as one, day by day."""
    return [sum(days, Counter()) for days in zip(*runs, strict=True)]


def trained_on_some(folder: Path) -> tuple[Classifier, list[LabelledComment]]:
    """A model of some of the seeds, and the others."""
    seeds = [one for one in read_seeds() if max(v for k, v in one.labels.items() if k != "spam") < 0.5]
    random.Random(1).shuffle(seeds)
    learnt = round(len(seeds) * LEARNT)
    (folder / "seeds").mkdir()
    lines = [msgspec.json.encode(one) for one in seeds[:learnt]]
    (folder / "seeds" / "some.jsonl").write_bytes(b"\n".join(lines) + b"\n")
    train_base(folder / "base" / "some", None, seeds=folder / "seeds")
    return Classifier.load(folder / "base" / "some"), seeds[learnt:]


def share(days: Sequence[Day], kind: str, decision: str) -> str:
    """Of all comments of a kind, how many were decided so, in per cent."""
    whole = sum(day[kind] for day in days)
    return f"{100 * sum(day[f'{kind} {decision}'] for day in days) / max(whole, 1):.1f}"


COLUMNS = (
    ("spam in", "spam", "accept"),
    ("spam out", "spam", "reject"),
    ("regulars held", "regular", "hold"),
    ("lost", "regular", "reject"),
    ("guests held", "passer-by", "hold"),
    ("lost", "passer-by", "reject"),
)
_DAILY = (("spam in", "spam", "accept"), ("held", "regular", "hold"), ("lost", "regular", "reject"))


def main() -> None:
    """Simulate and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        classifier, unseen = trained_on_some(folder)
        ham = [one for one in unseen if one.labels["spam"] < 0.5]
        spam = [one for one in unseen if one.labels["spam"] >= 0.5]
        found = {
            way: summed([run(World(ham, spam, number), classifier, folder, way) for number in range(WORLDS)])
            for way in ("signals on", "signals off", "text only")
        }
    weeks = [("week 1", 0, 7), ("week 2", 7, 14), ("week 3", 14, 21), ("week 4", 21, 28), ("all 30 days", 0, 30)]
    rows = [
        (f"{way}, {told}", *(share(days[low:high], kind, decision) for _, kind, decision in COLUMNS))
        for way, days in found.items()
        for told, low, high in weeks
    ]
    total = (
        sum(day["spam"] for day in found["signals on"]),
        sum(day["regular"] + day["passer-by"] for day in found["signals on"]),
    )
    show(
        f"{WORLDS} blogs for 30 days, in per cent of the comments of each kind",
        ("", *(head for head, _, _ in COLUMNS)),
        rows,
        f"{total[0]:,} spam, {total[1]:,} ham. In: accepted; out, lost: rejected."
        " The model learnt from a third of the seeds, the texts are the others.",
    )
    daily = [
        (
            str(number + 1),
            *(share([days[number]], kind, decision) for days in found.values() for _, kind, decision in _DAILY),
        )
        for number in range(DAYS)
    ]
    short = {"signals on": "+", "signals off": "-", "text only": "="}
    heads = tuple(f"{short[way]} {head}" for way in found for head, _, _ in _DAILY)
    show("By day, in per cent (+ signals on, - signals off, = text only)", ("day", *heads), daily)
