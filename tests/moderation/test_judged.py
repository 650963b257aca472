"""What the page about a model reads: judged comments, what was said of them, what they have in common."""

from __future__ import annotations

import msgspec
import pytest
from sqlalchemy import update

from moderation.comment import Author
from moderation.drift import Sort
from moderation.estimates import Looked
from moderation.past import DAY, HOUR, Outcome
from moderation.policy import Thresholds
from moderation.simulator import decided
from moderation.store import Review, is_kept_aside, now_ms
from moderation.store import judged as module
from moderation.store.audit import newest_of, note
from moderation.store.judged import JudgedTables
from moderation.store.labels import LabelTables
from moderation.store.schema import comments, verdicts
from moderation.verdict import Decision
from tests.builders import tiny_model, weights_of, word_row
from tests.conftest import DATABASES
from tests.learning import Blog
from tests.moderation.evidence import COPY, OTHER

pytestmark = DATABASES
LIMITS = {"spam": Thresholds(0.5, 0.9), "toxicity": Thresholds(0.5, None)}
WORDS = """amber birch cedar delta ember fjord grove haven inlet jetty knoll larch marsh north ocean pearl quill ridge
stone trout umber viola waltz yarrow zebra acorn bison cliff dunes eagle""".split()


@pytest.fixture
def blog(engine, tmp_path):
    """A site whose model takes ``pills`` for spam and abuse, and knows nothing else."""
    return Blog(engine, tiny_model(tmp_path / "model", weights=weights_of({word_row("pills"): 8.0})))


@pytest.fixture
def tables(engine):
    return JudgedTables(engine)


def decide(engine, ids: list[str], decision: Decision) -> None:
    with engine.begin() as connection:
        connection.execute(update(verdicts).where(verdicts.c.comment_id.in_(ids)).values(decision=decision.value))


def test_what_was_held_and_reviewed_counts_in_full_and_the_rest_if_it_was_drawn(engine, blog, tables):
    decide(engine, blog.say(["one apple", "two pears"], Outcome.HAM), Decision.HOLD)
    decide(engine, blog.say(["three plums"], Outcome.SPAM), Decision.ACCEPT)
    decide(engine, blog.say(["four figs"], Outcome.SPAM, share=0.02), Decision.ACCEPT)
    seen = tables.seen(blog.site.id, 0)
    held = Looked(Decision.HOLD, Outcome.HAM, 1.0)
    assert sorted(seen.looked, key=str) == sorted([held, held, Looked(Decision.ACCEPT, Outcome.SPAM, 0.02)], key=str)
    assert seen.comments == 4 and len(seen.said) == 4


def test_only_what_came_since_then_counts(blog, tables):
    blog.say(["one apple"], Outcome.HAM)
    assert tables.seen(blog.site.id, now_ms() + DAY).comments == 0


def test_a_review_that_was_taken_back_does_not_count(blog, tables):
    (kept,) = blog.say(["one apple"], Outcome.HAM, share=1.0)
    blog.store.review(blog.site.id, kept, Review(None, "ann", now_ms()))
    assert tables.seen(blog.site.id, 0).looked == ()


def test_the_newest_review_counts(engine, blog, tables):
    decide(engine, blog.say(["one apple"], Outcome.HAM), Decision.HOLD)
    (kept,) = [one.comment_id for one in tables.tried(blog.site.id, LIMITS)]
    blog.store.review(blog.site.id, kept, Review(Outcome.SPAM, "bob", now_ms()))
    assert [one.outcome for one in tables.seen(blog.site.id, 0).looked] == [Outcome.SPAM]


def test_no_more_than_some_comments_are_read(blog, tables, monkeypatch):
    kept = blog.say([f"apple {number}" for number in range(5)], Outcome.HAM, share=1.0)
    monkeypatch.setattr(module, "MOST_LOOKED", 3)
    monkeypatch.setattr(module, "MOST_TRIED", 2)
    monkeypatch.setattr(module, "MOST_DRAWN", 4)
    assert tables.seen(blog.site.id, 0).comments == 3
    assert {one.comment_id for one in tables.tried(blog.site.id, LIMITS)} == set(sorted(kept)[-2:])
    assert tables.drawn(blog.site.id).all == 4


def test_sites_do_not_see_each_other_s_comments(blog, tables):
    blog.say(["one apple"], Outcome.HAM, share=1.0)
    other = blog.sites.create_site("other").id
    assert tables.tried(other, LIMITS) == [] and tables.seen(other, 0).looked == ()
    assert tables.side(other, 0, now_ms() + 1).n == 0 and tables.drawn(other).all == 0


def test_trials_are_left_out(engine, blog, tables):
    kept = blog.say(["one apple"], Outcome.HAM)
    with engine.begin() as connection:
        connection.execute(update(comments).where(comments.c.id.in_(kept)).values(is_test=True))
    assert tables.tried(blog.site.id, LIMITS) == [] and tables.side(blog.site.id, 0, now_ms() + 1).n == 0


# -- Thresholds


