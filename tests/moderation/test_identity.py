"""Who is spoken of cannot move a decision."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation import artifact, identity
from moderation.check import Judging, judge
from moderation.classifier import Classifier
from moderation.features import extract
from moderation.policy import make_policy
from moderation.settings import ROOT
from moderation.text import as_text, fold, fold_batch
from tests.builders import BITS, make_comment, make_comments, seen

GROUPS = ["Muslims", "gay people", "women", "black people", "Jews", "immigrants", "disabled people", "Americans", "men"]
SENTENCES = [
    "I hate {}.",
    "{} are welcome here",
    "My neighbours are {} and they are lovely.",
    "All {} should be thrown out of this country",
    "As one of the {}, I disagree with the article.",
    "Why do {} always vote for them?",
]


def groups_in(text: str) -> list[str]:
    """What is taken for a group."""
    folded = fold(text).text
    return [folded[start:end] for start, end in identity.spans(folded)]


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("I hate gay people.", ["gay people"]),
        ("she is an African American woman", ["an african american woman"]),
        ("Muslims and Jews", ["muslims", "jews"]),
        ("a middle-eastern man; a middle eastern man", ["a middle-eastern man", "a middle eastern man"]),
        ("people of color", ["people of color"]),
        ("womanly, blackboard, unwomen", []),
        ("a plain sentence", []),
    ],
)
def test_groups_are_found_with_article_and_noun(text, groups):
    assert groups_in(text) == groups


@pytest.mark.parametrize("sentence", SENTENCES)
def test_swapping_the_group_leaves_the_features_as_they_were(sentence):
    first, *others = (seen(extract([make_comment(sentence.format(group))], BITS), 0)["rows"] for group in GROUPS)
    assert all(other == first for other in others)


def test_what_is_said_of_a_group_still_counts():
    good, bad = (seen(extract([make_comment(text)], BITS), 0)["rows"] for text in ("I love women", "I hate women"))
    assert good != bad


def test_the_shipped_model_decides_alike_for_all():
    model = Classifier.load(artifact.find(ROOT / "models"))
    policy = make_policy(model.manifest)
    for sentence in SENTENCES:
        comments = make_comments(*(sentence.format(group) for group in GROUPS))
        verdicts = judge(comments, Judging(model, policy))
        assert all(a.scores == b.scores for a, b in itertools.pairwise(verdicts))


def test_a_span_of_a_group_leads_back_to_the_original():
    features = extract([make_comment("All the Gay People!")], BITS)
    word = next(i for i in range(features.pieces.codes.size) if features.pieces.codes[i] == ord(identity.PLACEHOLDER))
    assert features.span(word, word + 1) == (8, 18)


@given(
    st.lists(st.sampled_from(["a ", "an ", "gay", "bi", "old", "men", "women", " ", "'", "-", "_", "x", "é", "1"])).map(
        "".join
    )
)
def test_looking_only_where_a_name_may_begin_finds_all(text):
    expected: list[tuple[int, int]] = []
    for beginning in identity._BEGINNING.finditer(text):
        if not expected or beginning.start() >= expected[-1][1]:
            expected += [found.span() for found in [identity._GROUP.match(text, beginning.start())] if found]
    assert identity.spans(text) == expected


@pytest.mark.parametrize("text", ["gay jews, old men and women", "a gay an old \x00 é a black man.", "women " * 40])
def test_what_stands_around_groups_keeps_its_place(text):
    folded = fold_batch(["a man", text, "men"])
    groups = identity.spans(folded.text)
    merged = identity.merged(folded, groups)
    begun, end = int(folded.bounds[1]) + 1, int(folded.bounds[2])
    kept = [i for i in range(begun, end) if not any(low < i < high for low, high in groups)]
    last = {low: high - 1 for low, high in groups}
    offsets, ends = folded.traced(1)
    assert merged.text == as_text(merged.codes)
    assert merged.text.count(identity.PLACEHOLDER) == len(groups) > 0
    now = merged.traced(1)
    assert now[0].tolist() == [offsets[i - begun] for i in kept]
    assert now[1].tolist() == [ends[last.get(i, i) - begun] for i in kept]
    assert merged.codes[merged.bounds].tolist() == [ord("\n")] * 4
