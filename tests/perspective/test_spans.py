"""Sentences, and places in a text as JavaScript counts them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.perspective.sentences import MOST, sentences, utf16

TEXTS = st.text(st.sampled_from("ab .!?…。\n\r\t\"'»)é😀𐍈\u0301\u200d👩‍🚀\u2028"), max_size=60) | st.text(max_size=60)


def pieces(text):
    return [text[begin:end] for begin, end in sentences(text)]


def in_javascript(text, begin, end):
    """``text.slice(begin, end)``."""
    return text.encode("utf-16-le", "surrogatepass")[2 * begin : 2 * end].decode("utf-16-le", "surrogatepass")


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ('He said "no." She left.', ['He said "no."', "She left."]),
        ("What?! Really... yes", ["What?!", "Really...", "yes"]),
        ("Version 3.5 is on example.com now.", ["Version 3.5 is on example.com now."]),
        ("one\ntwo\n\n\nthree\n", ["one", "two", "three"]),
        ("你好。再见！好", ["你好。", "再见！", "好"]),
        ("  Hi.  ", ["Hi."]),
        ("... !!! ???", ["...", "!!!", "???"]),
        ("x", ["x"]),
        ("", [""]),
        ("  ", ["  "]),
    ],
)
def test_sentences_are_found(text, found):
    assert pieces(text) == found


@given(TEXTS)
def test_sentences_leave_nothing_out_but_space(text):
    assert "".join("".join(pieces(text)).split()) == "".join(text.split())


@given(TEXTS)
def test_sentences_come_in_their_order_and_do_not_overlap(text):
    places = [place for span in sentences(text) for place in span]
    assert places == sorted(places)
    assert 0 <= places[0] <= places[-1] <= len(text)


@given(TEXTS.filter(str.strip))
def test_javascript_cuts_out_the_same_sentences(text):
    cut = [in_javascript(text, *span) for span in utf16(text, sentences(text))]
    assert cut == pieces(text)


def test_a_text_of_many_sentences_ends_in_a_long_one():
    found = pieces("Hi. " * 5_000)
    assert (len(found), found[0], len(found[-1])) == (MOST, "Hi.", 4 * (5_000 - MOST + 1) - 1)


def test_without_annotations_the_one_span_is_the_whole_text(analyze):
    (span,) = analyze("😀 Hi. Bye.")["attributeScores"]["TOXICITY"]["spanScores"]
    assert (span["begin"], span["end"]) == (0, 11)


def test_with_annotations_each_sentence_has_a_span(analyze):
    text = "Hello 👩‍🚀, thanks! You are an idiot. 𐍈"
    answer = analyze(text, "INSULT", spanAnnotations=True)
    spans = answer["attributeScores"]["INSULT"]["spanScores"]
    assert [in_javascript(text, one["begin"], one["end"]) for one in spans] == pieces(text)
    assert max(spans, key=lambda one: one["score"]["value"]) is spans[1]


def test_a_sentence_scores_as_it_would_alone(analyze):
    first = "You are an idiot."
    together = analyze(f"{first} Thanks!", spanAnnotations=True)["attributeScores"]["TOXICITY"]["spanScores"][0]
    alone = analyze(first)["attributeScores"]["TOXICITY"]["summaryScore"]
    assert together["score"] == alone
