"""The compiled loops: to the bit what numpy gives, and nothing for arrays that do not belong together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import compiled, grams
from moderation.classifier import Classifier
from moderation.comment import Comment
from moderation.features import Features
from moderation.grams import CHUNK, hash_grams
from moderation.phrases import NONE, compile_phrases
from moderation.text import as_codes
from tests.builders import make_comment
from tests.moderation.strategies import any_comments, any_text, words

KERNELS = compiled.KERNELS
LIST = compile_phrases([("abcde", 1.0), ("bc de", 2.0), ("href=", 1.0), ("free shop", 2.0), ("abcdefghi", 3.0)])
ONE = np.array([0, 5])


@contextmanager
def numpy_alone() -> Iterator[None]:
    """Without the compiled loops."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(compiled, "KERNELS", None)
        yield


def seen(model: Classifier, comments: list[Comment]) -> tuple[Features, list[list[float]]]:
    features = model.features(comments)
    return features, model.scored(features).logits.tolist()


def assert_the_same(model: Classifier, comments: list[Comment]) -> None:
    fast, logits = seen(model, comments)
    with numpy_alone():
        slow, expected = seen(model, comments)
    assert logits == expected
    assert fast.tokens == slow.tokens
    for one, other in zip(fast.runs, slow.runs, strict=True):
        for name in ("rows", "before", "start", "end", "pair_first", "word"):
            assert getattr(one.grams, name).tolist() == getattr(other.grams, name).tolist(), name
        assert one.grams.hashed.prefix.tolist() == other.grams.hashed.prefix.tolist()


def test_they_are_compiled_here():
    assert KERNELS is not None


@given(comments=st.lists(any_comments, max_size=4))
def test_any_comments_are_seen_alike(comments, shipped):
    assert_the_same(shipped, comments)


@given(texts=st.lists(words.map(" ".join), min_size=1, max_size=5))
def test_words_are_seen_alike(texts, shipped):
    assert_the_same(shipped, [make_comment(text) for text in texts])


@pytest.mark.parametrize(
    "text",
    ["", "a", " ", "x" * (2 * CHUNK + 3), "a " * CHUNK, "\ud83d", "\U0010ffff" * 9, "'", "a'b' 'c", "1 2"],
    ids=lambda text: f"{len(text)} characters",
)
def test_ends_and_long_texts_are_seen_alike(text, shipped):
    assert_the_same(shipped, [make_comment(text)])
    assert_the_same(shipped, [make_comment("before"), make_comment(text), make_comment("behind")])


@given(st.lists(any_text | words.map(" ".join), max_size=6).map(" free shop href= ".join))
def test_the_same_phrases_are_found(text):
    codes = as_codes(f"\n{text[: CHUNK - 9]}\n")
    hashed = hash_grams(codes, np.array([0, codes.size - 1]), 12).hashed
    fast = LIST.find(hashed)
    with numpy_alone():
        slow = LIST.find(hashed)
    for name in ("start", "length", "number", "worth"):
        assert getattr(fast, name).tolist() == getattr(slow, name).tolist(), name


def test_more_phrases_than_there_was_room_for_are_found():
    codes = as_codes("\n" + "abcdefghi bc de " * 100 + "\n")
    found = LIST.find(hash_grams(codes, np.array([0, codes.size - 1]), 12).hashed)
    assert Counter(found.length.tolist()) == {5: 200, 9: 100}


def test_an_empty_list_finds_nothing():
    codes = as_codes("\nabcdefghi\n")
    hashed = hash_grams(codes, np.array([0, codes.size - 1]), 12).hashed
    assert NONE.find(hashed).start.size == 0
    with numpy_alone():
        assert NONE.find(hashed).start.size == 0


def test_a_comment_alone_scores_to_the_bit_as_in_company(shipped):
    comments = [make_comment(text) for text in ("Thanks a lot!", "CHEAP pills http://a.ru", "word " * 9_000, "")]
    together = shipped.scored(shipped.features(comments)).logits
    alone = [shipped.scored(shipped.features([one])).logits[0] for one in comments]
    assert together.tolist() == [one.tolist() for one in alone]


# -- Arrays that do not belong together


def add(rows=(0, 1), bounds=(0, 2), targets=(0,), columns=8):
    weights, sums = np.ones((4, 8), dtype=np.int16), np.zeros((1, columns))
    KERNELS.add_rows(weights, np.array(rows, dtype=np.int32), np.array(bounds), np.array(targets), sums)
    return sums.tolist()


def test_rows_are_added():
    assert add() == [[2.0] * 8]
    assert add(bounds=(1, 1)) == [[0.0] * 8]


@pytest.mark.parametrize(
    "changed",
    [
        {"rows": (0, 4)},
        {"rows": (-1, 0)},
        {"bounds": (0, 3)},
        {"bounds": (-1, 2)},
        {"bounds": (2, 1)},
        {"targets": (1,)},
        {"targets": (-1,)},
    ],
)
def test_rows_outside_of_an_array_are_refused(changed):
    with pytest.raises(IndexError):
        add(**changed)


@pytest.mark.parametrize("changed", [{"bounds": (0, 1, 2)}, {"columns": 7}, {"columns": 16}])
def test_sums_of_another_size_are_refused(changed):
    with pytest.raises(ValueError, match="other sizes"):
        add(**changed)


def test_many_rows_of_great_weights_do_not_run_over():
    weights, sums = np.full((1, 8), -(1 << 15), dtype=np.int16), np.zeros((1, 8))
    KERNELS.add_rows(weights, np.zeros(200_000, dtype=np.int32), np.array([0, 200_000]), np.array([0]), sums)
    assert sums.tolist() == [[-200_000.0 * (1 << 15)] * 8]


@pytest.mark.parametrize("codes", ["", "a"])
def test_a_chunk_without_ends_is_refused(codes):
    with pytest.raises(ValueError, match="other sizes"):
        hash_grams(as_codes(codes), np.array([0]), 12)


def test_another_number_of_sizes_is_refused():
    with pytest.raises(ValueError, match="other sizes"):
        KERNELS.hash_grams(as_codes("\na\n"), np.array([0, 2]), grams._LETTERS, grams._FACTORS, ONE.view("u8"), 12, 40)


@pytest.mark.parametrize(
    "changed",
    [{"size": 99}, {"size": -1}, {"heads": [99]}, {"heads": [-1]}, {"lengths": [5, 99]}, {"lengths": [-1, 9]},
     {"lengths": [5]}, {"bits": 4}, {"heads": []}],
)  # fmt: skip
def test_phrases_longer_than_the_padding_are_refused(changed):
    given = {"size": 9, "heads": [5], "lengths": [5, 9], "bits": 3} | changed
    bits, two = np.zeros(1, dtype=np.uint8), np.array([1, 1], dtype=np.uint64)
    seams = np.array([0, 8])
    where = (
        np.zeros(20, dtype=np.uint64),
        given["size"],
        seams,
        *(np.array(given[name], int) for name in ("heads", "lengths")),
    )
    with pytest.raises(ValueError, match="other sizes"):
        KERNELS.find_phrases(*where, bits, given["bits"], bits, 3, two, two)
