"""The gate: what keeps a challenger out, and that it says why."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from moderation.policy import Thresholds
from moderation.verdict import Decision
from tests.training.test_labels import HAM, SPAM, label
from training.gate import LEAST_LATER, OfCorpus, Trial, judged
from training.labels import keep
from training.rivals import ACCEPT, HOLD, REJECT, Rival, compare, decided

NONE = np.zeros(0, dtype=np.int64)


def trial(challenger: list[int], champion: list[int], bad: list[bool], language: str = "", **changes) -> Trial:
    """Decisions of both on comments; scores that fit the labels."""
    from moderation.comment import Comment

    labels = [
        keep(label(n, SPAM if one else HAM, comment=Comment(text=f"text {n}", language=language or None), **changes))
        for n, one in enumerate(bad)
    ]
    scores = np.where(np.array(bad)[:, None], 0.99, 0.01).repeat(2, axis=1) if bad else np.zeros((0, 2))
    new, old = (Rival("x", scores.copy(), np.array(one, dtype=np.int64)) for one in (challenger, champion))
    return Trial(labels, np.array(bad, dtype=bool), new, old)


def same(count: int = 40) -> Trial:
    """Both right about everything."""
    bad = [n % 2 == 0 for n in range(count)]
    right = [HOLD if one else ACCEPT for one in bad]
    return trial(right, right, bad)


def refused(later: Trial | None = None, *, overturned: Trial | None = None, corpora=(), swapped=(0, 0)) -> list:
    checks = judged(later or same(), overturned or trial([], [], []), corpora, swapped, 100)
    return [check for check in checks if not check.passed]


def test_one_as_good_as_the_other_passes():
    assert refused() == []


def test_too_few_later_labels_are_no_test():
    (check,) = refused(same(LEAST_LATER - 1))
    assert (check.name, check.told[:17]) == ("later labels", "19 later labels: ")


def test_one_more_ham_rejected_is_one_too_many():
    later = same()
    later.challenger.decisions[1] = REJECT
    (check,) = refused(later)
    assert check.name == "false rejections"
    assert check.comments == (later.labels[1].comment_id,)


def test_another_ham_rejected_in_its_place_is_not_worse():
    later = same()
    later.challenger.decisions[1] = REJECT
    later.champion.decisions[3] = REJECT
    assert refused(later) == []


@pytest.mark.parametrize(("missed", "passes"), [(2, True), (8, False)])
def test_missed_spam_may_be_chance(missed, passes):
    later = same(60)
    later.challenger.decisions[0 : 2 * missed : 2] = ACCEPT
    assert (refused(later) == []) is passes


def test_a_refusal_names_the_comments():
    later = same(60)
    later.challenger.decisions[0:20:2] = ACCEPT
    check = next(one for one in refused(later) if one.name == "missed spam")
    assert check.comments == tuple(later.labels[n].comment_id for n in range(0, 20, 2))
    assert "10 that only the challenger gets wrong" in check.told


def test_scores_that_are_far_from_true_are_refused():
    later = same()
    later.challenger.scores[:] = 0.9
    assert [one.name for one in refused(later)] == ["calibration"]


def test_a_language_that_gets_worse_is_refused():
    german, english = (trial([HOLD] * 30, [HOLD] * 30, [True] * 30, name) for name in ("de", "en"))
    german.challenger.decisions[:10] = ACCEPT
    both = Trial(
        [*german.labels, *english.labels],
        np.concatenate([german.bad, english.bad]),
        *(
            Rival(name, np.concatenate([one.scores, two.scores]), np.concatenate([one.decisions, two.decisions]))
            for name, one, two in (
                ("new", german.challenger, english.challenger),
                ("old", german.champion, english.champion),
            )
        ),
    )
    assert "language de" in [one.name for one in refused(both)]
    assert "language en" not in [one.name for one in refused(both)]


def test_what_people_overturned_must_not_come_again():
    bad = [True] * 12
    again = trial([ACCEPT] * 12, [HOLD] * 12, bad, decision=Decision.ACCEPT)
    (check,) = refused(overturned=again)
    assert check.name == "never again" and len(check.comments) == 12


def test_ham_that_was_overturned_must_not_be_rejected():
    again = trial([REJECT] + [ACCEPT] * 11, [HOLD] * 12, [False] * 12, decision=Decision.HOLD)
    assert [one.name for one in refused(overturned=again)] == ["never again"]


def corpus(challenger: dict[int, int], size: int = 1_000) -> OfCorpus:
    decisions = np.zeros(size, dtype=np.int64)
    low = 0
    for severity, count in challenger.items():
        decisions[low : low + count] = severity
        low += count
    return OfCorpus("seeds", decisions, np.zeros(size, dtype=np.int64))


@pytest.mark.parametrize(
    ("made", "passes"), [({HOLD: 40}, True), ({HOLD: 80}, False), ({REJECT: 2}, True), ({REJECT: 9}, False)]
)
def test_ham_of_other_blogs_may_be_held_a_little_more_and_not_rejected(made, passes):
    assert (refused(corpora=[corpus(made)]) == []) is passes


def test_who_is_spoken_of_must_not_begin_to_matter():
    (check,) = refused(swapped=(1, 0))
    assert check.name == "identity swaps"
    assert refused(swapped=(3, 3)) == []


def test_the_test_of_pairs_is_the_exact_one():
    found = compare(np.arange(30) < 9, (np.arange(30) >= 9) & (np.arange(30) < 12))
    assert (len(found.worse), len(found.better)) == (9, 3)
    assert found.p == pytest.approx(binomtest(9, 12).pvalue)
    assert found.p_worse == pytest.approx(binomtest(9, 12, alternative="greater").pvalue)


def test_nothing_to_compare_is_not_worse():
    found = compare(np.zeros(5, dtype=bool), np.zeros(5, dtype=bool))
    assert (found.p, found.is_worse) == (1.0, False)


def test_rejecting_takes_two_where_the_base_is_asked_too():
    limits = (Thresholds(0.5, 0.9), Thresholds(0.5, None))
    scores = np.array([[0.95, 0.1], [0.95, 0.1], [0.6, 0.1], [0.1, 0.99], [0.1, 0.1]])
    also = np.array([True, False, True, True, True])
    assert decided(scores, limits).tolist() == [REJECT, REJECT, HOLD, HOLD, ACCEPT]
    assert decided(scores, limits, also).tolist() == [REJECT, HOLD, HOLD, HOLD, ACCEPT]
