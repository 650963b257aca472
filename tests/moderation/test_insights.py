"""Insights, counted over small histories made by hand; on every database."""

from __future__ import annotations

from itertools import product

import msgspec
import pytest
from sqlalchemy import Engine, event

from moderation import store as store_module
from moderation.insights import Day, Insights, Judgement, Said, Story, count_stories, days_until
from moderation.past import DAY, HOUR, Outcome
from moderation.review import Actor, ReviewQueue
from moderation.store import Judged
from moderation.store.insights import InsightTables
from moderation.store.reviews import SqlReviews
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision, Reason
from tests.builders import make_judged
from tests.conftest import DATABASES
from tests.moderation.evidence import ANN, BEN, COPY, OTHER, SECRET, keep_one

TODAY = 20_000
NOW = TODAY * DAY + 12 * HOUR
ACCEPT, HOLD, REJECT = Decision
HAM, SPAM = Outcome.HAM, Outcome.SPAM
ANNE = Actor("anne", "dashboard")


# -- Stories of one comment


def judged(at: int, decision: Decision, revision: int = 1) -> Judgement:
    return Judgement(at, revision, decision)


def waits(*parts: Judgement | Said) -> list[bool]:
    story = Story(
        [part for part in parts if isinstance(part, Judgement)], [part for part in parts if isinstance(part, Said)]
    )
    return [waits for _, waits, _ in story.turns()]


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ((judged(1, ACCEPT),), [False]),
        ((judged(1, HOLD), Said(2, "spam")), [True, False]),
        ((judged(1, HOLD), Said(1, "spam")), [True, False]),
        ((judged(1, HOLD), Said(2, "spam"), Said(3, "ham")), [True, False, False]),
        ((judged(1, HOLD), Said(2, "spam"), Said(3, "open")), [True, False, True]),
        ((judged(1, ACCEPT), Said(2, "spam"), Said(3, "none")), [False, False, False]),
        ((judged(1, HOLD), judged(2, ACCEPT, 2)), [True, False]),
        ((judged(1, ACCEPT), Said(2, "ham"), judged(3, HOLD, 2)), [False, False, True]),
        ((judged(1, ACCEPT), judged(2, HOLD)), [False, True]),
        ((judged(1, ACCEPT), Said(2, "spam"), judged(3, HOLD)), [False, False, False]),
    ],
)
def test_a_comment_waits_from_hold_until_it_is_settled(parts, expected):
    assert waits(*parts) == expected


def counted(*stories: Story, waiting: int = 0, days: int = 3) -> Insights:
    found = Insights(days_until(NOW, days), waiting)
    count_stories(found, stories)
    return found


def day(back: int, hours: int = 6) -> int:
    return (TODAY - back) * DAY + hours * HOUR


def test_the_days_end_with_today():
    assert [one.number for one in days_until(NOW, 3)] == [TODAY - 2, TODAY - 1, TODAY]
    assert Day(TODAY).starts_at == TODAY * DAY


def test_the_queue_is_counted_back_from_now():
    settled = Story([judged(day(2), HOLD)], [Said(day(1), "spam")])
    stands = Story([judged(day(1), HOLD)])
    came_back = Story([judged(day(9), HOLD)], [Said(day(2), "ham"), Said(day(0), "open")])
    found = counted(settled, stands, came_back, waiting=2 + 5)
    assert [one.waiting for one in found.days] == [6, 6, 7]


