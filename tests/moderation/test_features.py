from __future__ import annotations

import zlib
from collections import Counter
from functools import lru_cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from moderation.comment import Author
from moderation.features import extract
from moderation.grams import CHUNK, TOKENS, feature_count, token_index
from moderation.text import fold, fold_batch, plainly
from tests.builders import BITS, Kind, all_rows, make_author, make_comment, make_comments, rows_of, seen, words_text
from tests.moderation.strategies import any_comments

# The documented formula, once more and slowly: a window from i to k hashes to sum(c[j] * P**(j - i)) modulo 2**64.
MODULUS = 1 << 64
P = 0x9E3779B97F4A7C15
MIX_SIZE = {2: 0xBF58476D1CE4E5B9, 3: 0x94D049BB133111EB, 4: 0xD6E8FEB86659FD93, 5: 0xA5CB3B8E6A5F7D4B}
MIX_WORD = 0xC2B2AE3D27D4EB4F
MIX_PAIR = 0x165667B19E3779F9


@lru_cache
def raw_hash(text: str) -> int:
    return sum(ord(character) * pow(P, i, MODULUS) for i, character in enumerate(text)) % MODULUS


def row(mixed: int, bits: int) -> int:
    return mixed % MODULUS >> (64 - bits)


def expected_chars(text: str, bits: int) -> Counter[int]:
    padded = f" {text} "
    windows = [padded[i : i + size] for i in range(len(padded)) for size in MIX_SIZE if i + size <= len(padded)]
    return Counter(row(raw_hash(w) * MIX_SIZE[len(w)], bits) for w in windows if " " not in w[1:-1] and w != "  ")


def words_in(text: str) -> list[str]:
    return "".join(c if c.isalnum() or c == "'" else " " for c in text).split()


def expected_words(text: str, bits: int) -> Counter[int]:
    return Counter(row(raw_hash(word) * MIX_WORD, bits) for word in words_in(text))


def expected_pairs(text: str, bits: int) -> Counter[int]:
    raw = [raw_hash(word) for word in words_in(text)]
    return Counter(row((one * MIX_PAIR + two) * MIX_WORD, bits) for one, two in pairwise(raw))


EXPECTED = {Kind.CHAR: expected_chars, Kind.WORD: expected_words, Kind.PAIR: expected_pairs}


@pytest.mark.parametrize("kind", Kind)
@given(text=st.text("abcde13é日ж' !,", max_size=40), bits=st.integers(4, 22))
def test_ngrams_hash_as_documented(kind, text, bits):
    folded = fold_batch([text])
    expected = EXPECTED[kind](plainly(folded, folded.codes.size).text.strip("\n"), bits)
    assert rows_of(extract([make_comment(text)], bits), 0, kind) == expected


@given(name=st.text(st.characters(exclude_categories=())), bits=st.integers(1, 30))
def test_tokens_hash_as_documented(name, bits):
    few = max(bits - TOKENS, 1)
    assert token_index(name, bits) == 2**bits + row(zlib.crc32(name.encode("utf-8", "replace")) * P, few)
    assert 2**bits <= token_index(name, bits) < feature_count(bits)


def test_a_token_of_the_batch_stands_in_its_row():
    found = extract([make_comment(author=Author(email="ann@example.org"))], BITS)
    assert found.token_rows.tolist() == [
        token_index("email:domain=example.org", BITS),
        token_index("email:tld=org", BITS),
    ]


@given(st.lists(any_comments, min_size=1, max_size=5))
@example(make_comments("a\x07b", "é"))
@example(make_comments("the covid19 thing", "v1agra"))
@example(make_comments("see www.123 now", "http://a.com"))
@example(make_comments("see a-.com now", "http://a.com"))
def test_a_comment_has_the_same_features_alone_and_in_company(comments):
    together = extract(comments, BITS)
    for i, comment in enumerate(comments):
        alone = extract([comment], BITS)
        assert seen(together, i) == seen(alone, 0)
        assert together.repeats[i] == pytest.approx(alone.repeats[0])


@pytest.mark.parametrize("text", [words_text(60_000), "ab" * (2 * CHUNK), "日本" * (2 * CHUNK), "x " * (2 * CHUNK)])
def test_a_very_long_comment_has_the_same_features_alone_and_in_company(text):
    assert len(text) > 3 * CHUNK
    together, alone = (
        extract(make_comments("short one", text, "another", text), BITS),
        extract([make_comment(text)], BITS),
    )
    assert seen(together, 1) == seen(together, 3) == seen(alone, 0)
    assert together.repeats[1] == pytest.approx(alone.repeats[0])


