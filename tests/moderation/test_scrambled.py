"""Scrambled words: told from words, from names and from what a hurried person types."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import LabelledComment
from moderation.scrambled import LEAST, MOST, TABLE, first_scrambled, jumble_of, number_of
from training import words
from training.corpora import read_seeds


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("pthaogropher", "pthaogropher"),
        ("well, that is rlealy pecerft! thanks", "rlealy"),
        ("smart thkining, thkining folk", "thkining"),
    ],
)
def test_scrambled_words_are_told(text, word):
    assert first_scrambled([text]) == {0: word}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a photographer, really, and a perfect one",
        "my freind was perfetc becuase he has thinkign to do",  # As people mistype.
        "kubernetes and postgresql on openstreetmap",
        "xx'perfetc cpaeni'st",
        "thkin",
        "p" * 10_000,
        "фоторгаф und wunderschöne blumen",
    ],
)
def test_other_words_are_not(text):
    assert first_scrambled([text]) == {}


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_gives_one_of_its_words_or_none(text):
    for word in first_scrambled([text]).values():
        assert word in text and LEAST <= len(word) <= MOST


@given(st.lists(st.sampled_from(["pthaogropher", "rlealy so", "xpthaogropher", "well", "rlealy pthaogropher", ""])))
def test_texts_are_looked_at_together_as_each_by_itself(texts):
    alone = {i: word for i, text in enumerate(texts) for word in first_scrambled([text]).values()}
    assert first_scrambled(texts) == alone


@given(st.text("abcdefg", min_size=2, max_size=9), st.randoms(use_true_random=False))
def test_a_jumble_is_that_of_every_order_of_the_letters_behind_the_first(word, random):
    behind = list(word[1:])
    random.shuffle(behind)
    assert jumble_of(word[0] + "".join(behind)) == jumble_of(word)


def labelled(text: str, spam: float, language: str = "en") -> LabelledComment:
    return LabelledComment(text=text, labels={"spam": spam}, language=language)


def test_harmless_words_are_known_and_those_that_several_spammers_share():
    rows = [labelled("harmless", 0, "de"), labelled("drowkie", 1), *[labelled("viagra", 1)] * words.COMMON]
    built = words.build(rows)
    assert built["known"].tolist() == sorted([number_of("harmless"), number_of("viagra")])


def test_jumbles_are_those_of_common_english():
    rows = [*[labelled("harmless", 0)] * words.COMMON, labelled("uncommon", 0), *[labelled("gewohnt", 0, "de")] * 9]
    assert words.build(rows)["jumbles"].tolist() == [number_of(jumble_of("harmless"))]


def test_the_shipped_table_is_that_of_the_seeds():
    """Nearly: it is not built anew for each seed that comes."""
    shipped, built = np.load(TABLE, allow_pickle=False), words.build(read_seeds())
    for name, numbers in built.items():
        assert np.isin(numbers, shipped[name]).mean() > 0.95
        assert np.all(np.diff(shipped[name].astype(np.int64)) > 0)
