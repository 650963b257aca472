"""What a site's own model promises, and that it keeps it."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import beta

from moderation.guarantee import allowed_above, threshold_for
from moderation.policy import Choices
from moderation.store import is_drawn
from tests.builders import make_head
from tests.training.test_labels import NOW, label
from training.labels import keep
from training.promise import LEAST_REJECT, promise, share, with_limits

ALPHA, DELTA, SITES = 0.02, 0.05, 1_000
CHOICES = Choices(most_ham_rejected=ALPHA, most_spam_accepted=0.1)


def drawn_site(seed: int) -> tuple[np.ndarray, float]:
    """Scores of ham kept aside on a simulated site, and the shape of its scores.

    A month of ham comes; each is drawn by the random part of its id, and every second of those is kept aside.
    """
    rng = np.random.default_rng(seed)
    shape = float(rng.uniform(0.5, 4.0))
    ids = [f"{0:012x}{rng.integers(2**32):08x}{rng.integers(2**32):012x}" for _ in range(3_000)]
    aside = [one for one in ids if is_drawn(one, 0.3) and keep(label(comment_id=one, share=0.3)).aside]
    heads = beta.ppf(rng.random((len(aside), 2)), 1.0, shape)
    return heads, shape


def truly_above(threshold: float, shape: float) -> float:
    """Share of all ham of which either head's score reaches a threshold."""
    return float(1 - beta.cdf(threshold, 1.0, shape) ** 2)


def test_the_promise_is_broken_on_at_most_one_site_of_twenty():
    broken = promised = 0
    for seed in range(SITES):
        heads, shape = drawn_site(seed)
        found = promise(heads, np.zeros(len(heads), dtype=bool), CHOICES, NOW)
        if found.reject is not None and found.reject_at is not None:
            promised += 1
            broken += truly_above(found.reject_at, shape) > ALPHA
    assert promised > 0.99 * SITES
    assert broken <= DELTA * promised


def test_it_would_be_broken_often_if_it_were_only_estimated():
    """The simulation can fail: a threshold at the observed share breaks the bound on about half of the sites."""
    broken = 0
    for seed in range(200):
        heads, shape = drawn_site(seed)
        highest = np.sort(heads.max(axis=1))[::-1]
        broken += truly_above(float(highest[int(ALPHA * highest.size)]), shape) > ALPHA
    assert broken > 60


def test_about_half_of_what_was_drawn_is_kept_aside_and_nothing_else():
    rng = np.random.default_rng(0)
    ids = [f"{rng.integers(2**60):032x}" for _ in range(2_000)]
    aside = sum(keep(label(comment_id=one, share=0.1)).aside for one in ids)
    assert 900 < aside < 1_100
    assert not any(keep(label(comment_id=one)).aside for one in ids[:50])


def test_too_few_labels_promise_nothing():
    found = promise(np.full((40, 2), 0.1), np.zeros(40, dtype=bool), CHOICES, NOW)
    assert (found.reject, found.reject_at, found.accept) == (None, None, None)


def test_no_labels_at_all_are_too_few():
    found = promise(np.zeros((0, 2)), np.zeros(0, dtype=bool), CHOICES, NOW)
    assert found.reject is None and "(0)" in found.told[0]


def test_a_promise_is_dated_and_says_how_many_it_rests_on():
    found = promise(np.random.default_rng(0).random((400, 2)), np.zeros(400, dtype=bool), CHOICES, NOW)
    assert found.told[0].startswith("With 95% confidence at most 1 in 50 ham comments is rejected (n = 400, 2027-")


def test_nothing_is_rejected_below_the_least_score():
    found = promise(np.full((500, 2), 0.01), np.zeros(500, dtype=bool), CHOICES, NOW)
    assert found.reject_at == LEAST_REJECT > found.reject.threshold


def test_a_promise_about_missed_spam_is_not_bought_by_holding_everything():
    scores = np.concatenate([np.full((200, 2), 0.5), np.full((100, 2), 0.4)])
    bad = np.arange(300) >= 200
    found = promise(scores, bad, CHOICES, NOW)
    assert found.accept is None and "Nothing can be promised about spam" in found.told[1]


def test_a_promise_about_missed_spam_sets_the_hold_threshold():
    scores = np.concatenate([np.full((200, 2), 0.1), np.linspace(0.3, 1, 200)[:, None].repeat(2, 1)])
    found = promise(scores, np.arange(400) >= 200, CHOICES, NOW)
    assert 0.3 < found.hold_at < 0.4
    assert (scores[200:, 0] < found.hold_at).mean() <= 0.1


def test_thresholds_go_into_the_heads_that_are_learnt_and_stay_in_order():
    found = promise(np.full((500, 2), 0.01), np.zeros(500, dtype=bool), CHOICES, NOW)
    heads = (make_head("spam", hold_at=0.99, reject_at=0.995), make_head("threat", hold_at=0.6, reject_at=None))
    spam, threat = with_limits(heads, found)
    assert (spam.hold_at, spam.reject_at) == (LEAST_REJECT, LEAST_REJECT)
    assert threat == heads[1]


@pytest.mark.parametrize("n", [148, 149])
def test_the_bound_is_exact_to_the_comment(n):
    assert (threshold_for(np.random.default_rng(0).random(n), ALPHA) is not None) == (n >= 149)


def test_what_is_rejected_is_told_by_scores_as_they_are_rounded_when_a_comment_is_judged():
    """Ham just below the threshold is not rejected because its score is rounded up."""
    scores = np.linspace(0.9, 0.99, 2_000) + 7e-7
    found = promise(np.stack([scores, scores], axis=1), np.zeros(2_000, dtype=bool), Choices(), NOW)
    allowed = allowed_above(2_000, Choices().most_ham_rejected, DELTA)
    assert int((scores.round(6) >= found.reject_at).sum()) <= allowed


def test_nothing_is_promised_where_ham_has_the_highest_score_there_is():
    """Its own threshold would reject it."""
    scores = np.append(np.linspace(0, 0.5, 2_000), np.full(20, 1 - 1e-9))
    found = promise(scores[:, None], np.zeros(scores.size, dtype=bool), Choices(), NOW)
    assert (found.reject, found.reject_at) == (None, None)


@pytest.mark.parametrize(
    ("alpha", "said"), [(0.002, "1 in 500"), (1 / 49, "1 in 49"), (0.15, "1 in 6"), (0.28, "1 in 3")]
)
def test_no_more_is_promised_than_was_found(alpha, said):
    assert share(alpha) == said