@pytest.mark.parametrize("size", range(CHUNK - 5, CHUNK + 3))
def test_a_comment_about_as_long_as_a_chunk_loses_nothing(size):
    text = words_text(8_000)[: size - 1] + "x"
    together = extract(make_comments("before", text, "after"), BITS)
    assert seen(together, 1) == seen(extract([make_comment(text)], BITS), 0)
    assert sum(rows_of(together, 1, Kind.WORD).values()) == len(text.split())


def test_a_short_comment_beside_a_very_long_one_keeps_its_features():
    together = extract(make_comments("a short one", words_text(40_000), "another one"), BITS)
    alone = extract(make_comments("a short one", "another one"), BITS)
    assert [seen(together, 0), seen(together, 2)] == [seen(alone, 0), seen(alone, 1)]


def test_every_word_of_a_very_long_comment_is_seen():
    text = words_text(60_000)
    assert rows_of(extract([make_comment(text)], BITS), 0, Kind.WORD) == expected_words(fold(text).text, BITS)


@given(st.lists(any_comments, max_size=4))
def test_extracting_twice_gives_the_same(comments):
    first, second = extract(comments, BITS), extract(comments, BITS)
    assert np.array_equal(all_rows(first), all_rows(second))
    assert np.array_equal(first.repeats, second.repeats)


@given(st.lists(any_comments, max_size=4), st.integers(4, 22))
def test_every_row_is_a_row_of_the_matrix(comments, bits):
    found = extract(comments, bits)
    grams = np.concatenate([run.rows for run in found.runs]) if found.runs else np.zeros(0)
    assert np.all((grams >= 0) & (grams < 1 << bits))
    assert np.all((found.token_rows >= 1 << bits) & (found.token_rows < feature_count(bits)))


@given(st.lists(any_comments, max_size=4))
def test_words_repeat_once_or_more(comments):
    repeats = extract(comments, BITS).repeats
    assert repeats.shape == (len(comments), 2)
    assert np.all(np.isfinite(repeats) & (repeats >= 1))


def test_an_empty_batch_has_no_features():
    found = extract([], BITS)
    assert found.size == 0
    assert all_rows(found).size == 0


@pytest.mark.parametrize("text", ["", "\u200b", "\x00", "<b></b>"])
def test_a_text_of_nothing_has_no_features(text):
    assert not any(rows_of(extract([make_comment(text)], BITS), 0, kind) for kind in Kind)


@pytest.mark.parametrize("text", ["!!!", "?! ... ?!", "👍", "—"])
def test_a_text_of_punctuation_has_characters_but_no_words(text):
    found = extract([make_comment(text)], BITS)
    assert rows_of(found, 0, Kind.CHAR)
    assert not rows_of(found, 0, Kind.WORD) + rows_of(found, 0, Kind.PAIR)


def test_a_missing_author_gives_no_tokens_and_no_names():
    found = extract([make_comment(author=None)], BITS)
    assert found.tokens == [[]]
    assert not any(run.block.any() for run in found.runs)


def test_a_name_is_seen_apart_from_the_text():
    found = extract([make_comment("hello", author=Author(name="casino"))], BITS)
    assert rows_of(found, 0, Kind.WORD, names=True) == rows_of(extract([make_comment("casino")], BITS), 0, Kind.WORD)


def test_the_names_of_one_comment_are_not_those_of_the_next():
    found = extract([make_comment("a"), make_comment("b", author=make_author())], BITS)
    assert not rows_of(found, 0, Kind.CHAR, names=True)
    assert rows_of(found, 1, Kind.CHAR, names=True)


@pytest.mark.parametrize("kind", [Kind.CHAR, Kind.WORD])
def test_no_ngram_crosses_a_word_gap(kind):
    together, one, two = (rows_of(extract([make_comment(text)], BITS), 0, kind) for text in ("ab cd", "ab", "cd"))
    assert together == one + two


def test_words_side_by_side_make_one_pair():
    assert rows_of(extract([make_comment("ab cd")], BITS), 0, Kind.PAIR).total() == 1


def test_two_comments_share_no_pair_of_words():
    found = extract(make_comments("ab", "cd"), BITS)
    assert not rows_of(found, 0, Kind.PAIR) + rows_of(found, 1, Kind.PAIR)


def test_the_end_of_a_very_long_comment_makes_no_pair_with_the_next_comment():
    # a long comment's end begins in the middle of a text, without a seam.
    found = extract(make_comments("ab" * CHUNK, "cd"), BITS)
    assert not rows_of(found, 0, Kind.PAIR) + rows_of(found, 1, Kind.PAIR)


