"""How the base model is made: every number that is a choice, in one place."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from training.corpora import HEADS


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """Choices of one head."""

    strength: float
    """Inverse of the L2 penalty (scikit-learn's C), for weights that sum to ``Recipe.mass``."""
    boost: dict[str, float] = field(default_factory=dict)
    """Corpus to factor on its weight; 0 leaves it out."""
    boost_harmless: dict[str, float] = field(default_factory=dict)
    """The same for the comments of a corpus that are fine, where they are worth more than the others."""
    bounded_by: tuple[str, ...] = ()
    """Corpora whose harmless comments set the thresholds: those most like what a blog receives. All, if none are."""
    hold_false_positives: float = 0.02
    """Share of the harmless comments of any of these corpora that may be held."""
    reject_false_positives: float = 0.001
    least_reject: float = 0.95
    """Never reject below this score, whatever the data say."""
    most_hold: float = 0.9
    """Always hold from this score on, whatever the data say."""
    hold_at: float | None = None
    """A hold threshold set by hand, for a head with too few labels for a bound; such a head never rejects."""
    even_languages: float = 1.0
    """How far, at most, the classes of a language are weighed up or down to have the odds of all together."""
    contrast: float = 0.0
    """How much less those n-grams may weigh that stand in both classes alike: the power of their log-count ratio."""
    most_in_favour: float = inf
    """What a token may count for a comment, in log-odds before calibration.

    Where a site's commenters link to is a habit of that site, and anybody can link there. Words may say more, and what
    speaks against a comment is not bounded.
    """
    doubts: bool = False
    """Whether positive seeds that show no author weigh as much as other comments make them out to be positive."""
    decides: bool = True
    """Whether the head takes part in decisions; the attributes only inform until a site sets thresholds."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """Choices of a model."""

    bits: int = 18
    heads: dict[str, HeadRecipe] = field(default_factory=dict)
    corpus_power: float = 0.5
    """A corpus of n comments weighs n**power: a large one must not drown the others."""
    mass: float = 10_000.0
    """Sum of all weights of a head, half of it positive."""
    readings: int = 4
    """Readings of each bot template."""
    folds: int = 5
    seed: int = 20261122
    confidence: float = 0.95


# Chat and text messages are another world: they may help a little, and must not teach that short means spam. Of the
# ham, that of a blog is what other blogs are most like; short posts in other languages are less so.
_LIKE_A_BLOG = {
    "seeds": 4.0,
    "youtube-spam": 0.25,
    "telegram-ru": 0.1,
    "sms-spam": 0.05,
    "tech-blog-ham": 3.0,
    "tweets-de": 0.3,
    "tweets-pt": 0.3,
    "news-ko": 0.3,
}
CONTRAST = 0.5
_INFORMS = HeadRecipe(strength=10.0, contrast=CONTRAST, decides=False)
BASE = Recipe(
    heads={
        **dict.fromkeys(HEADS, _INFORMS),
        # A possible threat is for a person to look at, however little else in the comment is rude.
        "severe_toxicity": HeadRecipe(strength=10.0, contrast=CONTRAST, hold_at=0.5),
        "threat": HeadRecipe(strength=10.0, contrast=CONTRAST, hold_at=0.6),
        "spam": HeadRecipe(
            strength=120.0,
            even_languages=3.0,
            contrast=CONTRAST,
            doubts=True,
            most_in_favour=0.5,
            boost=_LIKE_A_BLOG,
            # What viewers write under a song is ham elsewhere, too; what spammers write there is spam of its own kind.
            boost_harmless={"youtube-spam": 1.5},
            bounded_by=(
                "tech-blog-ham",
                "news-politics-hate",
                "reddit-offensiveness",
                "wiki-talk-toxic",
                "social-zh",
                "tweets-de",
            ),
        ),
        "toxicity": HeadRecipe(
            strength=20.0,
            contrast=CONTRAST,
            # Friendly swearing scores as high as abuse does: rather held than lost.
            least_reject=0.985,
            boost={"seeds": 2.0, "profanity-lists": 0.2},
            bounded_by=("wiki-talk-toxic", "reddit-offensiveness", "tweets-de"),
        ),
    }
)