def test_waiting_is_told_by_its_median_and_nine_of_ten():
    stories = [Story([judged(day(1), HOLD)], [Said(day(1) + hours * HOUR, "spam")]) for hours in range(1, 11)]
    found = counted(*stories)
    assert (found.median_wait, found.long_wait) == (5 * HOUR + HOUR // 2, 9 * HOUR)


def test_without_a_review_nothing_is_told_of_waiting():
    found = counted(Story([judged(day(1), HOLD)]))
    assert (found.waited, found.median_wait, found.long_wait) == ([], None, None)


def test_only_the_first_review_of_a_comment_tells_how_long_it_waited():
    again = Story([judged(day(1), HOLD)], [Said(day(1, 8), "spam"), Said(day(1, 9), "open"), Said(day(1, 12), "ham")])
    assert counted(again).waited == [2 * HOUR]


def test_a_comment_that_never_waited_tells_nothing_of_waiting():
    assert counted(Story([judged(day(1), ACCEPT)], [Said(day(1, 9), "spam")])).waited == []


def test_a_review_before_the_days_is_not_counted_in_them():
    found = counted(Story([judged(day(9), HOLD)], [Said(day(8), "spam")]))
    assert found.waited == [] and not found.agreement
    assert all(not one.reviewed for one in found.days)


def test_agreement_takes_the_first_decision_and_the_last_word():
    changed_mind = Story([judged(day(2), REJECT)], [Said(day(2, 7), "spam"), Said(day(1), "ham")])
    taken_back = Story([judged(day(2), REJECT)], [Said(day(2, 7), "spam"), Said(day(1), "none")])
    agreed = Story([judged(day(2), REJECT)], [Said(day(1), "spam")])
    found = counted(changed_mind, taken_back, agreed)
    assert found.agreement == {(REJECT, HAM): 1, (REJECT, SPAM): 1}
    assert (found.reviewed(REJECT), found.reviewed(HOLD)) == (2, 0)


def test_every_review_counts_on_its_day():
    found = counted(Story([judged(day(2), HOLD)], [Said(day(2, 7), "spam"), Said(day(1), "open"), Said(day(0), "ham")]))
    assert [dict(one.reviewed) for one in found.days] == [{SPAM: 1}, {}, {HAM: 1}]


# -- In a database


class History:
    """Comments of the sites Ann and Ben that arrive, and are reviewed, when a test says so."""

    def __init__(self, engine: Engine) -> None:
        self.now, self.engine = NOW, engine
        self._words = iter(product("abcdefgh", repeat=4))

    def begin(self) -> None:
        sites = Sites(self.engine, SECRET)
        sites.create_site("ann")
        sites.create_site("ben")
        self.store, self.waits = SqlStore(self.engine), ReviewQueue(SqlReviews(self.engine))

    def time_ns(self) -> int:
        return self.now * 1_000_000

    def arrive(self, at: int, decision: Decision, text: str = "", site: int = ANN, **fields: object) -> str:
        """A comment that comes at a time; without a text it is like no other."""
        self.now = at
        said = text or " ".join("".join(next(self._words)) * 2 for _ in range(9))
        return keep_one(self.store, said, decision, site=site, when=at, **fields).id

    def say(self, comment_id: str, outcome: Outcome, at: int, site: int = ANN) -> None:
        self.now = at
        self.waits.settle(site, [comment_id], outcome, ANNE)

    def look(self, *site_ids: int, days: int = 7) -> Insights:
        return InsightTables(self.engine, lambda: NOW).look(site_ids or (ANN,), days)


@pytest.fixture
def history(engine, monkeypatch) -> History:
    made = History(engine)
    monkeypatch.setattr(store_module, "time", made)  # Whatever asks for the time is told the history's.
    made.begin()
    return made


@DATABASES
def test_arrivals_are_counted_by_day_and_first_decision(history):
    history.arrive(day(1, 0), ACCEPT)
    history.arrive(day(1, 23), HOLD)
    history.arrive(day(0), REJECT)
    history.arrive(day(6, 0), ACCEPT)
    history.arrive(day(7, 23), ACCEPT)  # The day before the first.
    days = history.look().days
    assert [dict(one.arrived) for one in days] == [{ACCEPT: 1}, {}, {}, {}, {}, {ACCEPT: 1, HOLD: 1}, {REJECT: 1}]


@DATABASES
def test_a_changed_comment_arrived_once_as_it_was_first_judged(history):
    history.arrive(day(2), ACCEPT, "One text", id="c1")
    history.arrive(day(1), HOLD, "Another text", id="c1")
    found = history.look()
    assert [dict(one.arrived) for one in found.days][-3:] == [{ACCEPT: 1}, {}, {}]
    assert [one.waiting for one in found.days][-3:] == [0, 1, 1]


@DATABASES
def test_the_queue_at_the_end_of_each_day(history):
    first = history.arrive(day(40), HOLD)
    second = history.arrive(day(5), HOLD)
    history.arrive(day(3), HOLD)
    history.say(first, SPAM, day(4))
    history.say(second, HAM, day(2))
    history.now = day(1)
    history.waits.reopen(ANN, second, ANNE)
    found = history.look()
    assert [one.waiting for one in found.days] == [1, 2, 1, 2, 1, 2, 2]
    assert found.waiting == 2


@DATABASES
def test_a_review_taken_back_leaves_the_comment_waiting(history):
    kept = history.arrive(day(3), HOLD)
    history.say(kept, SPAM, day(2))
    history.now = day(2, 20)
    history.waits.undo(ANN, kept, 1, ANNE)
    found = history.look()
    assert [one.waiting for one in found.days][-4:] == [1, 1, 1, 1]
    assert not found.agreement


@DATABASES
def test_a_held_comment_whose_new_text_is_accepted_waits_no_longer(history):
    history.arrive(day(3), HOLD, "One text", id="c1")
    history.arrive(day(1), ACCEPT, "Another text", id="c1")
    assert [one.waiting for one in history.look().days][-4:] == [1, 1, 0, 0]


@DATABASES
def test_a_campaign_held_by_request_waits_from_then_on(history):
    kept = [history.arrive(day(5), ACCEPT, COPY) for _ in range(3)]
    history.say(kept[0], SPAM, day(4))
    history.now = day(2)
    history.store.hold_campaign(ANN, kept[0])
    assert [one.waiting for one in history.look().days][-4:] == [0, 2, 2, 2]


@DATABASES
def test_waiting_and_agreement_are_those_of_the_days(history):
    old = history.arrive(day(30), HOLD)
    history.say(history.arrive(day(3), HOLD), SPAM, day(3, 8))
    history.say(history.arrive(day(3), REJECT), HAM, day(2))
    history.say(old, SPAM, day(20))
    found = history.look()
    assert found.waited == [2 * HOUR]
    assert found.agreement == {(HOLD, SPAM): 1, (REJECT, HAM): 1}
    assert [sum(one.reviewed.values()) for one in found.days][-4:] == [1, 1, 0, 0]
    assert history.look(days=30).agreement == {(HOLD, SPAM): 2, (REJECT, HAM): 1}


@DATABASES
def test_the_first_reasons_of_held_comments_are_counted(history):
    for place, code in enumerate(["words", "words", "link_count"]):
        reason = (Reason(code, "x", 1.0, "spam"), Reason("other", "y", 0.5, "spam"))
        judge(history, day(place), HOLD, reason)
    judge(history, day(1), ACCEPT, (Reason("words", "x", 1.0, "spam"),))
    judge(history, day(9), HOLD, (Reason("words", "x", 1.0, "spam"),))
    judge(history, day(1), HOLD, ())
    assert history.look().reasons == (("words", 2), ("link_count", 1))


def judge(history: History, at: int, decision: Decision, reasons: tuple[Reason, ...]) -> None:
    history.now = at
    comment, digest, verdict = make_judged(str(at) + decision + str(len(reasons)), decision)
    history.store.record([Judged(ANN, comment, digest, msgspec.structs.replace(verdict, reasons=reasons))])


@DATABASES
def test_campaigns_are_told_with_their_size_and_what_was_said(history):
    kept = [history.arrive(day(3), HOLD, COPY) for _ in range(3)]
    history.say(kept[1], SPAM, day(2))
    history.arrive(day(2), HOLD, OTHER)
    (campaign,) = history.look().campaigns
    assert (campaign.site_id, campaign.id) == (ANN, kept[0])
    assert (campaign.record.comments, campaign.record.spam, campaign.record.ham) == (3, 1, 0)


@DATABASES
def test_a_campaign_that_began_before_the_days_is_told_while_it_goes_on(history):
    for back in (12, 9, 1):
        history.arrive(day(back), HOLD, COPY)
    for back in (12, 9):
        history.arrive(day(back), HOLD, OTHER)
    (campaign,) = history.look().campaigns
    assert campaign.record.comments == 3


@DATABASES
def test_sites_are_counted_each_for_itself_or_together(history):
    history.arrive(day(1), HOLD)
    history.say(history.arrive(day(1), HOLD, site=BEN), SPAM, day(0), site=BEN)
    ann, ben, both = history.look(ANN), history.look(BEN), history.look(ANN, BEN)
    assert [sum(one.days[-2].arrived.values()) for one in (ann, ben, both)] == [1, 1, 2]
    assert [one.waiting for one in (ann, ben, both)] == [1, 0, 1]
    assert [sum(one.agreement.values()) for one in (ann, ben, both)] == [0, 1, 1]


@DATABASES
def test_trials_are_not_counted(history):
    history.arrive(day(1), HOLD, is_test=True)
    found = history.look()
    assert all(not one.arrived and not one.waiting for one in found.days)


@DATABASES
def test_no_site_has_no_insights(history):
    found = InsightTables(history.engine, lambda: NOW).look((), 7)
    assert (found.waiting, found.reasons, found.campaigns) == (0, (), ())


@DATABASES
def test_the_queue_is_told_with_its_oldest(history):
    history.arrive(day(2), HOLD)
    history.arrive(day(1), HOLD)
    found = InsightTables(history.engine).waiting([ANN, BEN])
    assert (found[ANN].count, found[ANN].oldest, found[BEN].count, found[BEN].oldest) == (2, day(2), 0, None)


@DATABASES
def test_no_text_is_read(history):
    history.say(history.arrive(day(1), HOLD, COPY), SPAM, day(0))
    asked: list[str] = []
    event.listen(history.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    history.look()
    assert asked and not any("body" in one or "words" in one for one in asked)
