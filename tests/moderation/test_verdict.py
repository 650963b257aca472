from __future__ import annotations

import msgspec

from moderation.verdict import SEVERITY, Decision, Reason


def test_decisions_grow_more_severe_from_accept_to_reject():
    assert sorted(Decision, key=SEVERITY.__getitem__) == [Decision.ACCEPT, Decision.HOLD, Decision.REJECT]


def test_a_reason_is_read_as_it_was_written():
    reason = Reason("words", "the word “pills” is typical of spam", 2.5, "spam", ((0, 5), (9, 14)))
    assert msgspec.json.decode(msgspec.json.encode(reason), type=Reason) == reason


def test_a_decision_is_written_as_its_word():
    assert msgspec.json.encode(list(Decision)) == b'["accept","hold","reject"]'
