"""Other thresholds on past comments: what would be held, what would be wrong, what would flip."""

from __future__ import annotations

from dataclasses import replace

import pytest

from moderation.guarantee import share_of
from moderation.past import DAY, Outcome
from moderation.policy import Thresholds
from moderation.simulator import Past, compact, days_of, decided, flips, pace, simulate
from moderation.verdict import Decision

USUAL = Thresholds(0.5, 0.9)
PLAIN = Past("c", 0, 0.7, Decision.ACCEPT, fixed=False, outcome=None, drawn=False)


def past(score: float, number: int = 0, **changes) -> Past:
    return replace(PLAIN, comment_id=f"{number:032x}", score=score, **changes)


@pytest.mark.parametrize(
    ("score", "decision"), [(0.49, Decision.ACCEPT), (0.5, Decision.HOLD), (0.9, Decision.REJECT), (1, Decision.REJECT)]
)
def test_thresholds_decide_as_the_policy_does(score, decision):
    assert decided(past(score), USUAL) is decision


def test_the_stricter_of_the_heads_decides():
    assert decided(past(0.1, others=Decision.HOLD), USUAL) is Decision.HOLD
    assert decided(past(0.95, others=Decision.HOLD), USUAL) is Decision.REJECT


def test_what_a_rule_decided_stays():
    assert decided(past(0.99, others=Decision.ACCEPT, fixed=True), USUAL) is Decision.ACCEPT


def test_what_the_base_model_would_not_reject_is_held():
    assert decided(past(0.99, unsure=True), USUAL) is Decision.HOLD


def test_never_means_never():
    assert decided(past(1.0), Thresholds(None, None)) is Decision.ACCEPT


def test_held_comments_and_minutes_are_counted_by_day():
    rows = [past(0.7, number, received_at=number * DAY // 10) for number in range(41)]
    found = simulate(rows, USUAL, seconds=6)
    assert (found.days, found.held, found.held_a_day) == (4.0, 41, 10.25)
    assert found.minutes == pytest.approx(1.025)


def test_wrong_rejections_are_told_of_the_drawn_alone():
    ham = [past(0.95 if number < 2 else 0.1, outcome=Outcome.HAM, drawn=True) for number in range(40)]
    picked = [past(0.95, outcome=Outcome.HAM)] * 10
    found = simulate(ham + picked, USUAL)
    assert found.ham_rejected == share_of(2, 40)
    assert found.known_rejected == 12


def test_missed_spam_is_told_of_the_drawn_alone():
    bad = [past(0.1, outcome=Outcome.ABUSE, drawn=True)] * 5 + [past(0.8, outcome=Outcome.SPAM, drawn=True)] * 20
    found = simulate([*bad, past(0.1, outcome=Outcome.SPAM)], USUAL)
    assert found.bad_accepted == share_of(5, 25)
    assert found.known_accepted == 6


def test_too_few_drawn_comments_give_no_share():
    found = simulate([past(0.1, outcome=Outcome.HAM, drawn=True)] * 19, USUAL)
    assert found.ham_rejected is None and found.bad_accepted is None


def test_other_is_neither_fine_nor_bad():
    found = simulate([past(0.95, outcome=Outcome.OTHER, drawn=True)] * 30, USUAL)
    assert (found.known_rejected, found.ham_rejected) == (0, None)


def test_without_comments_nothing_is_held():
    found = simulate([], USUAL)
    assert (found.comments, found.held, found.held_a_day) == (0, 0, 0)
    assert flips([], USUAL, Thresholds(0, 0)) == []


def test_an_hour_counts_as_a_day():
    assert days_of([past(0.5), past(0.5, received_at=3_600_000)]) == 1.0


def test_what_flips_is_listed_newest_first_and_what_would_be_wrong_before():
    rows = [past(0.3, 1), past(0.3, 2, outcome=Outcome.HAM), past(0.3, 3), past(0.95, 4)]
    found = flips(rows, USUAL, Thresholds(0.2, 0.25))
    assert [int(one.comment_id, 16) for one in found] == [2, 3, 1]
    assert {(one.before, one.after) for one in found} == {(Decision.ACCEPT, Decision.REJECT)}


def test_a_drawn_comment_that_waits_for_a_blind_look_is_not_listed():
    assert flips([past(0.3, drawn=True)], USUAL, Thresholds(0.2, 0.9)) == []
    assert len(flips([past(0.3, drawn=True, outcome=Outcome.HAM)], USUAL, Thresholds(0.2, 0.9))) == 1


def test_the_script_is_sent_scores_and_kinds_and_no_ids():
    rows = [
        past(0.123456, others=Decision.HOLD, outcome=Outcome.HAM, drawn=True),
        past(0.5, others=Decision.REJECT, fixed=True, outcome=Outcome.SPAM),
        past(1.0, unsure=True),
    ]
    assert compact(rows) == {"days": 1.0, "scores": [123456, -1, 1_000_000], "kinds": "d8i"}


def test_how_fast_people_decide_is_the_usual_gap():
    said = [("ann", 4_000 * number) for number in range(30)] + [("bob", 10_000_000)]
    assert pace(reversed(said)) == 4.0


def test_a_pause_and_a_settled_campaign_are_no_pace():
    pauses = [("ann", 120_000 * number) for number in range(50)]
    assert pace(pauses + [("bob", 5)] * 50) is None
