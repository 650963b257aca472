"""The features behind scikit-learn's estimator contract: for pipelines, cross-validation and joblib."""

from __future__ import annotations

from sklearn.base import BaseEstimator, TransformerMixin

from moderation.phrases import NONE, Phrases
from training.matrix import Vectorizer


class CommentVectorizer(Vectorizer, TransformerMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """Turns comments (or plain strings) into rows of features, as the classifier weighs them.

    Apart from :class:`~training.matrix.Vectorizer`, so that who only adapts a model does not wait for scikit-learn.
    """

    def __init__(self, *, bits: int = 18, phrases: Phrases = NONE) -> None:
        # scikit-learn reads the parameters from the signature.
        super().__init__(bits=bits, phrases=phrases)
