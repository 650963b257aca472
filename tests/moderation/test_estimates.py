"""How often the machine is wrong, from comments that were drawn."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from moderation.estimates import Looked, errors
from moderation.guarantee import LEAST, at_most, enough_for, share_of, threshold_below
from moderation.past import Outcome
from moderation.verdict import Decision

ACCEPT, HOLD, REJECT = Decision
HAM, SPAM, ABUSE, OTHER = Outcome


def looked(decision: Decision, outcome: Outcome, count: int, share: float = 0.1) -> list[Looked]:
    return [Looked(decision, outcome, share)] * count


def test_a_few_comments_tell_nothing():
    found = errors(looked(ACCEPT, HAM, LEAST - 1))
    assert (found.bad_of_accepted, found.ham_rejected, found.accepted) == (None, None, LEAST - 1)


def test_a_comment_that_was_drawn_stands_for_those_that_were_not():
    rows = looked(ACCEPT, HAM, 90) + looked(HOLD, HAM, 90) + looked(REJECT, HAM, 10)
    found = errors(rows).ham_rejected
    assert found.value == pytest.approx(100 / (900 + 90 + 100))
    assert found.low < found.value < found.high


def test_what_is_called_other_counts_for_nothing():
    rows = looked(ACCEPT, HAM, 50) + looked(REJECT, SPAM, 50)
    assert errors(rows + looked(REJECT, OTHER, 30)) == errors(rows)


def test_no_error_seen_is_not_no_error():
    found = errors(looked(ACCEPT, HAM, 100) + looked(REJECT, SPAM, 40))
    assert found.ham_rejected.value == 0 < found.ham_rejected.high < 0.2
    assert found.ham_of_rejected.high == pytest.approx(beta.ppf(0.975, 1, 40), abs=1e-6)


def test_intervals_hold_what_they_say():
    """Of a site of which everything is known, drawn again and again."""
    rng, covered = np.random.default_rng(1), 0
    for _ in range(200):
        rows = []
        for decision, outcome, count, chance in ((ACCEPT, HAM, 900, 0.2), (HOLD, HAM, 60, 1), (REJECT, HAM, 40, 0.2)):
            rows += looked(decision, outcome, int(rng.binomial(count, chance)), 0.2)
        found = errors(rows).ham_rejected
        covered += found.low <= 0.04 <= found.high
    assert covered >= 170


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (3, 10), (10, 10), (17, 400)])
def test_a_share_has_the_exact_interval(hits, n):
    found = share_of(hits, n)
    assert found.low == pytest.approx(beta.ppf(0.025, hits, n - hits + 1) if hits else 0, abs=1e-6)
    assert found.high == pytest.approx(beta.ppf(0.975, hits + 1, n - hits) if hits < n else 1, abs=1e-6)
    if hits < n:
        assert at_most(hits, n) == pytest.approx(beta.ppf(0.95, hits + 1, n - hits), abs=1e-6)


def test_of_nothing_everything_is_possible():
    assert (share_of(0, 0).low, share_of(0, 0).high, share_of(0, 0).value) == (0, 1, 0)


@pytest.mark.parametrize(("alpha", "n"), [(1 / 500, 1_497), (1 / 100, 299), (0.05, 59)])
def test_how_many_a_bound_needs(alpha, n):
    assert enough_for(alpha) == n


def test_a_threshold_that_few_stay_below():
    scores = np.linspace(0, 1, 1_000)
    found = threshold_below(scores, 0.05)
    assert 0.03 < found.threshold < 0.05
    assert threshold_below(scores[:50], 0.05) is None


def test_comments_that_were_held_say_nothing_of_all():
    found = errors(looked(HOLD, HAM, 200, 1.0) + looked(HOLD, SPAM, 200, 1.0) + looked(ACCEPT, HAM, LEAST - 1))
    assert (found.held, found.ham_held, found.ham_rejected, found.bad_accepted) == (400, None, None, None)


def test_always_wrong_is_not_always_wrong_for_certain():
    found = errors(looked(ACCEPT, SPAM, 40)).bad_accepted
    assert found.value == found.high == 1 and 0.9 < found.low < 0.92
