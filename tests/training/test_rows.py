"""Features of many comments: the same rows on disk, made side by side, as in memory."""

from __future__ import annotations

import numpy as np
import pytest

from moderation.comment import Comment
from training import rows
from training.matrix import CommentVectorizer

TEXTS = [f"comment number {n} about {'casino' * (n % 3)} things" for n in range(50)]


@pytest.fixture
def vectorizer():
    found = CommentVectorizer(bits=12)
    found.fit(TEXTS)
    return found


def parts(size: int = 7):
    return ([Comment(text=text) for text in TEXTS[low : low + size]] for low in range(0, len(TEXTS), size))


def test_rows_on_disk_are_those_in_memory(vectorizer, tmp_path, monkeypatch):
    here = rows.features(vectorizer, parts(), 50, tmp_path)
    monkeypatch.setattr(rows, "MANY", 10)
    there = rows.features(vectorizer, parts(), 50, tmp_path)
    assert isinstance(there.data.base, np.memmap) or isinstance(there.data, np.memmap)
    assert there.shape == here.shape and (abs(there - here)).max() < 1e-6


def test_rows_on_disk_can_be_taken_and_multiplied(vectorizer, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "MANY", 10)
    there = rows.features(vectorizer, parts(), 50, tmp_path)
    weights = np.random.default_rng(0).random(1 << 12)
    some = np.array([3, 1, 40])
    np.testing.assert_allclose(there[some] @ weights, (there @ weights)[some], rtol=1e-5)
    np.testing.assert_allclose(there.T @ np.ones(50), np.asarray(there.sum(axis=0)).ravel(), rtol=1e-5)


@pytest.mark.parametrize("many", [1, 1_000])
def test_of_no_comments_there_are_no_rows(vectorizer, tmp_path, monkeypatch, many):
    monkeypatch.setattr(rows, "MANY", many)
    assert rows.features(vectorizer, iter(()), 10, tmp_path).shape == (0, 1 << 12)
