"""Work that can wait a moment."""

from __future__ import annotations

from threading import Event, Thread

import pytest
from sqlalchemy import create_engine

from moderation.background import Soon


@pytest.fixture
def engine():
    return create_engine("sqlite://")


def test_closing_waits_for_what_is_under_way(engine):
    """Otherwise it would go on with a database that is closed."""
    begun, may_end, done = Event(), Event(), Event()

    def work() -> None:
        begun.set()
        may_end.wait(30)
        done.set()

    Soon(work, 0.0, engine).ask()
    assert begun.wait(30)
    closing = Thread(target=engine.dispose)
    closing.start()
    closing.join(0.05)
    assert closing.is_alive()
    may_end.set()
    closing.join(30)
    assert done.is_set()


def test_work_may_close_the_database_itself(engine):
    done = Event()

    def work() -> None:
        engine.dispose()
        done.set()

    Soon(work, 0.0, engine).ask()
    assert done.wait(30)
