"""Time of a comment that ten thousand rules are held against."""

from dataclasses import replace
from functools import partial

from bench.scoring import microseconds
from bench.tables import show
from moderation import artifact
from moderation.check import Judging, judge
from moderation.classifier import Classifier
from moderation.comment import Author, Comment
from moderation.policy import make_policy
from moderation.rules import Rule, RuleSet
from moderation.rules.checked import checked
from moderation.settings import ROOT

RULES = 10_000
VALUES = {
    "domain": "casino{i}.example",
    "email": "spammer{i}@example.org",
    "ip": "10.{high}.{low}.0/24",
    "name": "Spammer {i}",
    "word": "buy cheap{i} pills",
    "regex": r"bonus{i}\s+code\d*",
}
TEXT = "Thanks, step three fixed it for me; see http://docs.example/ and the second code sample there. "


def many(kind: str) -> list[Rule]:
    """As many rules of a kind, or of all kinds in turn."""
    kinds = [kind] if kind in VALUES else list(VALUES)
    values = (VALUES[kinds[i % len(kinds)]].format(i=i, high=i // 256, low=i % 256) for i in range(RULES))
    return [checked("block", kinds[i % len(kinds)], value).numbered(i + 1) for i, value in enumerate(values)]


def main() -> None:
    """Measure and print."""
    classifier = Classifier.load(artifact.find(ROOT / "models"))
    author = Author(name="Ann", email="ann@example.org", url="http://ann.example", ip="192.0.2.7")
    comments = [[Comment(text=text, author=author)] for text in ((TEXT * 2)[:95], (TEXT * 30)[:2_000])]
    rows = []
    for kind in ("none", "all kinds", *VALUES):
        rules = RuleSet(() if kind == "none" else many(kind))
        judging = Judging(classifier, replace(make_policy(classifier.manifest), rules=rules))
        rows.append((kind, *(f"{microseconds(partial(judge, comment, judging)):,.0f}" for comment in comments)))
    show(f"Time of a verdict, in microseconds, with {RULES:,} rules", ("rules", "95 characters", "2,000"), rows)
