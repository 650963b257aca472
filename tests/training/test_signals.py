"""Learning what signals are worth: from labels, around what is shipped."""

from __future__ import annotations

import pytest

from moderation.past import Outcome
from moderation.signals import BY_CODE, SIGNALS
from training import signals
from training.signals import LEAST, MOST, TooFewLabels, learn

HAM, SPAM, ABUSE, OTHER = Outcome


def labels(spam: int, ham: int, *, in_spam: int = 0, in_ham: int = 0, code: str = "too-fast", text: float = 0.0):
    """Labelled comments, in some of which one signal found something."""

    def some(count: int, found: int, outcome: Outcome):
        return [({"text": text, **({code: 1.0} if i < found else {})}, outcome) for i in range(count)]

    return some(spam, in_spam, SPAM) + some(ham, in_ham, HAM)


def weight_of(labelled, code: str = "too-fast") -> float:
    return next(one.weight for one in learn(labelled) if one.code == code)


@pytest.mark.parametrize(
    ("spam", "ham", "said"),
    [
        (0, 0, "0 comments called spam and 0 called ham: 30 are needed, and 5 of each"),
        (14, 15, "14 comments called spam and 15 called ham"),
        (96, 4, "96 comments called spam and 4 called ham"),
        (4, 96, "5 of each"),
    ],
)
def test_a_few_labels_are_too_few(spam, ham, said):
    with pytest.raises(TooFewLabels, match=said) as caught:
        learn(labels(spam, ham))
    assert "review some comments" in caught.value.hint


def test_just_enough_labels_are_enough():
    assert learn(labels(LEAST - 5, 5, in_spam=1))[0].code == "too-fast"


@pytest.mark.parametrize("outcome", [ABUSE, OTHER])
def test_abuse_and_other_tell_nothing_about_spam(outcome):
    some = labels(20, 20, in_spam=5, in_ham=2)
    assert learn(some + [({"text": 9.0, "too-fast": 1.0}, outcome)] * 50) == learn(some)


def test_comments_of_which_no_evidence_was_kept_tell_nothing():
    with pytest.raises(TooFewLabels):
        learn([({}, SPAM)] * 50 + [({}, HAM)] * 50)


def test_a_weight_moves_toward_the_labels():
    prior = BY_CODE["too-fast"].weight
    assert weight_of(labels(50, 50, in_spam=40)) > prior > weight_of(labels(50, 50, in_spam=5, in_ham=40))


def test_more_labels_move_a_weight_further():
    some = [weight_of(labels(50 * n, 50 * n, in_spam=5 * n, in_ham=20 * n)) for n in (1, 4, 16)]
    assert BY_CODE["too-fast"].weight > some[0] > some[1] > some[2]


def test_what_the_text_says_already_needs_no_weight():
    told, silent = (weight_of(labels(50, 50, in_spam=40, in_ham=10, text=text)) for text in (2.0, -2.0))
    assert told < silent


def test_a_signal_that_found_nothing_is_not_learnt():
    assert [one.code for one in learn(labels(50, 50, in_spam=40))] == ["too-fast"]


def test_a_code_that_is_no_signal_s_any_more_is_passed_over():
    assert learn(labels(50, 50, in_spam=40, code="gone")) == []


def test_what_was_found_is_counted():
    (found,) = learn(labels(50, 60, in_spam=40, in_ham=3))
    assert (found.in_spam, found.in_ham, found.prior) == (40, 3, BY_CODE["too-fast"].weight)


def test_no_weight_grows_beyond_the_bound(monkeypatch):
    monkeypatch.setattr(signals, "SPREAD", 1e6)
    assert weight_of(labels(5_000, 5_000, in_spam=5_000, text=-9.0)) == MOST


def test_every_prior_lies_within_the_bound():
    assert all(abs(one.weight) <= MOST for one in SIGNALS)


def test_the_same_labels_in_any_order_give_the_same_weights():
    some = labels(40, 40, in_spam=30, in_ham=5)
    assert learn(some) == learn(list(some)) == learn(some[::-1])
