"""Thresholds and what they decide."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import BadSetting
from moderation.policy import Choices, Override, Policy, Thresholds, make_policy
from moderation.verdict import SEVERITY, Decision
from tests.builders import make_head, make_manifest

ACCEPT, HOLD, REJECT = Decision
BOTH = Thresholds(0.5, 0.9)
scores = st.floats(0, 1)


def policy(*thresholds: Thresholds) -> Policy:
    return Policy("test", thresholds)


@pytest.mark.parametrize(
    ("score", "decision"), [(0, ACCEPT), (0.4999, ACCEPT), (0.5, HOLD), (0.8999, HOLD), (0.9, REJECT), (1, REJECT)]
)
def test_a_threshold_belongs_to_the_stricter_side(score, decision):
    assert BOTH.judge(score) is decision


@pytest.mark.parametrize("score", [0, 0.5, 1])
def test_a_head_without_thresholds_accepts_everything(score):
    assert Thresholds(None, None).judge(score) is ACCEPT


def test_a_head_may_hold_and_never_reject():
    assert Thresholds(0.5, None).judge(1) is HOLD


def test_a_head_may_reject_and_never_hold():
    limits = Thresholds(None, 0.9)
    assert [limits.judge(0.89), limits.judge(0.9)] == [ACCEPT, REJECT]


@given(scores, scores)
def test_a_higher_score_is_never_judged_more_mildly(one, other):
    low, high = sorted((one, other))
    assert SEVERITY[BOTH.judge(low)] <= SEVERITY[BOTH.judge(high)]


@given(st.lists(scores, min_size=3, max_size=3))
def test_the_strictest_head_decides(three):
    decision, own = policy(BOTH, Thresholds(0.2, None), Thresholds(None, 0.95)).judge(three)
    assert decision is max(own, key=SEVERITY.__getitem__)


def test_each_head_is_judged_by_its_own_thresholds():
    decision, own = policy(BOTH, Thresholds(0.2, 0.3)).judge([0.25, 0.25])
    assert (decision, own) == (HOLD, [ACCEPT, HOLD])


def test_a_policy_judges_as_many_scores_as_it_has_heads():
    with pytest.raises(ValueError, match="shorter"):
        policy(BOTH, BOTH).judge([0.5])


def test_the_thresholds_are_the_model_s_in_the_order_of_its_heads():
    heads = make_head(hold_at=0.1, reject_at=0.2), make_head("toxicity", hold_at=0.3, reject_at=None)
    assert make_policy(make_manifest(heads=heads)).thresholds == (Thresholds(0.1, 0.2), Thresholds(0.3, None))


def with_(head: str, **change) -> Choices:
    """A site that changes one head."""
    return Choices(thresholds={head: Override(**change)})


def test_a_site_changes_one_threshold_and_keeps_the_others():
    made = make_policy(make_manifest(), with_("toxicity", hold_at=0.2))
    assert made.thresholds == (Thresholds(0.5, 0.9), Thresholds(0.2, 0.9))


def test_a_site_may_never_reject():
    assert make_policy(make_manifest(), with_("spam", reject_at=None)).thresholds[0] == Thresholds(0.5, None)


def test_a_change_to_a_head_that_the_model_has_not_changes_nothing():
    assert (
        make_policy(make_manifest(), with_("threat", hold_at=0.1)).thresholds == make_policy(make_manifest()).thresholds
    )


def test_a_policy_is_named_by_the_model_and_the_number_of_changes():
    assert make_policy(make_manifest(name="base/1.2.3"), number=7).version == "base/1.2.3+7"


@pytest.mark.parametrize("value", [-0.1, 1.1, math.nan, math.inf])
@pytest.mark.parametrize("name", ["hold_at", "reject_at"])
def test_a_threshold_that_is_no_probability_is_refused(name, value):
    with pytest.raises(BadSetting, match=rf"spam\.{name}: .* between 0 and 1"):
        make_policy(make_manifest(), with_("spam", **{name: value}))


def test_holding_from_above_rejecting_is_refused():
    with pytest.raises(BadSetting, match=r"spam\.hold_at: 0\.95 is above reject_at 0\.9"):
        make_policy(make_manifest(), with_("spam", hold_at=0.95))


def test_holding_and_rejecting_from_the_same_score_rejects():
    limits = make_policy(make_manifest(), with_("spam", hold_at=0.9)).thresholds[0]
    assert [limits.judge(0.89), limits.judge(0.9)] == [ACCEPT, REJECT]


def test_the_thresholds_of_the_shipped_model_make_a_policy(shipped, shipped_policy):
    assert len(shipped_policy.thresholds) == len(shipped.heads)
    assert any(limits.hold_at is not None for limits in shipped_policy.thresholds)


def test_a_change_that_contradicts_a_new_model_is_read_with_caution():
    manifest = make_manifest(heads=(make_head("spam", hold_at=0.5, reject_at=0.9),))
    made = make_policy(manifest, with_("spam", hold_at=0.95), forgiving=True)
    assert made.thresholds == (Thresholds(0.9, 0.95),)
