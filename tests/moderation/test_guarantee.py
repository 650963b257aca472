"""Thresholds with a bound: the arithmetic against scipy, the promise against simulated scores."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom

from moderation.guarantee import allowed_above, binomial_cdf, enough_for, missing_for, threshold_for


@given(st.integers(-2, 60), st.integers(1, 50), st.floats(0.001, 0.999))
def test_the_binomial_sum_is_exact(k, n, p):
    assert binomial_cdf(k, n, p) == pytest.approx(binom.cdf(k, n, p), rel=1e-9, abs=1e-300)


@pytest.mark.parametrize(("k", "n", "p"), [(80, 100_000, 0.001), (0, 10**6, 1e-5), (980, 100_000, 0.01)])
def test_the_binomial_sum_is_exact_for_many_comments(k, n, p):
    assert binomial_cdf(k, n, p) == pytest.approx(binom.cdf(k, n, p), rel=1e-6)


@pytest.mark.parametrize("alpha", [0.001, 0.01, 0.05, 0.5])
@pytest.mark.parametrize("n", [10, 59, 300, 1_000])
@pytest.mark.parametrize("delta", [0.01, 0.05, 0.2])
def test_as_many_may_score_above_as_the_bound_allows_and_no_more(n, alpha, delta):
    allowed = [k for k in range(n) if binom.cdf(k, n, alpha) <= delta]
    assert allowed_above(n, alpha, delta) == max(allowed, default=-1)


def test_how_many_of_a_hundred_thousand_may_is_told_at_once():
    """Summed anew for each of them it would take minutes."""
    k = allowed_above(100_000, 0.3, 0.05)
    assert binom.cdf(k, 100_000, 0.3) <= 0.05 < binom.cdf(k + 1, 100_000, 0.3)


def test_fifty_nine_comments_are_the_fewest_for_five_in_a_hundred():
    assert (allowed_above(58, 0.05, 0.05), allowed_above(59, 0.05, 0.05)) == (-1, 0)


@pytest.mark.parametrize(("alpha", "delta"), [(0, 0.05), (1, 0.05), (0.05, 0), (0.05, 1), (-1, 0.05), (2, 0.05)])
def test_a_bound_that_makes_no_sense_is_refused(alpha, delta):
    with pytest.raises(ValueError, match="between 0 and 1"):
        allowed_above(100, alpha, delta)


@pytest.mark.parametrize("n", [0, 1, 58])
def test_too_few_comments_give_no_threshold(n):
    assert threshold_for(np.linspace(0, 1, n), alpha=0.05) is None


def test_with_just_enough_comments_the_threshold_stands_above_all_of_them():
    bound = threshold_for(np.linspace(0, 0.5, 59), alpha=0.05)
    assert 0.5 < bound.threshold < 0.5000001
    assert bound.n == 59


@given(st.lists(st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0]), min_size=60, max_size=200))
def test_no_more_comments_than_allowed_reach_the_threshold(values):
    scores = np.array(values)
    bound = threshold_for(scores, alpha=0.1)
    assert np.count_nonzero(scores >= bound.threshold) <= allowed_above(scores.size, 0.1, 0.05)


def test_the_threshold_is_the_lowest_that_the_bound_allows():
    scores = np.arange(1_000) / 1_000
    bound = threshold_for(scores, alpha=0.05)
    assert np.count_nonzero(scores >= bound.threshold) == allowed_above(1_000, 0.05, 0.05)


def test_the_order_of_the_scores_does_not_matter():
    scores = np.random.default_rng(1).random(500)
    assert threshold_for(scores, 0.05) == threshold_for(np.sort(scores), 0.05)


def test_the_scores_are_left_as_they_were():
    scores = np.random.default_rng(1).random(500)
    before = scores.copy()
    threshold_for(scores, 0.05)
    np.testing.assert_array_equal(scores, before)


@pytest.mark.parametrize("alpha", [0.01, 0.05, 0.5])
def test_single_precision_keeps_the_promise(alpha):
    scores = np.random.default_rng(2).random(1_000).astype(np.float32)
    bound = threshold_for(scores, alpha)
    assert np.count_nonzero(scores >= np.float32(bound.threshold)) <= allowed_above(1_000, alpha, 0.05)


def violations(alpha: float, delta: float, n: int, trials: int = 2_000) -> float:
    """How often more than alpha of all comments lie above the threshold, if scores are uniform."""
    rng = np.random.default_rng(7)
    bounds = (threshold_for(rng.random(n), alpha, delta) for _ in range(trials))
    return float(np.mean([1 - bound.threshold > alpha for bound in bounds]))


@pytest.mark.parametrize(("alpha", "delta", "n"), [(0.05, 0.1, 200), (0.1, 0.05, 100), (0.02, 0.2, 300)])
def test_the_promise_is_broken_at_most_as_often_as_it_says(alpha, delta, n):
    # 2,000 trials: three standard errors allow for the luck of the draw.
    assert violations(alpha, delta, n) <= delta + 3 * (delta * (1 - delta) / 2_000) ** 0.5


def test_the_promise_is_not_kept_by_far_too_much_caution():
    k = allowed_above(200, 0.05, 0.1)
    assert violations(0.05, 0.1, 200) == pytest.approx(binom.cdf(k, 200, 0.05), abs=0.02)


def test_a_bound_tells_what_it_rests_on():
    told = str(threshold_for(np.linspace(0, 0.5, 2_000), alpha=0.01, delta=0.05))
    assert told.startswith("at most 1.00% at or above 0.49")
    assert told.endswith("with 95% confidence, from 2,000 comments")


# -- What is missing


@pytest.mark.parametrize(("there", "missing"), [(0, 118), (58, 2), (59, 0), (1_000, 0)])
def test_for_each_comment_that_a_bound_lacks_two_have_to_be_drawn(there, missing):
    assert enough_for(0.05) == 59
    assert missing_for(0.05, there) == missing
