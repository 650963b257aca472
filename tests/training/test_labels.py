"""What counts as one label, and for how much."""

from __future__ import annotations

from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.comment import Comment
from moderation.past import DAY, HOUR, Outcome
from moderation.store.labels import Label
from moderation.verdict import Decision
from training.labels import FADED, HALF_LIFE_DAYS, LOOKED_AT, MOST_OF_A_SAMPLE, by_age, keep, wanted, weigh

HAM, SPAM, ABUSE, OTHER = Outcome
NOW = 1_800_000_000_000


def label(number: int = 0, outcome: Outcome = HAM, text: str = "", **changes) -> Label:
    defaults = {
        "comment_id": f"{number:032x}",
        "comment": Comment(text=text or f"text {number}"),
        "outcome": outcome,
        "reviewer": "ann",
        "reviewed_at": NOW,
        "campaign": "",
        "decision": Decision.HOLD,
        "scores": {},
        "evidence": {},
        "share": None,
    }
    return Label(**{**defaults, **changes})


def weighed(*labels: Label):
    return weigh([keep(one) for one in labels], NOW)


@pytest.mark.parametrize(("outcome", "spam", "toxicity"), [(HAM, 0, 0), (SPAM, 1, np.nan), (ABUSE, np.nan, 1)])
def test_an_outcome_speaks_of_its_heads_alone(outcome, spam, toxicity):
    np.testing.assert_array_equal(weighed(label(outcome=outcome)).targets, [[spam, toxicity]])


def test_other_teaches_nothing():
    assert [one.outcome for one in wanted([label(outcome=OTHER), label(1, SPAM)])] == [SPAM]


def test_labels_can_be_asked_for_by_time_and_without_a_reviewer():
    some = [label(0), label(1, reviewed_at=NOW - DAY), label(2, reviewer="eve")]
    assert [one.comment_id[-1] for one in wanted(some, since=NOW - HOUR, without=("eve",))] == ["0"]


def test_a_thousand_of_one_campaign_count_for_eight():
    found = weighed(*(label(n, SPAM, campaign="ab" * 16) for n in range(1_000)))
    assert found.weight.sum() == pytest.approx(1 + log(1_000))


def test_the_same_words_count_once_without_a_campaign_too():
    assert weighed(label(0, text="Buy now!"), label(1, text="buy NOW")).weight.sum() == pytest.approx(1 + log(2))


def test_of_the_same_words_the_newest_judgement_counts():
    found = weighed(label(0, SPAM, "same", reviewed_at=NOW - DAY), label(1, HAM, "same"))
    assert found.targets[:, 0].tolist() == [0, 0]
    assert found.conflicts == 1


def test_near_copies_may_be_judged_apart():
    found = weighed(label(0, SPAM, "one", campaign="ab" * 16), label(1, HAM, "two", campaign="ab" * 16))
    assert found.targets[:, 0].tolist() == [1, 0]


def test_a_label_fades_and_never_to_nothing():
    ages = [0, HALF_LIFE_DAYS, 50 * HALF_LIFE_DAYS]
    found = weighed(*(label(n, reviewed_at=NOW - age * DAY) for n, age in enumerate(ages)))
    assert found.weight.tolist() == pytest.approx([1, 0.5, FADED])


@pytest.mark.parametrize(
    ("decision", "share", "counts"),
    [
        (Decision.HOLD, 0.01, 1),
        (Decision.ACCEPT, None, 1),
        (Decision.ACCEPT, 0.5, 2),
        (Decision.REJECT, 0.001, MOST_OF_A_SAMPLE),
    ],
)
def test_a_comment_that_was_drawn_stands_for_others(decision, share, counts):
    assert weighed(label(decision=decision, share=share)).weight[0] == pytest.approx(counts)


def test_a_flood_by_protocol_counts_for_what_a_person_could_look_at():
    flood = weighed(*(label(n, reviewer="akismet:blog") for n in range(1_000)))
    people = weighed(*(label(n, reviewer="ann") for n in range(1_000)))
    assert flood.weight.sum() == pytest.approx(LOOKED_AT)
    assert people.weight.sum() == pytest.approx(1_000)


def test_what_was_learnt_from_is_remembered_by_ids_and_digest():
    used = weighed(label(1, SPAM), label(2), label(3)).used
    assert (used.count, used.outcomes) == (3, {"spam": 1, "ham": 2})
    assert (used.first[-1], used.last[-1], used.until) == ("1", "3", NOW)
    assert used.digest != weighed(label(1, SPAM), label(2, SPAM), label(3)).used.digest


def test_labels_are_counted_by_age():
    (ham, spam) = by_age(
        [keep(label(n, reviewed_at=NOW - n * DAY)) for n in (0, 5, 20, 99)] + [keep(label(9, SPAM))], NOW
    )
    assert (ham.day, ham.week, ham.month, ham.older) == (1, 1, 1, 1)
    assert (spam.outcome, spam.count) == (SPAM, 1)


@given(st.lists(st.tuples(st.sampled_from([HAM, SPAM, ABUSE]), st.integers(0, 5), st.integers(0, 900)), min_size=1))
def test_every_label_counts_for_something_and_for_a_bounded_amount(rows):
    some = [
        label(n, outcome, f"text {text}", reviewed_at=NOW - age * DAY) for n, (outcome, text, age) in enumerate(rows)
    ]
    found = weighed(*some)
    assert ((found.weight > 0) & (found.weight <= MOST_OF_A_SAMPLE)).all()
    assert found.groups.size == len(rows)
