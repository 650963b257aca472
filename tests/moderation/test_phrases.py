"""Phrases known from spam are found in texts, and nowhere else."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.features import extract
from moderation.phrases import NONE, Phrases, compile_phrases
from moderation.text import fold
from tests.builders import BITS, make_author, make_comment, make_comments

LIST = compile_phrases([("payday loan", 4.0), ("casino", 2.5), ("buy cheap", 1.0), ("four", 9.0), ("worthless", 0.0)])


def found(text: str, phrases: Phrases = LIST) -> list[tuple[str, float]]:
    """Phrases in a text with their worth."""
    features = extract([make_comment(text)], BITS)
    run = features.runs[0]
    got = phrases.find(run.grams.hashed)
    codes = "".join(map(chr, features.pieces.codes.tolist()))
    places = zip(got.start.tolist(), got.length.tolist(), got.worth.tolist(), strict=True)
    return sorted((codes[at : at + length], round(worth, 1)) for at, length, worth in places)


def tokens(*comments) -> list[list[str]]:
    """Names of the phrase tokens of each comment."""
    features = extract(comments, BITS, LIST)
    return [[token.name for token in some if token.group == "phrases"] for some in features.tokens]


def test_a_phrase_is_found_wherever_it_stands():
    assert found("Get a PAYDAY LOAN at supercasinos") == [("casino", 2.5), ("payday loan", 4.0)]


@pytest.mark.parametrize("text", ["", "pay day loan", "payday", "a four", "worthless", "casin o"])
def test_nothing_is_found_that_is_not_in_the_list(text):
    assert found(text) == []


def test_a_phrase_does_not_run_over_into_the_next_comment():
    assert tokens(*make_comments("she said buy", "cheap shoes are bad")) == [[], []]


def test_worth_adds_up_to_steps():
    assert tokens(make_comment("casino, payday loan")) == [["phrases>0", "phrases>2", "phrases>4"]]


def test_a_phrase_in_a_name_counts():
    assert tokens(make_comment("Nice", author=make_author(name="Casino", url=None))) == [["phrases>0", "phrases>2"]]


def test_the_token_points_to_the_phrase_in_the_original():
    features = extract([make_comment("the <b>CASINO")], BITS, LIST)
    token = features.tokens[0][0]
    assert (token.about, token.span) == ("casino", None)
    assert features.span(*token.place) == (7, 13)


def test_a_list_survives_its_array():
    again = Phrases.from_array(LIST.as_array())
    assert found("casino payday loan", again) == found("casino payday loan")


def test_an_empty_list_finds_nothing():
    assert found("casino", NONE) == []


@given(st.text(alphabet="abc ", max_size=60))
def test_finding_is_what_searching_would_be(text):
    words = ["abcab", "cabca b", "aabbcc", "b a c"]
    folded = f" {fold(text).text} "
    expected = sum(folded[i:].startswith(word) for word in words for i in range(len(folded)))
    assert len(found(text, compile_phrases((word, 1.0) for word in words))) == expected


def test_company_changes_nothing():
    texts = ["casino", "a payday loan", "nothing", "buy cheap casino"]
    assert tokens(*make_comments(*texts)) == [tokens(make_comment(text))[0] for text in texts]


def test_worths_are_tenths():
    assert LIST.worths.dtype == np.int8
    assert sorted(LIST.worths.tolist()) == [10, 25, 40]
