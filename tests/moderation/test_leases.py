"""Work that one process at a time may do."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from time import monotonic, sleep

import pytest

from moderation.errors import StoreUnavailable
from moderation.store import leases, now_ms
from moderation.store.leases import HELD_FOR, Busy, held, take
from tests.conftest import DATABASES

pytestmark = DATABASES


def test_who_comes_second_is_told(engine):
    with held(engine, "train:1"), pytest.raises(Busy, match="another process"), held(engine, "train:1"):
        pass


def test_other_work_may_be_done_meanwhile(engine):
    with held(engine, "train:1"), held(engine, "train:2"):
        pass


def test_when_it_is_done_others_may_begin(engine):
    for _ in range(2):
        with held(engine, "train:1"):
            pass


def test_work_that_fails_is_given_free(engine):
    with pytest.raises(ZeroDivisionError), held(engine, "train:1"):
        raise ZeroDivisionError
    assert take(engine, "train:1", "somebody")


def test_the_lease_of_a_process_that_died_runs_out(engine):
    now = now_ms()
    assert take(engine, "train:1", "dead", now=now)
    assert not take(engine, "train:1", "next", now=now + HELD_FOR - 1)
    assert take(engine, "train:1", "next", now=now + HELD_FOR)


def test_who_works_renews_it(engine):
    now = now_ms()
    take(engine, "train:1", "me", now=now)
    assert take(engine, "train:1", "me", now=now + HELD_FOR - 1)
    assert not take(engine, "train:1", "you", now=now + HELD_FOR)


def test_of_many_at_once_one_gets_it(engine):
    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(lambda name: take(engine, "train:1", name), "abcdefgh")) == 1


def test_who_cannot_renew_it_once_tries_again(engine, monkeypatch):
    calls = []

    def busy_once(*asked, **options):
        calls.append(asked)
        if len(calls) == 2:
            raise StoreUnavailable("the database is locked by another process")
        return take(*asked, **options)

    monkeypatch.setattr(leases, "RENEWED_EVERY", 0.01)
    monkeypatch.setattr(leases, "take", busy_once)
    with held(engine, "train:1"):
        until = monotonic() + 30
        while len(calls) < 4 and monotonic() < until:
            sleep(0.01)
    assert len(calls) >= 4
