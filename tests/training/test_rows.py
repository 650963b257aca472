"""Features of many comments: the same rows on disk, made side by side, as in memory."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import csr_matrix

from moderation.comment import Comment
from moderation.grams import feature_count
from training import rows
from training.matrix import Vectorizer

TEXTS = [f"comment number {n} about {'casino' * (n % 3)} things" for n in range(50)]


@pytest.fixture
def vectorizer():
    found = Vectorizer(bits=12)
    found.fit(TEXTS)
    return found


def parts(size: int = 7):
    return ([Comment(text=text) for text in TEXTS[low : low + size]] for low in range(0, len(TEXTS), size))


def test_rows_on_disk_are_those_in_memory(vectorizer, tmp_path, monkeypatch):
    here = rows.features(vectorizer, parts(), 50, tmp_path)
    monkeypatch.setattr(rows, "MANY", 10)
    there = rows.features(vectorizer, parts(), 50, tmp_path)
    assert (tmp_path / "values").stat().st_size > 0
    every = np.arange(50)
    assert there.shape == here.shape and abs(there[every] - here[every]).max() < 1e-6
    np.testing.assert_array_equal(there.there(), here.there())


def test_rows_on_disk_can_be_taken_and_multiplied(vectorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MANY", 10)
    monkeypatch.setattr(rows, "BLOCK", 500)
    there = rows.features(vectorizer, parts(), 50, tmp_path)
    weights = np.random.default_rng(0).random(feature_count(12))
    some = np.array([3, 1, 40])
    np.testing.assert_allclose(there[some] @ weights, (there @ weights)[some], rtol=1e-5)
    np.testing.assert_allclose(there.turned(np.ones(50)), there[np.arange(50)].sum(axis=0).A1, rtol=1e-5)


def test_columns_can_be_taken_of_rows_on_disk(vectorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MANY", 10)
    there = rows.features(vectorizer, parts(), 50, tmp_path)
    some = there.there()[::3]
    weights = np.random.default_rng(0).random(feature_count(12))
    taken = np.zeros(feature_count(12))
    taken[some] = weights[some]
    np.testing.assert_allclose(there.of_columns(some) @ weights[some], there @ taken, rtol=1e-5)


def test_a_block_of_comments_without_features_keeps_its_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "BLOCK", 1)
    empty, full = csr_matrix((3, 8), dtype=np.float32), csr_matrix(np.eye(2, 8, dtype=np.float32))
    found = rows._on_disk(iter([empty, full, empty]), 8, tmp_path)
    np.testing.assert_array_equal(found @ np.ones(8), [0, 0, 0, 1, 1, 0, 0, 0])


@pytest.mark.parametrize("many", [1, 1_000])
def test_of_no_comments_there_are_no_rows(vectorizer, tmp_path, monkeypatch, many):
    monkeypatch.setattr(rows, "MANY", many)
    assert rows.features(vectorizer, iter(()), 10, tmp_path).shape == (0, feature_count(12))
