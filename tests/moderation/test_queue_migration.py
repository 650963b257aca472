"""What was held before there was a queue waits in it after the upgrade."""

from __future__ import annotations

from sqlalchemy import text

from moderation.past import Outcome
from moderation.review import Filter, ReviewQueue
from moderation.store import Review, migrate
from moderation.store.reviews import SqlReviews
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import make_author
from tests.conftest import DATABASES
from tests.moderation.evidence import ANN, COPY, NOW, OTHER, SECRET, keep_one

pytestmark = DATABASES


def test_held_comments_that_nobody_reviewed_wait_after_the_upgrade(empty_url, open_engine):
    engine = open_engine(empty_url)
    migrate.upgrade(engine)
    Sites(engine, SECRET).create_site("ann")
    store = SqlStore(engine)
    kept = [keep_one(store, COPY, Decision.HOLD, author=make_author(), id=str(number)).id for number in range(2)]
    keep_one(store, OTHER, Decision.ACCEPT)
    keep_one(store, "a trial", Decision.HOLD, is_test=True)
    reviewed = keep_one(store, "reviewed", Decision.HOLD).id
    store.review(ANN, reviewed, Review(Outcome.HAM, "ann", NOW))
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM audit"))
        connection.execute(text("DELETE FROM decisions"))
    migrate.downgrade(engine, "0002")
    migrate.upgrade(engine)
    (card,) = ReviewQueue(SqlReviews(engine)).page([ANN], Filter(words="roofs")).cards
    assert sorted([card.waiting.comment_id, *(twin.comment_id for twin in card.twins)]) == sorted(kept)
    assert card.waiting.author.startswith("email:")
    assert ReviewQueue(SqlReviews(engine)).counts([ANN]).total == 2


def test_what_was_taken_back_leaves_with_the_queue(empty_url, open_engine):
    engine = open_engine(empty_url)
    migrate.upgrade(engine)
    Sites(engine, SECRET).create_site("ann")
    keep_one(SqlStore(engine), COPY, Decision.HOLD)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO reviews SELECT id, 1, 'open', 'ann', NULL, 1 FROM comments"))
    migrate.downgrade(engine, "0002")
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM reviews")).scalar_one() == 0
