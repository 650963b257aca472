"""What rules would have done to the comments a site has had."""

from __future__ import annotations

from datetime import timedelta

import pytest

from moderation.comment import Author, Post
from moderation.past import Outcome
from moderation.rules import Rule
from moderation.rules.checked import checked
from moderation.rules.replay import Stored, Tally, replay
from moderation.store.retention import stripped
from moderation.verdict import Decision
from tests.builders import NOON, make_comment

NOW = int(NOON.timestamp() * 1000)
ACCEPT, HOLD, REJECT = Decision


def stored(text: str = "cheap pills", decision: Decision = ACCEPT, outcome: Outcome | None = None, **changes) -> Stored:
    return Stored(make_comment(text, **changes), NOW, decision, outcome)


def rule(action: str = "block", kind: str = "word", value: str = "pills", **changes) -> Rule:
    return checked(action, kind, value, **changes).numbered(7)


def tally(one: Rule, *history: Stored) -> Tally:
    (found,) = replay([one], history).tallies
    return found


def test_nothing_is_met_where_there_is_nothing():
    found = replay([rule()], [])
    assert (found.comments, found.met, found.since, found.tallies[0].met) == (0, 0, None, 0)


def test_what_was_decided_and_said_is_counted():
    found = tally(
        rule(), stored(), stored(decision=HOLD, outcome=Outcome.SPAM), stored("other"), stored(outcome=Outcome.OTHER)
    )
    assert found.met == 3
    assert found.decided == {"accept": 2, "hold": 1, "reject": 0}
    assert found.said == {"ham": 0, "spam": 1, "abuse": 0, "other": 1, "none": 1}


@pytest.mark.parametrize(
    ("action", "decision", "outcome", "wrong"),
    [
        ("block", HOLD, Outcome.HAM, True),
        ("hold", REJECT, Outcome.HAM, True),
        ("block", ACCEPT, None, True),
        ("block", ACCEPT, Outcome.SPAM, False),
        ("block", ACCEPT, Outcome.OTHER, False),
        ("block", HOLD, None, False),
        ("block", REJECT, None, False),
        ("allow", HOLD, Outcome.SPAM, True),
        ("allow", HOLD, Outcome.ABUSE, True),
        ("allow", REJECT, None, False),
        ("allow", HOLD, Outcome.HAM, False),
    ],
)
def test_wrong_is_what_people_or_their_silence_speak_against(action, decision, outcome, wrong):
    assert tally(rule(action), stored(decision=decision, outcome=outcome)).wrong == int(wrong)


def test_a_few_examples_are_shown_of_each():
    right = [stored(f"pills {i}" + "x" * 300, HOLD) for i in range(9)]
    found = tally(rule(), *right, stored("wrong pills"))
    assert [text[:7] for text in found.examples] == [f"pills {i}" for i in range(5)]
    assert (max(map(len, found.examples)), found.wrong_examples) == (200, ["wrong pills"])


def test_each_rule_counts_by_itself():
    found = replay([rule("allow"), rule("block"), rule("hold", value="absent")], [stored(), stored("other")])
    assert ([one.met for one in found.tallies], found.met, found.comments) == ([1, 1, 0], 1, 2)
    assert [one.rule.id for one in found.tallies] == [7, 7, 7]


def test_a_rule_that_will_expire_is_tried_as_if_it_always_stood():
    assert tally(rule(expires_at=1), stored()).met == 1


def test_what_was_stripped_is_met_by_no_rule():
    author = Author(name="Ann", email="ann@a.example", ip="192.0.2.7")
    whole = stored(author=author)
    bare = Stored(stripped(whole.comment), NOW, ACCEPT, None)
    for kind, value in (("email", "ann@a.example"), ("email-domain", "a.example"), ("ip", "192.0.2.7")):
        assert (tally(rule(kind=kind, value=value), whole).met, tally(rule(kind=kind, value=value), bare).met) == (1, 0)
    assert tally(rule(kind="name", value="Ann"), bare).met == 1


def test_a_post_s_age_is_that_of_then():
    post = Post(published_at=NOON - timedelta(days=31))
    assert tally(rule(kind="post-age", value="30"), stored(post=post)).met == 1
    assert tally(rule(kind="post-age", value="32"), stored(post=post)).met == 0


def test_the_site_s_proxies_are_trusted_in_a_replay_too():
    history = [stored(author=Author(ip="192.0.2.7, 10.0.0.1"))]
    assert [replay([rule(kind="ip", value="192.0.2.7")], history, hops).met for hops in (0, 1)] == [0, 1]


def test_long_histories_are_read_in_portions():
    found = replay(
        [rule(kind="links", value="1")], (stored(f"http://a{i}.example " + "x" * (i % 3) * 60_000) for i in range(300))
    )
    assert (found.comments, found.met) == (300, 300)
