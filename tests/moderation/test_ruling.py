"""What comes after the score: flood, mode and rules; and signals within the score."""

from __future__ import annotations

import math

import pytest

from moderation.check import Judging, Submission, assess, check_comments
from moderation.comment import Author, Form, Post
from moderation.grams import feature_count
from moderation.past import DAY, HOUR, NOTHING, Campaign, Kind, Past, Record
from moderation.policy import Choices, Mode, make_policy
from moderation.rules import Action, Hit, Rule, RuleKind
from moderation.ruling import rule_on
from moderation.signals.signal import Seen
from moderation.store import MemoryStore, Review
from moderation.verdict import Decision
from tests.builders import make_comment, make_head, make_manifest
from tests.moderation.evidence import COPY, NOW, OTHER, SECRET
from tests.moderation.test_check import model_of

ACCEPT, HOLD, REJECT = Decision
FLOOD = {(Kind.SITE, ""): Record(0, NOW, accepted=700, hour=NOW // HOUR, in_hour=700)}
COPIES = Campaign("c", Record(0, NOW, accepted=2))


def rule(decision: Decision = ACCEPT, past: Past = NOTHING, hits: tuple[Hit, ...] = (), **choices: object):
    """The decision, and the codes of why it is another one."""
    seen = Seen(make_comment(), (), "hi", "en", NOW, past)
    found, reasons = rule_on(decision, seen, make_policy(make_manifest(), Choices(**choices)), hits)
    return found, [reason.code for reason in reasons]


def messages(*hits: Hit):
    """The reasons of a comment that meets rules."""
    seen = Seen(make_comment("hi"), (), "hi", "", 0, NOTHING)
    return rule_on(ACCEPT, seen, make_policy(make_manifest()), hits)[1]


def hit(action: Action, note: str = "") -> Hit:
    return Hit(Rule(id=7, action=action, kind=RuleKind.WORD, value="pills", note=note), ((0, 2),))


def known(kind: Kind = Kind.EMAIL, **counts: int) -> Past:
    return Past({(kind, "key"): Record(0, 0, **counts)})


# -- Flood


def test_in_a_flood_near_copies_are_held():
    assert rule(past=Past(FLOOD, COPIES)) == (HOLD, ["flood"])


@pytest.mark.parametrize(
    ("past", "choices"),
    [
        (Past({}, COPIES), {}),
        (Past(FLOOD), {}),
        (Past(FLOOD, Campaign("c", Record(0, 0, accepted=1))), {}),
        (Past(FLOOD, Campaign("c", Record(0, 0, accepted=9, ham=1))), {}),
        (Past(FLOOD, COPIES), {"flood_per_hour": 0}),
        (Past(FLOOD, COPIES), {"flood_per_hour": 701}),
    ],
)
def test_what_is_no_flood_is_not_held(past, choices):
    assert rule(past=past, **choices) == (ACCEPT, [])


def test_a_flood_softens_nothing():
    assert rule(REJECT, Past(FLOOD, COPIES)) == (REJECT, [])


# -- Modes


@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("mode", [Mode.ENFORCE, Mode.SHADOW])
def test_the_verdict_is_the_true_one(mode, decision):
    assert rule(decision, mode=mode) == (decision, [])


@pytest.mark.parametrize("decision", [ACCEPT, HOLD])
def test_a_closed_site_rejects(decision):
    assert rule(decision, mode=Mode.CLOSED) == (REJECT, ["mode"])


@pytest.mark.parametrize(
    ("past", "expected"),
    [
        (NOTHING, HOLD),
        (known(accepted=1), ACCEPT),
        (known(Kind.URL, accepted=1), ACCEPT),
        (known(held=3, ham=1), ACCEPT),
        (known(held=3), HOLD),
        (known(accepted=5, spam=1), HOLD),
        (known(Kind.IP, accepted=9, ham=9), HOLD),
        (known(Kind.NAME, accepted=9, ham=9), HOLD),
    ],
)
def test_first_timers_are_held(past, expected):
    assert rule(past=past, mode=Mode.HOLD_FIRST_TIMERS)[0] is expected


def test_a_rejected_first_timer_stays_rejected():
    assert rule(REJECT, mode=Mode.HOLD_FIRST_TIMERS) == (REJECT, [])


# -- Rules


@pytest.mark.parametrize(("action", "expected"), [("allow", ACCEPT), ("block", REJECT), ("hold", HOLD)])
@pytest.mark.parametrize("decision", Decision)
@pytest.mark.parametrize("mode", Mode)
def test_a_rule_has_the_last_word(action, expected, decision, mode):
    assert rule(decision, Past(FLOOD, COPIES), (hit(Action(action)),), mode=mode) == (expected, ["rule"])


def test_a_rule_is_named_with_its_note_and_its_place():
    seen = Seen(make_comment(), (), "hi", "en", NOW, NOTHING)
    policy = make_policy(make_manifest())
    _, (reason, other) = rule_on(ACCEPT, seen, policy, [hit(Action.HOLD, "asked by Bob"), hit(Action.HOLD)])
    assert reason.message == "the site's rule 7 says hold (word pills): asked by Bob"
    assert (reason.spans, reason.effect, reason.head) == (((0, 2),), 0.0, "")
    assert other.message.endswith("(word pills)")


@pytest.mark.parametrize("kind", ["email", "ip", "name"])
def test_a_rule_about_a_person_names_nobody_in_a_verdict(kind):
    about = Hit(Rule(id=7, action=Action.BLOCK, kind=RuleKind(kind), value="ann@example.org"))
    assert [reason.message for reason in messages(about)] == [f"the site's rule 7 says block ({kind})"]


# -- Signals within the score


@pytest.fixture
def model(tmp_path):
    return model_of(tmp_path)


@pytest.fixture
def check(model):
    """Checks comments of site 1, kept in ``check.store``, and gives their verdicts."""
    store = MemoryStore()

    def check_them(*comments, now: int = NOW, **choices):
        judging = Judging(model, make_policy(model.manifest, Choices(**choices)))
        submissions = [Submission(1, comment, judging) for comment in comments]
        return [one.verdict for one in check_comments(submissions, store=store, secret=SECRET, now=now)]

    check_them.store = store
    return check_them


def logit(score: float) -> float:
    return math.log(score / (1 - score))


TRAPPED = make_comment("hello there", form=Form(honeypot="x"), author=Author(name="best-pills.com"))


def test_baseline_and_effects_add_up_with_those_of_signals(check):
    (verdict,) = check(TRAPPED)
    told = [reason for reason in verdict.reasons if reason.head == "spam"]
    total = verdict.baseline["spam"] + sum(reason.effect for reason in told)
    assert total == pytest.approx(logit(verdict.scores["spam"]), abs=1e-3)
    assert {"hidden-field", "keyword-name"} <= {reason.code for reason in told}


def test_signals_move_the_head_spam_alone(check):
    (verdict,), (plain,) = check(TRAPPED), check(TRAPPED, signals_off=("hidden-field", "keyword-name"))
    assert verdict.scores["spam"] > plain.scores["spam"]
    assert verdict.scores["toxicity"] == plain.scores["toxicity"]


def test_a_signal_that_is_off_is_not_asked(check):
    (verdict,) = check(TRAPPED, signals_off=("hidden-field",))
    assert "hidden-field" not in {reason.code for reason in verdict.reasons} | set(verdict.evidence)


def test_learnt_weights_are_used(check):
    (verdict,) = check(TRAPPED, weights={"hidden-field": 4.5})
    assert [reason.effect for reason in verdict.reasons if reason.code == "hidden-field"] == [4.5]


def test_a_model_without_the_head_spam_hears_no_signals(tmp_path):
    head = make_head("toxicity", bias=-3.0)
    import numpy as np

    from tests.builders import BITS, tiny_model

    model = tiny_model(tmp_path, weights=np.zeros((feature_count(BITS), 1), dtype=np.float32), heads=(head,))
    (found,) = assess([Submission(1, TRAPPED, Judging(model, make_policy(model.manifest)))])
    assert (found.verdict.decision, found.verdict.evidence["text"]) == (ACCEPT, 0.0)


def test_the_evidence_is_kept_to_learn_from(check):
    (verdict,) = check(TRAPPED)
    assert verdict.evidence == {"text": pytest.approx(-3.0, abs=0.2), "hidden-field": 1.0, "keyword-name": 1.2}


def test_what_was_reviewed_changes_the_next_verdict(check):
    author = Author(name="Ann", email="ann@example.org")
    (first,) = check(make_comment("hello", author=author, id="c1"))
    check.store.review(1, "c1", Review("spam", "bob", NOW))
    (second,) = check(make_comment("hello again", author=author))
    assert second.scores["spam"] > first.scores["spam"]
    assert "author-record" in second.evidence


def test_copies_from_others_are_evidence(check):
    check(*(make_comment(COPY, author=Author(email=f"{number}@example.org")) for number in range(8)))
    (copy,), (other,) = check(make_comment(COPY)), check(make_comment(OTHER))
    assert copy.evidence["near-copies"] > 2
    assert "near-copies" not in other.evidence


def test_a_flood_of_copies_is_held_and_others_are_not(check):
    (first,) = check(make_comment(COPY), flood_per_hour=5)
    check(*(make_comment(COPY) for _ in range(9)), flood_per_hour=5)
    copy, other = check(make_comment(COPY), make_comment(OTHER), flood_per_hour=5)
    assert (first.decision, copy.decision, other.decision) == (ACCEPT, HOLD, ACCEPT)
    assert copy.reasons[0].code == "flood"


def test_a_comment_is_judged_by_the_time_it_was_written(model):
    from datetime import UTC, datetime

    then = datetime(2020, 1, 2, tzinfo=UTC)
    old = make_comment("hello", submitted_at=then, post=Post(published_at=datetime(2020, 1, 1, tzinfo=UTC)))
    (found,) = assess([Submission(1, old, Judging(model, make_policy(model.manifest)))], now=NOW)
    assert "old-post" not in found.verdict.evidence


def test_a_comment_is_traced_as_it_was_written(check):
    check(make_comment(COPY), now=NOW)
    (late,) = check(make_comment(COPY), now=NOW + 31 * DAY)
    assert "near-copies" not in late.evidence
