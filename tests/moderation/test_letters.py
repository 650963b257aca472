"""Words of no language: told from words of many, by a table that can be built again."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import LabelledComment
from moderation.letters import LEAST, MOST, TABLE, numbers, oddest
from moderation.tokens import ODD_AT
from training import letters
from training.corpora import read_seeds

ODD = ODD_AT[0]


def surprise_of(text: str) -> float:
    return oddest(text)[0]


@pytest.mark.parametrize("text", ["fwucqvmdxn", "exwljaikubsm", "x3k9vq2wzpj", "see fwucqvmdxn now"])
def test_random_letters_are_a_surprise_of(text):
    assert surprise_of(text) > ODD


@pytest.mark.parametrize(
    "text", ["international", "kubernetes", "schwarzschild", "bestcasinobonus", "dziekuje", "kiitoksia", "obrigado"]
)
def test_words_are_none(text):
    assert 0 < surprise_of(text) < ODD


@pytest.mark.parametrize("text", ["", "xml", "qzxkv", "12345678", "日本語日本語日本語", "ж" * 9])
def test_of_few_latin_letters_nothing_is_said(text):
    assert surprise_of(text) == 0


def test_most_random_words_are_told_and_few_names():
    draw = random.Random(1)
    drawn = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(LEAST, 12))) for _ in range(1_000)]
    names = {row.author.name for row in read_seeds() if row.author and row.author.name and row.labels["spam"] == 0}
    told = [name for name in names if surprise_of(name.lower()) > ODD]
    assert np.mean([surprise_of(word) > ODD for word in drawn]) > 0.85
    assert len(told) / len(names) < 0.02


@given(st.text(st.characters(exclude_categories=()), max_size=200))
def test_surprise_is_within_the_table_for_any_text(text):
    assert 0 <= surprise_of(text) <= float(np.load(TABLE).max())


def test_a_hostile_word_is_cut():
    assert surprise_of("q" * 10_000) == pytest.approx(surprise_of("q" * MOST))


def test_numbers_have_edges():
    assert numbers("az") == [0, 1, 26, 0]


def test_each_letter_is_followed_by_something():
    bits = letters.build([LabelledComment(text="one two three", labels={"spam": 0})]).astype(float)
    assert np.allclose((2.0**-bits).sum(axis=1), 1, atol=0.01)
    assert bits[ord("t") - 96, ord("h") - 96] < bits[ord("t") - 96, ord("z") - 96]


def test_the_shipped_table_is_that_of_the_seeds():
    """Nearly: it is not built anew for each seed that comes."""
    shipped, built = np.load(TABLE, allow_pickle=False), letters.build(read_seeds())
    assert shipped.shape == built.shape == (letters.LETTERS, letters.LETTERS)
    assert np.abs(shipped.astype(float) - built.astype(float)).mean() < 0.2


def test_the_word_is_shown_as_it_stands():
    assert oddest("well x3k9vq2wzpj! international")[1] == "x3k9vq2wzpj!"
