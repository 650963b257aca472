"""A site with people's judgements, to learn from."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Engine, insert

from moderation.check import Judging, Submission, check_comments
from moderation.classifier import Classifier
from moderation.comment import Author, Comment
from moderation.past import DAY, Outcome
from moderation.policy import make_policy
from moderation.store import Review, now_ms
from moderation.store.schema import samples
from moderation.store.sites import Site, Sites
from moderation.store.sql import SqlStore

SECRET = b"sixteen bytes or more"
_SYLLABLES = [consonant + vowel for consonant in "bdklmnr" for vowel in "aeiou"]
_WORDS = [a + b + c for a in _SYLLABLES[:12] for b in _SYLLABLES[12:24] for c in _SYLLABLES[24:]]


def wares(number: int) -> str:
    """What somebody keeps advertising on this blog, in words that no base model knows; no two are near-copies."""
    return _said(number, _WORDS[:40], "Pavel")


def talk(number: int) -> str:
    """What readers of this blog say, likewise."""
    return _said(number, _WORDS[40:80], "Irena")


def _said(number: int, own: list[str], who: str) -> str:
    pick = random.Random(f"{who} {number}")  # Choices, no secrets.
    words = pick.sample(own, 6) + pick.sample(_WORDS[80:], 10) + [who]
    pick.shuffle(words)
    return " ".join(words).capitalize()


@dataclass
class Blog:
    """A site whose comments can be judged, by the shipped model unless another is given."""

    engine: Engine
    model: Classifier
    site: Site = field(init=False)

    def __post_init__(self) -> None:
        self.sites = Sites(self.engine, SECRET)
        self.sites.check_secret()
        self.site = self.sites.create_site("blog")
        self.store = SqlStore(self.engine)

    def say(
        self,
        texts: Iterable[str],
        outcome: Outcome,
        *,
        by: str = "ann",
        age: float = 1.0,
        share: float | None = None,
        author: Author | None = None,
    ) -> list[str]:
        """Comments that came and were settled ``age`` days ago; their ids."""
        judging = Judging(self.model, make_policy(self.model.manifest, self.site.choices))
        asked = [Submission(self.site.id, Comment(text=text, author=author), judging) for text in texts]
        ids = [one.id for one in check_comments(asked, store=self.store, secret=SECRET)]
        for place, comment_id in enumerate(ids):
            at = now_ms() - int(age * DAY) + place
            self.store.review(self.site.id, comment_id, Review(outcome, by, at))
        if share is not None:
            with self.engine.begin() as connection:
                rows = [{"comment_id": one, "site_id": self.site.id, "share": share} for one in ids]
                connection.execute(insert(samples), rows)
        return ids

    def settle(self, *, spam: int, ham: int, age: float = 2.0, first: int = 0, **more: object) -> None:
        """So many of either."""
        self.say(map(wares, range(first, first + spam)), Outcome.SPAM, age=age, **more)  # type: ignore[arg-type]
        self.say(map(talk, range(first, first + ham)), Outcome.HAM, age=age, **more)  # type: ignore[arg-type]