def test_past_verdicts_can_be_tried_with_other_thresholds(blog, tables):
    blog.say(["pills"], Outcome.SPAM, share=0.5)
    (one,) = tables.tried(blog.site.id, {**LIMITS, "toxicity": Thresholds(None, None)})
    assert (one.outcome, one.drawn, one.fixed, one.model) == (Outcome.SPAM, True, False, "base/0.0.1")
    assert one.score > 0.5 and decided(one, Thresholds(None, None)) is Decision.ACCEPT


def test_other_heads_decide_as_they_are_set(blog, tables):
    blog.say(["pills"], Outcome.SPAM)
    (one,) = tables.tried(blog.site.id, {**LIMITS, "toxicity": Thresholds(0.1, None)})
    assert decided(one, Thresholds(None, None)) is Decision.HOLD


@pytest.mark.parametrize(
    ("why", "fixed", "unsure"),
    [("rule", True, False), ("mode", True, False), ("unsure", False, True), ("words", False, False)],
)
def test_what_no_score_decided_is_fixed(engine, blog, tables, why, fixed, unsure):
    kept = blog.say(["pills"], Outcome.SPAM)
    decide(engine, kept, Decision.ACCEPT)
    reason = {"code": why, "message": "", "effect": 0.0, "head": "spam" if why == "words" else ""}
    with engine.begin() as connection:
        connection.execute(update(verdicts).values(reasons=msgspec.json.encode([reason]).decode()))
    (one,) = tables.tried(blog.site.id, LIMITS)
    assert (one.fixed, one.unsure) == (fixed, unsure)


# -- Sides


def arrive(engine, kept: list[str], at: int) -> None:
    with engine.begin() as connection:
        connection.execute(update(comments).where(comments.c.id.in_(kept)).values(received_at=at))


def test_a_side_tells_what_its_comments_have_in_common(engine, blog, tables):
    author = Author(name="Eve", url="http://shop.example/x")
    arrive(engine, blog.say(["buy pills"], Outcome.SPAM, author=author), 9 * HOUR)
    with engine.begin() as connection:
        connection.execute(update(verdicts).values(evidence='{"text": -1.0, "new-domain": 1.0}'))
    found = tables.side(blog.site.id, 0, now_ms() + 1)
    assert found.n == 1 and found.models == {"base/0.0.1"}
    assert found.counts[Sort.LINKS, ""] == 1 and found.counts[Sort.HOURS, "8"] == 1
    assert [value for sort, value in found.counts if sort is Sort.SIGNAL] == ["new-domain"]
    assert Sort.REASON in {sort for sort, _ in found.counts}


def test_near_copies_count_once(blog, tables):
    blog.say([f"{COPY} number {number}" for number in range(5)], Outcome.SPAM)
    blog.say([OTHER], Outcome.HAM)
    assert tables.side(blog.site.id, 0, now_ms() + 1).n == 2


def test_a_side_ends_where_the_other_begins(blog, tables):
    blog.say(["one apple"], Outcome.HAM)
    now = now_ms() + 1
    assert tables.side(blog.site.id, now - DAY, now).n == 1
    assert tables.side(blog.site.id, now, now + DAY).n == tables.side(blog.site.id, 0, now - DAY).n == 0


def test_of_many_comments_some_are_drawn(blog, tables, monkeypatch):
    blog.say([f"{word} {word}er {word}est" for word in WORDS], Outcome.HAM)
    whole = tables.side(blog.site.id, 0, now_ms() + 1).n
    monkeypatch.setattr(module, "MOST_COMPARED", whole // 2)
    assert 0 < tables.side(blog.site.id, 0, now_ms() + 1).n <= whole // 2


# -- Drawn


def test_drawn_comments_are_counted_and_those_kept_aside(engine, blog, tables):
    kept = blog.say([f"apple {number}" for number in range(16)], Outcome.HAM, share=0.5)
    kept += blog.say(["pills"], Outcome.SPAM, share=0.5)
    found = tables.drawn(blog.site.id)
    even = [one for one in kept if int(one[-1], 16) % 2 == 0]
    assert (found.all, found.looked_at, found.ham_aside + found.bad_aside) == (17, 17, len(even))


def test_a_drawn_comment_that_nobody_looked_at_is_not_there_yet(engine, blog, tables):
    (kept,) = blog.say(["one apple"], Outcome.HAM, share=0.5)
    blog.store.review(blog.site.id, kept, Review(None, "ann", now_ms()))
    found = tables.drawn(blog.site.id)
    assert (found.all, found.looked_at, found.ham_aside) == (1, 0, 0)


def test_what_counts_for_the_promise_is_what_training_keeps_aside(blog, tables):
    kept = blog.say([f"apple {number}" for number in range(20)], Outcome.HAM, share=0.5)
    labels = list(LabelTables(blog.engine).all(blog.site.id))
    assert len(labels) == len(kept)
    assert tables.drawn(blog.site.id).ham_aside == sum(is_kept_aside(one.comment_id) for one in labels)


# -- The log


def test_the_newest_act_is_looked_for_among_some(engine, blog):
    with engine.begin() as connection:
        for action in ("promote", "review", "review"):
            note(connection, site_id=blog.site.id, actor="ann", via="dashboard", action=action)
        found = newest_of(connection, blog.site.id, ["promote"])
        assert found is not None and found.actor == "ann"
        assert newest_of(connection, blog.site.id, ["promote"], among=2) is None
