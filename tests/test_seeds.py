"""The seeds: enough, different, in the one format, and of every kind that was promised."""

import re
from collections import Counter

from training.corpora import HEADS, SEEDS, read_file, read_seeds

ROWS = read_seeds()


def plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).casefold().strip() or text


def test_there_are_enough_of_them():
    assert len(ROWS) >= 1_500


def test_no_two_are_alike():
    repeated = [text for text, count in Counter(plain(row.text) for row in ROWS).items() if count > 1]
    assert repeated == []


def test_no_two_have_one_id():
    assert len({row.id for row in ROWS}) == len(ROWS)


def test_every_seed_says_kind_and_language():
    assert all(row.kind and row.language for row in ROWS)


def test_labels_are_of_known_heads_and_within_bounds():
    assert all(set(row.labels) <= set(HEADS) and all(0 <= value <= 1 for value in row.labels.values()) for row in ROWS)


def test_both_classes_have_authors_and_lack_them():
    for spam in (0, 1):
        share = [row.author is not None for row in ROWS if row.labels["spam"] == spam]
        assert 0.4 < sum(share) / len(share) < 0.9


def test_many_languages_stand_on_both_sides():
    for spam in (0, 1):
        assert len({row.language for row in ROWS if row.labels["spam"] == spam}) >= 10


def test_the_thread_is_a_post_a_doubt_and_a_long_agreement():
    thread = list(read_file(SEEDS / "thread.jsonl"))
    assert thread[0].kind == "thread_post"
    assert thread[2].parent is not None and thread[2].parent.text == thread[1].text
    assert all(row.labels == {"spam": 0, "toxicity": 0} for row in thread)
