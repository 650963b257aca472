"""What a comment is found and ordered by while it waits."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from moderation.errors import BadFilter
from moderation.past import Outcome
from moderation.review import Actor, Filter, Waiting, at_command, decision_after, waiting
from moderation.verdict import Decision, Reason
from tests.builders import make_comment, make_verdict
from tests.moderation.evidence import NOW


def rank(**changes) -> Waiting:
    return waiting(1, "0" * 32, make_comment(), make_verdict(Decision.HOLD, **changes), (), NOW)


def test_a_threat_is_the_most_urgent():
    threat = rank(scores={"spam": 0.01, "threat": 0.99}, reasons=(Reason("words", "x", 1.0, "threat"),))
    assert threat.urgent < rank(scores={"spam": 0.01}).urgent < rank(scores={"spam": 0.9}).urgent


def test_the_surest_come_first_where_certainty_is_asked_for():
    assert rank(scores={"spam": 0.99}).certain < rank(scores={"spam": 0.6}).certain


def test_what_the_machine_is_of_two_minds_about_teaches_most():
    why = (Reason("words", "x", 1.0, "spam"),)
    assert rank(scores={"spam": 0.5}, reasons=why).informative < rank(scores={"spam": 0.9}, reasons=why).informative


@given(st.floats(0, 1), st.floats(0, 1))
def test_ranks_follow_the_scores(low, high):
    low, high = sorted((low, high))
    assert rank(scores={"spam": high}).certain <= rank(scores={"spam": low}).certain


def test_ham_alone_is_accepted_afterwards():
    assert {outcome for outcome in Outcome if decision_after(outcome) is Decision.ACCEPT} == {Outcome.HAM}


def test_a_search_that_is_too_long_is_refused():
    with pytest.raises(BadFilter, match="100 characters"):
        Filter(words="a" * 101)


# -- Who acts


@pytest.mark.parametrize(("by", "name"), [("ann", "ann"), ("a" * 100, "a" * 64), (None, "me"), ("", "me")])
def test_a_command_acts_for_who_is_named_or_else_for_who_is_logged_in(monkeypatch, by, name):
    monkeypatch.setattr("moderation.review.getuser", lambda: "me")
    assert at_command(by) == Actor(name, "command")
