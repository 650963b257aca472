from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from moderation.classifier import Classifier
from moderation.comment import Author, Comment
from moderation.explain import MAX_SPANS, MOST, WEAK, Explanation, explain
from moderation.features import TOKEN_SCALE
from moderation.grams import feature_count, token_index
from moderation.text import revealed
from tests.builders import BITS, make_comment, make_comments, make_head, tiny_model, weights_of, word_row, words_text
from tests.moderation.strategies import any_comments, words

WORDS = ("casino", "viagra", "cafe", "bogus", "pills")


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Classifier:
    """A model with an opinion on everything."""
    return tiny_model(tmp_path_factory.mktemp("model"), heads=(make_head(bias=-1.0, slope=0.7), make_head("toxicity")))


@pytest.fixture(scope="module")
def knowing(tmp_path_factory) -> Classifier:
    """A model that knows a few words, and nothing of their letters."""
    return tiny_model(tmp_path_factory.mktemp("model"), weights=weights_of({word_row(word): 20.0 for word in WORDS}))


def explain_all(model: Classifier, comments: list[Comment], head: int = 0) -> list[Explanation]:
    features = model.features(comments)
    return explain(model, comments, features, model.scored(features), np.full(len(comments), head))


def explain_one(model: Classifier, comment: Comment | str, head: int = 0) -> Explanation:
    return explain_all(model, [make_comment(comment) if isinstance(comment, str) else comment], head)[0]


@given(st.lists(any_comments, min_size=1, max_size=3), st.integers(0, 1))
def test_start_parts_and_rest_are_the_logit(model, comments, head):
    features = model.features(comments)
    scored = model.scored(features)
    logits = scored.logits
    for i, found in enumerate(explain(model, comments, features, scored, np.full(len(comments), head))):
        assert found.logit == logits[i, head] and found.start == model.start(head)
        assert found.start + sum(part.effect for part in found.parts) + found.rest == pytest.approx(
            found.logit, abs=1e-6
        )


@given(words)
def test_the_rest_of_plain_words_is_no_more_than_what_was_too_weak_to_name(model, words):
    found = explain_one(model, " ".join(sorted(set(words))[:MOST]))
    assert abs(found.rest) <= WEAK * MOST + 1e-3


def test_parts_are_sorted_strongest_first_and_none_is_weak(model):
    parts = explain_one(model, make_comment("Buy cheap pills at http://spam.ru", author=Author(name="Casino"))).parts
    strengths = [abs(part.effect) for part in parts]
    assert strengths == sorted(strengths, reverse=True) and strengths[-1] >= WEAK


def test_a_known_word_is_all_that_is_named(knowing):
    found = explain_one(knowing, "the best casino in town")
    assert [part.about for part in found.parts] == ["casino"]
    assert found.rest == pytest.approx(0, abs=1e-6)


def test_a_part_tells_its_effect(knowing):
    found = explain_one(knowing, "casino")
    assert found.parts[0].effect == pytest.approx(found.logit - found.start)


def test_each_head_has_its_own_explanation(tmp_path):
    weights = np.zeros((feature_count(BITS), 2), dtype=np.float32)
    weights[word_row("casino"), 0] = weights[word_row("idiot"), 1] = 20
    comments, model = make_comments("casino idiot", "casino idiot"), tiny_model(tmp_path, weights=weights)
    features = model.features(comments)
    spam, toxicity = explain(model, comments, features, model.scored(features), np.array([0, 1]))
    assert (spam.parts[0].about, toxicity.parts[0].about) == ("casino", "idiot")


@given(words)
def test_spans_cut_the_original_text_to_the_shown_word(model, words):
    text = " ".join(word.title() for word in words)
    assume(not revealed(text.lower()))  # Disguise is shown as such.
    for part in explain_one(model, text).parts:
        shown = {text[start:end].lower() for start, end in part.spans}
        assert part.group == "words" and shown == {part.about.lower()}


