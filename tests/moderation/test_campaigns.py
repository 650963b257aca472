"""Near-copies are found, whatever else came; what is not alike is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import campaigns
from moderation.campaigns import ALIKE, BANDS, ROWS, Sketch, alike, sketches
from moderation.features import extract
from tests.builders import BITS, make_author, make_comment, make_comments, words_text
from tests.moderation.evidence import COPY, OTHER
from tests.moderation.strategies import any_comments, any_text

PARAPHRASED = "We fix roofs in any town for half of the price, call the number on our page today and save"


def sketches_of(*texts: str) -> list[Sketch | None]:
    return sketches(extract(make_comments(*texts), BITS))


def sketch_of(text: str) -> Sketch:
    (sketch,) = sketches_of(text)
    assert sketch is not None
    return sketch


def likeness(one: str, other: str) -> float:
    return alike(sketch_of(one).signature, sketch_of(other).signature)


def share_a_key(one: str, other: str) -> bool:
    return not set(sketch_of(one).bands).isdisjoint(sketch_of(other).bands)


@pytest.mark.parametrize(
    "copy",
    [
        COPY,
        COPY.upper(),
        f"<p>{COPY}</p>",
        COPY.replace(" ", "  \n"),
        f"{COPY} http://roofs.example/17",
        COPY.replace("roofs", "r00fs").replace("price", "pr1ce").replace("call", "c4ll"),
        COPY.replace("roofs", "r o o f s"),
        COPY.replace("e", "е").replace("a", "а"),
        COPY.replace("save", "s\u200bave"),
    ],
)
def test_the_same_text_is_the_same_whatever_it_is_dressed_in(copy):
    assert likeness(COPY, copy) >= 0.9
    assert share_a_key(COPY, copy)


def test_a_copy_in_leet_is_a_near_copy():
    disguised = COPY.replace("o", "0").replace("i", "1")
    assert likeness(COPY, disguised) >= ALIKE
    assert share_a_key(COPY, disguised)


def test_a_paraphrase_is_a_near_copy():
    assert likeness(COPY, PARAPHRASED) >= ALIKE
    assert share_a_key(COPY, PARAPHRASED)


@pytest.mark.parametrize("other", [OTHER, words_text(20), "the the the the the the", " ".join(reversed(COPY.split()))])
def test_what_says_something_else_is_no_copy(other):
    assert likeness(COPY, other) < ALIKE


@pytest.mark.parametrize("text", ["", "one two three four", "http://a.com http://b.com http://c.com/d/e/f", "!!! ???"])
def test_short_texts_have_no_sketch(text):
    assert sketches_of(text) == [None]


def test_five_words_have_a_sketch():
    assert sketches_of("one two three four five") != [None]


def test_the_author_is_no_part_of_the_sketch():
    found = extract([make_comment(COPY, author=author) for author in (None, make_author(name="Best Roofs"))], BITS)
    one, other = sketches(found)
    assert one == other


@pytest.mark.parametrize("text", [COPY, words_text(3_000), "日本語の文章です。" * 40 + COPY])
def test_a_sketch_is_the_same_alone_and_in_a_batch(text):
    batch = sketches_of(OTHER, text, "", "short", text, words_text(500, seed=5))
    assert batch[1] == batch[4] == sketch_of(text)
    assert batch[2:4] == [None, None]


def test_a_long_text_is_sketched_in_portions(monkeypatch):
    whole = sketch_of(words_text(400))
    monkeypatch.setattr(campaigns, "PORTION", 7)
    assert sketch_of(words_text(400)) == whole


def test_a_sketch_is_the_same_in_years_to_come():
    # Those of a database were made by the version before.
    assert np.frombuffer(sketch_of(COPY).signature, dtype="<u4")[:2].tolist() == [27736142, 320031386]
    assert sketch_of(COPY).bands[0] == 8155537198487003837


def test_likeness_estimates_the_overlap():
    low, high = words_text(300, seed=1), words_text(300, seed=2)
    assert likeness(low, f"{low} {high}") == pytest.approx(0.5, abs=0.35)


@pytest.mark.parametrize("other", [b"", b"\0" * 4, b"\0" * 8])
def test_signatures_of_other_sizes_are_not_alike(other):
    assert alike(sketch_of(COPY).signature, other) == 0.0


@given(st.lists(any_text, max_size=5))
def test_any_text_has_a_sketch_that_can_be_kept_or_none(texts):
    for sketch in sketches_of(*texts):
        if sketch is not None:
            assert len(sketch.bands) == BANDS
            assert all(0 <= band < 2**63 for band in sketch.bands)
            assert len(sketch.signature) == 4 * BANDS * ROWS
            assert alike(sketch.signature, sketch.signature) == 1.0


@given(any_comments)
def test_any_comment_has_one_sketch_at_most(comment):
    assert len(sketches(extract([comment], BITS))) == 1
