from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from moderation import artifact
from moderation.classifier import MAX_LOGIT, Classifier, sigmoid
from moderation.comment import Author, Comment
from moderation.errors import ModelNotFound
from moderation.features import NAMES, SCALES, TOKEN_SCALE
from moderation.grams import feature_count, token_index
from tests.builders import (
    BITS,
    make_comment,
    make_comments,
    make_head,
    tiny_model,
    weights_of,
    word_row,
    words_text,
    write_model,
)
from tests.moderation.strategies import any_comments


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Classifier:
    return tiny_model(tmp_path_factory.mktemp("model"))


def logits(model: Classifier, comment: Comment) -> list[float]:
    return model.scored(model.features([comment])).logits[0].tolist()


def everywhere(weight: float) -> NDArray[np.float32]:
    """The same weight in every row."""
    return np.full((feature_count(BITS), 2), weight, dtype=np.float32)


def test_a_model_knows_its_name_and_its_heads_in_their_order(tmp_path):
    model = tiny_model(tmp_path, name="base/1.2.3", heads=tuple(map(make_head, ("toxicity", "spam", "threat"))))
    assert model.name == "base/1.2.3"
    assert model.heads == ("toxicity", "spam", "threat")


def test_the_columns_of_the_scores_are_the_heads(tmp_path):
    weights = np.zeros((feature_count(BITS), 2), dtype=np.float32)
    weights[word_row("casino"), 1] = 5
    spam, toxicity = tiny_model(tmp_path, weights=weights).scores([make_comment("casino")])[0]
    assert toxicity > spam == 0.5


def test_loading_a_folder_without_a_model_says_so(tmp_path):
    with pytest.raises(ModelNotFound):
        Classifier.load(tmp_path / "none")


@given(st.lists(any_comments, max_size=4))
def test_scores_are_probabilities_short_of_certainty(model, comments):
    scores = model.scores(comments)
    assert scores.shape == (len(comments), 2)
    assert np.all((scores > 0) & (scores < 1))


@pytest.mark.parametrize("weight", [1000.0, -1000.0])
def test_no_evidence_is_worth_more_than_the_greatest_logit(tmp_path, weight):
    model = tiny_model(tmp_path, weights=everywhere(weight))
    assert logits(model, make_comment("hello")) == [math.copysign(MAX_LOGIT, weight)] * 2
    assert np.all(np.abs(model.scores(make_comments("hello")) - 0.5) < 0.5)


@given(st.lists(any_comments, min_size=1, max_size=5))
def test_a_comment_scores_the_same_alone_and_in_company(model, comments):
    alone = np.concatenate([model.scores([comment]) for comment in comments])
    np.testing.assert_allclose(model.scores(comments), alone, atol=1e-4)


def test_a_very_long_comment_scores_the_same_alone_and_in_company(model):
    comments = make_comments("short", words_text(60_000), "<b>other</b>", "")
    alone = np.concatenate([model.scores([comment]) for comment in comments])
    np.testing.assert_allclose(model.scores(comments), alone, atol=1e-4)


def test_without_evidence_the_score_is_the_start(tmp_path):
    model = tiny_model(tmp_path, heads=(make_head(bias=-2.0), make_head("toxicity", bias=1.5)))
    assert logits(model, make_comment("")) == [model.start(0), model.start(1)] == [-2.0, 1.5]


def test_text_adds_its_weights_by_the_norm_of_its_counts(tmp_path):
    heads = (make_head(bias=0.25, slope=2.0), make_head("toxicity"))
    model = tiny_model(tmp_path, weights=everywhere(0.5), heads=heads)
    # "ab" is one word and the n-grams " a", "ab", "b ", " ab", "ab " and " ab ": seven rows, each counted 1/sqrt(7).
    assert logits(model, make_comment("ab")) == pytest.approx([0.25 + 2 * 0.5 * math.sqrt(7), 0.5 * math.sqrt(7)])


def test_a_name_adds_its_weights_on_a_scale_of_its_own(tmp_path):
    model = tiny_model(tmp_path, weights=everywhere(0.5))
    expected = SCALES[NAMES] * 0.5 * math.sqrt(7)
    assert logits(model, make_comment("", author=Author(name="ab"))) == pytest.approx([expected] * 2)


def test_a_token_adds_its_weight_on_a_fixed_scale(tmp_path):
    heads = (make_head(bias=-1.0, slope=2.0), make_head("toxicity"))
    model = tiny_model(tmp_path, weights=weights_of({token_index("email:tld=ru", BITS): 1.5}), heads=heads)
    found = logits(model, make_comment("", author=Author(email="ann@example.ru")))
    assert found == pytest.approx([-1 + 2 * TOKEN_SCALE * 1.5, TOKEN_SCALE * 1.5])


def test_the_effect_of_a_row_is_its_weight_times_the_slope(tmp_path):
    heads = (make_head(slope=2.0), make_head("toxicity", slope=0.5))
    model = tiny_model(tmp_path, weights=weights_of({7: 3.0}), heads=heads)
    assert model.effects(np.array([7, 7, 8]), np.array([0, 1, 0])).tolist() == [6.0, 1.5, 0.0]


def test_no_comments_have_no_scores(model):
    assert model.scores([]).shape == (0, 2)


def test_scoring_leaves_the_weights_alone(tmp_path):
    model = artifact.read(write_model(tmp_path, weights=everywhere(0.5)))
    Classifier(model).scores(make_comments("hello", "http://spam.ru"))
    assert np.all(model.weights == artifact.read(tmp_path).weights)


def test_the_weights_of_a_loaded_model_cannot_be_written(tmp_path):
    with pytest.raises(ValueError, match="read-only"):
        artifact.read(write_model(tmp_path)).weights[0] = 1


def test_even_odds_are_one_half():
    assert sigmoid(np.zeros(1, dtype=np.float32)).tolist() == [0.5]


@given(st.floats(-MAX_LOGIT, MAX_LOGIT, width=32))
def test_opposite_odds_make_one(logit):
    both = sigmoid(np.array([logit, -logit], dtype=np.float32))
    assert both.sum() == pytest.approx(1, abs=1e-6)