def test_the_order_of_words_shows_in_their_pairs_alone():
    one, two = (extract([make_comment(text)], BITS) for text in ("ab cd", "cd ab"))
    assert rows_of(one, 0, Kind.CHAR) == rows_of(two, 0, Kind.CHAR)
    assert rows_of(one, 0, Kind.PAIR) != rows_of(two, 0, Kind.PAIR)


def test_a_word_said_a_hundred_times_repeats_a_hundred_times():
    assert extract([make_comment("spam " * 100)], BITS).repeats[0].tolist() == [100, 1]


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("see http://spam.ru/x now", "http://spam.ru/x"),
        ("see www.spam.ru.", "www.spam.ru"),
        ("go to cheap-pills.com!", "cheap-pills.com"),
        ("HXXP://Spam.ru", "hxxp://spam.ru"),
        ("(https://spam.ru)", "https://spam.ru"),
    ],
)
def test_a_link_written_plainly_is_found(text, url):
    assert [link.url for link in extract([make_comment(text)], BITS).links[0]] == [url]


@pytest.mark.parametrize(
    "text", ["e.g. this", "end.Start of", "version 1.2.3", "ann@example.com", "node.js", "wait..."]
)
def test_ordinary_dots_are_no_links(text):
    assert extract([make_comment(text)], BITS).links == [()]


def test_a_link_is_blanked_out_of_the_text():
    with_link, without = (extract([make_comment(text)], BITS) for text in ("see http://spam.ru/casino now", "see now"))
    assert rows_of(with_link, 0, Kind.WORD) == rows_of(without, 0, Kind.WORD)


def test_a_link_in_markup_whose_anchor_is_an_address_counts_once():
    (links,) = extract([make_comment('<a href="http://a.com">http://a.com</a>')], BITS).links
    assert len(links) == 1


def test_leet_inside_a_link_is_no_word():
    found = extract([make_comment("see https://example.com/v1agra now")], BITS)
    assert rows_of(found, 0, Kind.WORD) == rows_of(extract([make_comment("see now")], BITS), 0, Kind.WORD)


DISGUISED = "buy v1agra and c h e a p   p i l l s at m.y sh0p, my l.i.n.k is here"


@pytest.mark.parametrize("kind", Kind)
def test_disguised_words_count_like_the_words_themselves(kind):
    plain = "buy viagra and cheap pills at m.y shop, my link is here"
    disguised, meant = (rows_of(extract([make_comment(text)], BITS), 0, kind) for text in (DISGUISED, plain))
    assert disguised == meant


def test_disguised_words_are_told():
    (tokens,) = extract([make_comment(DISGUISED)], BITS).tokens
    assert {token.name for token in tokens} == {"disguise:spaced", "disguise:leet"}
    assert extract([make_comment("buy viagra and pills")], BITS).tokens == [[]]


def test_an_odd_word_of_a_short_text_leads_back_to_the_original():
    text = "Wow! <b>GtYdvPq</b>"
    features = extract([make_comment(text)], BITS)
    assert {text[slice(*features.span(*token.place))] for token in features.tokens[0]} == {"GtYdvPq"}
    assert extract([make_comment(text + " and more" * 9)], BITS).tokens == [[]]


def test_a_group_in_disguise_is_folded_like_any_other():
    rows = [rows_of(extract([make_comment(f"I hate {who} so much")], BITS), 0, Kind.WORD) for who in ("men", "m e n")]
    assert rows[0] == rows[1]


HOSTILE = (
    "<", "&amp;", "[url=", "<a href=", "\u0301", "a.", "http://", "a b ", "1a", "@a", '<a href="x">', "<!--", "&#",
    "[a](", "www.", "[", "&", "<a ", "[url]", '<a href="', "*a", "a-", "$ ", ".a", "0.", "a@b.", "\u200b", "\ud800",
    "\0", "\n", "ﷺ", "%20", "<a href=x>a.b</a>", "[url=a.b]",
    "a.com ", "http://a.b ",
)  # fmt: skip


@pytest.mark.parametrize("pattern", HOSTILE)
def test_hostile_text_of_any_length_is_taken(pattern):
    text = pattern * (200_000 // len(pattern))
    found = extract([make_comment(text)], BITS)
    assert np.all(all_rows(found) < feature_count(BITS)) and np.all(found.repeats >= 1)
    assert all(0 <= link.start < link.end <= len(text) for link in found.links[0])


def test_spaced_out_words_are_read_one_by_one():
    spaced = extract([make_comment("c h e a p   p i l l s")], BITS)
    words = [rows_of(extract([make_comment(word)], BITS), 0, Kind.WORD) for word in ("cheap", "pills")]
    assert all(word.items() <= rows_of(spaced, 0, Kind.WORD).items() for word in words)
