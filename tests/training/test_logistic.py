"""Logistic regression around a prior, beside an offset."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.sparse import csr_matrix
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from training.logistic import Posterior, fit

SEEDS = st.integers(0, 10**6)


def some(seed: int, rows: int = 30, features: int = 3):
    rng = np.random.default_rng(seed)
    table, offset = rng.normal(size=(rows, features)), rng.normal(size=rows)
    return table, offset, rng.random(rows) < 0.5, rng.normal(size=features), rng.uniform(0.5, 2, rows)


def posterior_of(table, offset, positive, prior, amount) -> Posterior:
    return Posterior(table, offset, np.where(positive, 1.0, -1.0), amount, prior, np.full(3, 1.5**-2))


@given(SEEDS)
def test_the_slope_is_the_loss_s(seed):
    table, offset, positive, prior, amount = some(seed)
    posterior, weights, step = posterior_of(table, offset, positive, prior, amount), prior + 0.3, 1e-5
    _, slope = posterior.loss(weights)
    for i, direction in enumerate(np.eye(3) * step):
        above, below = (posterior.loss(weights + way)[0] for way in (direction, -direction))
        assert slope[i] == pytest.approx((above - below) / (2 * step), abs=1e-5)


@given(SEEDS)
def test_the_curvature_is_the_slope_of_the_slope(seed):
    table, offset, positive, prior, amount = some(seed)
    posterior, weights, step = posterior_of(table, offset, positive, prior, amount), prior + 0.3, 1e-5
    for direction in np.eye(3):
        above, below = (posterior.loss(weights + way * step * direction)[1] for way in (1, -1))
        bent = posterior.curvature(weights, direction)
        assert bent == pytest.approx((above - below) / (2 * step), abs=1e-4)


@given(SEEDS)
def test_what_is_found_is_a_minimum(seed):
    table, offset, positive, prior, amount = some(seed)
    weights = fit(table, offset, positive, prior, 1.5, weight=amount)
    assert np.abs(posterior_of(table, offset, positive, prior, amount).loss(weights)[1]).max() < 1e-3


@given(SEEDS)
def test_a_sparse_table_gives_the_same(seed):
    table, offset, positive, prior, _ = some(seed)
    dense, sparse = (fit(one, offset, positive, prior, 1.0) for one in (table, csr_matrix(table)))
    assert dense == pytest.approx(sparse, abs=1e-4)


def test_without_offset_and_around_zero_it_is_scikit_learn_s():
    table, _, positive, _, _ = some(7, rows=200)
    ours = fit(table, np.zeros(200), positive, np.zeros(3), 2.0)
    theirs = LogisticRegression(C=4.0, fit_intercept=False, tol=1e-8).fit(table, positive).coef_[0]
    assert ours == pytest.approx(theirs, abs=1e-3)


def test_a_row_of_weight_two_is_two_rows():
    table, offset, positive, prior, _ = some(3)
    heavy = np.ones(30)
    heavy[0] = 2
    twice = [np.concatenate([one, one[:1]]) for one in (table, offset, positive)]
    assert fit(table, offset, positive, prior, 1.0, weight=heavy) == pytest.approx(fit(*twice, prior, 1.0), abs=1e-3)


def test_labels_of_one_class_move_weights_no_further_than_they_must():
    found = fit(np.ones((50, 1)), np.zeros(50), np.zeros(50, bool), np.zeros(1), 1.0)
    assert -5 < found[0] < 0 and expit(found[0]) > 0.01


def test_no_weight_grows_beyond_the_bound():
    assert fit(np.ones((5_000, 1)), np.full(5_000, -9.0), np.ones(5_000, bool), np.zeros(1), 1e6, most=8.0)[0] == 8.0