@given(st.lists(any_comments, min_size=1, max_size=3))
def test_spans_lie_inside_the_original(model, comments):
    for comment, found in zip(comments, explain_all(model, comments), strict=True):
        for start, end in (span for part in found.parts for span in part.spans):
            assert 0 <= start < end <= len(comment.text)


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("Best CASINO here", "CASINO"),
        ("best cas<b>in</b>o here", "cas<b>in</b>o"),
        ("best cаsinо here", "cаsinо"),  # Cyrillic а and о
        ("best c\u200basino here", "c\u200basino"),
        ("buy v1agra now", "v1agra"),
        ("buy v i a g r a now", "v i a g r a"),
        ("&#118;iagra!", "&#118;iagra"),
        ("one caf&eacute; here", "caf&eacute;"),
        ("some &bogus; here", "bogus"),
    ],
)
def test_a_word_points_to_its_disguised_original(knowing, text, about):
    (part,) = explain_one(knowing, text).parts
    assert part.about == about
    assert [text[start:end] for start, end in part.spans] == [about]


def test_a_repeated_word_is_one_part_with_several_places(knowing):
    text = "Casino, casino and CASINO"
    (part,) = explain_one(knowing, text).parts
    assert [text[start:end] for start, end in part.spans] == ["Casino", "casino", "CASINO"]


def test_no_more_than_the_first_places_are_shown(knowing):
    (part,) = explain_one(knowing, "casino " * (MAX_SPANS + 3)).parts
    assert part.spans == tuple((at * 7, at * 7 + 6) for at in range(MAX_SPANS))


def test_no_more_than_a_few_words_are_named(model):
    parts = explain_one(model, "one two three four five six seven eight").parts
    assert sum(part.group == "words" for part in parts) == MOST


def test_no_more_than_a_few_words_of_a_very_long_comment_are_named(model):
    vocabulary = ["casino", "pills", "hello", "world", "seven", "eight", "garden"]
    parts = explain_one(model, words_text(60_000, vocabulary=vocabulary)).parts
    assert len(parts) == len({part.about for part in parts}) <= MOST


@given(st.lists(any_comments, min_size=2, max_size=3))
@example(make_comments("hello", "!!! casino"))
def test_a_comment_is_explained_the_same_alone_and_in_company(model, comments):
    for comment, found in zip(comments, explain_all(model, comments), strict=True):
        alone = explain_one(model, comment)
        assert found.rest == pytest.approx(alone.rest, abs=1e-3)


def test_what_another_comment_says_is_no_reason(knowing):
    clean, spam = explain_all(knowing, make_comments("nice garden", "best casino"))
    assert clean.parts == []
    assert [part.about for part in spam.parts] == ["casino"]


def test_a_name_is_named_without_a_place(knowing):
    (part,) = explain_one(knowing, make_comment("hello", author=Author(name="Casino"))).parts
    assert (part.group, part.about, part.spans) == ("names", "casino", ())


def test_a_link_is_named_with_its_place(tmp_path):
    model = tiny_model(tmp_path, weights=weights_of({token_index("link:tld=ru", BITS): 5.0}))
    text = 'see <a href="http://spam.ru">this</a> now'
    (part,) = explain_one(model, text).parts
    assert (part.group, part.about) == ("link", "http://spam.ru")
    assert [text[start:end] for start, end in part.spans] == ['<a href="http://spam.ru">this</a>']


def test_all_tokens_of_one_link_are_one_part(tmp_path):
    rows = {token_index(name, BITS): 5.0 for name in ("link:tld=ru", "link:domain=spam.ru")}
    (part,) = explain_one(tiny_model(tmp_path, weights=weights_of(rows)), "see http://spam.ru").parts
    assert part.effect == pytest.approx(2 * TOKEN_SCALE * 5)


def test_an_author_field_is_named(tmp_path):
    model = tiny_model(tmp_path, weights=weights_of({token_index("email:tld=ru", BITS): 5.0}))
    (part,) = explain_one(model, make_comment(author=Author(email="Bob@spam.ru"))).parts
    assert (part.group, part.about, part.spans) == ("author", "Bob@spam.ru", ())


def test_disguise_is_named(tmp_path):
    model = tiny_model(tmp_path, weights=weights_of({token_index("disguise:hidden", BITS): 5.0}))
    (part,) = explain_one(model, "he\u200bll\u200bo").parts
    assert (part.group, part.about) == ("disguise", "2 invisible characters")


def test_a_comment_without_evidence_has_no_reasons(model):
    found = explain_one(model, "")
    assert found.parts == [] and found.rest == 0
    assert found.logit == found.start
