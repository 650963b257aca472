"""Drift: what has moved is named, and what has not is not."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from scipy.stats import ks_2samp

from moderation.drift import LEAST, Side, Sort, drift, holm, kolmogorov_smirnov, side_of, two_proportions

POLISH = (Sort.LANGUAGE, "pl")
LINKS = (Sort.LINKS, "")


def side(n: int, seed: int = 0, *, shift: float = 0.0, model: str = "base/0.0.1", **shares: float) -> Side:
    """Comments of which some speak Polish and some have links."""
    rng = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-rng.normal(shift, 2, n)))
    counts = Counter({POLISH: round(shares.get("polish", 0.1) * n), LINKS: round(shares.get("links", 0.3) * n)})
    return Side(scores, counts, frozenset({model}))


def test_what_more_comments_have_is_named_with_both_shares():
    found = drift(side(2_000), side(500, 1, polish=0.3))
    (move,) = found.moves
    assert (move.feature, move.before, move.now) == (POLISH, 0.1, 0.3)
    assert found.scores is not None and not found.scores.moved


def test_scores_that_moved_are_told():
    found = drift(side(2_000), side(500, 1, shift=1.0))
    assert found.scores is not None and found.scores.moved and found.scores.now > found.scores.before
    assert found.moves == ()


def test_the_largest_move_comes_first():
    found = drift(side(2_000), side(2_000, 1, polish=0.2, links=0.6))
    assert [move.feature for move in found.moves] == [LINKS, POLISH]


def test_of_comments_that_have_not_changed_nothing_is_told_mostly():
    rng = np.random.default_rng(1)
    features = [(Sort.SIGNAL, str(number)) for number in range(30)]

    def drawn(n: int) -> Side:
        return Side(rng.random(n), Counter({one: int(rng.binomial(n, 0.2)) for one in features}))

    told = sum(drift(drawn(1_000), drawn(400)).moved for _ in range(200))
    assert told <= 20  # 5 % of 200 are ten; more than twenty happen once in a thousand times.


@pytest.mark.parametrize(("before", "now"), [(0, 0), (0, 500), (500, LEAST - 1), (LEAST - 1, 500)])
def test_too_few_comments_are_not_compared(before, now):
    found = drift(side(before), side(now, polish=1.0))
    assert found.scores is None and found.moves == () and not found.moved


def test_a_feature_of_almost_no_comment_is_not_tested():
    rare = Side(np.linspace(0, 1, 100), Counter({POLISH: 4}))
    assert drift(Side(np.linspace(0, 1, 100), Counter()), rare).tested == 1


def test_another_model_is_told():
    assert drift(side(100), side(100, model="blog/1")).other_model
    assert not drift(side(100), side(100)).other_model


@pytest.mark.parametrize(("n", "m", "shift"), [(60, 80, 0.0), (500, 300, 0.1), (2_000, 900, 0.2), (100, 100, 2.0)])
def test_kolmogorov_and_smirnov_agree_with_scipy(n, m, shift):
    rng = np.random.default_rng(n)
    one, other = rng.normal(0, 1, n), rng.normal(shift, 1, m)
    distance, p = kolmogorov_smirnov(one, other)
    wanted = ks_2samp(one, other)
    assert distance == pytest.approx(wanted.statistic)
    assert p == pytest.approx(wanted.pvalue, abs=0.02)


def test_sides_that_are_the_same_do_not_differ():
    scores = np.linspace(0, 1, 200)
    assert kolmogorov_smirnov(scores, scores) == (0.0, 1.0)


def test_all_scores_alike_are_no_trouble():
    found = drift(Side(np.full(100, 0.5), Counter()), Side(np.full(100, 0.5), Counter()))
    assert not found.moved


@pytest.mark.parametrize(
    ("hits", "n", "other", "m", "p"),
    [(0, 100, 0, 50, 1.0), (100, 100, 50, 50, 1.0), (45, 100, 30, 100, 0.0285), (10, 100, 10, 100, 1.0)],
)
def test_two_proportions_are_compared(hits, n, other, m, p):
    assert two_proportions(hits, n, other, m) == pytest.approx(p, abs=5e-4)


def test_holm_corrects_the_smallest_most():
    assert holm([0.03, 0.005, 0.04]) == pytest.approx([0.06, 0.015, 0.06])
    assert holm([0.9, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_a_side_is_counted_from_its_comments():
    found = side_of([(0.5, frozenset({LINKS}), "a"), (0.25, frozenset({LINKS, POLISH}), "b")])
    assert (found.n, found.counts[LINKS], found.counts[POLISH], found.models) == (2, 2, 1, {"a", "b"})
