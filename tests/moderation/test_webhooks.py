"""Webhooks: signed, in order, at least once, and by one deliverer at a time."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from threading import Barrier, Event, Thread
from typing import Any

import pytest
from sqlalchemy import Engine, update

from moderation.delivery import Deliverer, told
from moderation.errors import BadAddress, StoreUnavailable, WebhookNotFound
from moderation.outgoing import Answered, Outside
from moderation.past import Outcome
from moderation.review import Actor
from moderation.store import now_ms
from moderation.store.audit import acts
from moderation.store.decisions import Told, tell
from moderation.store.places import LEASE
from moderation.store.schema import webhooks as table
from moderation.store.sites import Sites
from moderation.store.webhooks import Webhook, Webhooks
from moderation.verdict import Decision
from moderation.webhooks import (
    FIRST_DELAY,
    LONGEST_DELAY,
    MOST_IN_BODY,
    delay,
    headers,
    new_salt,
    shown_key,
    signature,
    signing_key,
)
from tests.conftest import DATABASES, ROOT
from tests.receiver import Got, receiving, signed

SECRET = b"a secret of the tests"
ANN, BEN = 1, 2
BY = {"actor": Actor("ann", "command")}


@pytest.fixture
def kind() -> str:
    """SQLite, for tests that do not ask for both (see ``DATABASES``)."""
    return "sqlite"


@pytest.fixture
def receiver():
    with receiving() as found:
        yield found


@pytest.fixture
def kept(engine: Engine) -> Webhooks:
    sites = Sites(engine, SECRET)
    for name in ("ann", "ben"):
        sites.create_site(name)
    return Webhooks(engine)


@pytest.fixture
def hooked(kept, receiver) -> Webhook:
    """The webhook of Ann's site."""
    return kept.set(ANN, receiver.url, **BY)


@pytest.fixture
def deliverer(kept, receiver) -> Deliverer:
    return Deliverer(kept, Outside(receiver.host), SECRET)


def tell_now(kept: Webhooks, count: int = 1, site_id: int = ANN) -> None:
    rows = [Told(f"{i:032x}", f"c{i}", Decision.REJECT, Outcome.SPAM, "ann", 1_000 * i) for i in range(count)]
    with kept.engine.execution_options(writes=True).begin() as connection:
        tell(connection, site_id, rows)


def hurry(kept: Webhooks, site_id: int = ANN) -> None:
    """As if the time to wait were over."""
    with kept.engine.execution_options(writes=True).begin() as connection:
        connection.execute(update(table).where(table.c.site_id == site_id).values(next_at=0))


# -- Signatures and delays


def test_a_signature_is_the_one_that_other_libraries_make():
    # The example in the documentation and the tests of the specification's own libraries.
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    found = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}')
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_headers_are_those_of_the_specification():
    key, body = signing_key(SECRET, 1, "salt"), b"{}"
    found = headers(key, "m1", 5, body)
    assert (found["webhook-id"], found["webhook-timestamp"]) == ("m1", "5")
    assert signed(shown_key(key), Got("/", found, body))
    assert not signed(shown_key(key), Got("/", found, b"{ }"))


def test_the_check_in_the_documentation_works():
    page = (ROOT / "docs" / "webhooks.md").read_text(encoding="utf-8")
    found: dict[str, Any] = {}
    exec(page.split("```python\n")[1].split("```")[0], found)
    key, now = signing_key(SECRET, 1, "salt"), now_ms() // 1000
    check = found["is_from_hamlet"]
    assert check(shown_key(key), headers(key, "m1", now, b"{}"), b"{}")
    assert not check(shown_key(key), headers(key, "m1", now, b"{}"), b"{ }")
    assert not check(shown_key(key), headers(key, "m1", now - 600, b"{}"), b"{}")


def test_every_site_salt_and_installation_has_a_key_of_its_own():
    keys = {signing_key(*one) for one in ((SECRET, 1, "a"), (SECRET, 2, "a"), (SECRET, 1, "b"), (b"other", 1, "a"))}
    assert len(keys) == 4
    assert new_salt() != new_salt()


def test_waiting_doubles_up_to_an_hour():
    found = [delay(failures, max) for failures in range(1, 40)]
    assert found[:4] == [FIRST_DELAY, 2 * FIRST_DELAY, 4 * FIRST_DELAY, 8 * FIRST_DELAY]
    assert set(found[10:]) == {LONGEST_DELAY}


def test_waiting_is_spread_by_at_most_a_quarter():
    assert all(0.75 * FIRST_DELAY <= delay(1) <= FIRST_DELAY for _ in range(100))
    assert delay(10**9) <= LONGEST_DELAY


# -- Setting


@DATABASES
def test_a_webhook_is_set_shown_and_removed(kept):
    made = kept.set(ANN, "https://blog.example/", **BY)
    assert (made.site, made.url, made.delivered, made.failures, made.last_error) == (
        "ann", "https://blog.example/", 0, 0, None,
    )  # fmt: skip
    assert (kept.show(ANN), kept.all()) == (made, [made])
    assert kept.remove(ANN, **BY) == made
    for call in (lambda: kept.show(ANN), lambda: kept.remove(ANN, **BY), lambda: kept.rotate(ANN, **BY)):
        with pytest.raises(WebhookNotFound, match="'ann' has no webhook"):
            call()


def test_what_was_done_is_written_down(kept):
    kept.set(ANN, "https://blog.example/", **BY)
    kept.rotate(ANN, **BY)
    kept.remove(ANN, **BY)
    with kept.engine.begin() as connection:
        found = acts(connection, [ANN], actor="ann")
    assert [(one.action, one.actor, one.via) for one in found] == [
        ("webhook-removed", "ann", "command"), ("webhook-rotated", "ann", "command"), ("webhook-set", "ann", "command"),
    ]  # fmt: skip


@DATABASES
def test_another_address_keeps_the_key_and_the_place(kept, hooked, receiver, deliverer):
    tell_now(kept, 2)
    deliverer.deliver(ANN)
    moved = kept.set(ANN, "https://other.example/", **BY)
    assert (moved.salt, moved.delivered, moved.url) == (hooked.salt, 2, "https://other.example/")


def test_a_new_webhook_is_not_told_what_was_decided_before(kept, receiver, deliverer):
    tell_now(kept, 3)
    kept.set(ANN, receiver.url, **BY)
    tell_now(kept)
    assert deliverer.deliver_all() == (1, 0)
    assert receiver.numbers == [4]


def test_another_salt_makes_other_signatures(kept, hooked, receiver, deliverer):
    rotated = kept.rotate(ANN, **BY)
    tell_now(kept)
    deliverer.deliver_all()
    old, new = (shown_key(signing_key(SECRET, ANN, one.salt)) for one in (hooked, rotated))
    assert (signed(old, receiver.got[0]), signed(new, receiver.got[0])) == (False, True)


# -- Delivering


@DATABASES
def test_decisions_are_delivered_signed_and_once(kept, hooked, receiver, deliverer):
    tell_now(kept, 2)
    assert deliverer.deliver_all() == (1, 0)
    assert deliverer.deliver_all() == (0, 0)
    (got,) = receiver.got
    assert signed(shown_key(signing_key(SECRET, ANN, hooked.salt)), got)
    assert got.headers["content-type"] == "application/json"
    assert got.json["type"] == "decisions"
    assert got.json["site"] == "ann"
    assert got.json["decisions"][1] == {
        "number": 2,
        "id": f"{1:032x}",
        "external_id": "c1",
        "decision": "reject",
        "outcome": "spam",
        "decided_by": "ann",
        "decided_at": "1970-01-01T00:00:01Z",
    }


@DATABASES
def test_many_decisions_are_delivered_in_order(kept, hooked, receiver, deliverer):
    tell_now(kept, 2 * MOST_IN_BODY + 5)
    assert deliverer.deliver_all() == (3, 0)
    assert [len(one.numbers) for one in receiver.got] == [MOST_IN_BODY, MOST_IN_BODY, 5]
    assert receiver.numbers == list(range(1, 2 * MOST_IN_BODY + 6))


@DATABASES
def test_a_failure_loses_nothing_and_success_repeats_nothing(kept, hooked, receiver, deliverer):
    receiver.answers = [500, 503]
    tell_now(kept, 2)
    assert deliverer.deliver_all() == (0, 1)
    tell_now(kept)
    for _ in range(2):
        hurry(kept)
        deliverer.deliver_all()
    hurry(kept)
    assert deliverer.deliver_all() == (0, 0)
    assert [one.numbers for one in receiver.got] == [[1, 2], [1, 2, 3], [1, 2, 3]]
    found = kept.show(ANN)
    assert (found.delivered, found.failures, found.last_error) == (3, 0, None)


def test_the_same_message_sent_again_has_the_same_id(kept, hooked, receiver, deliverer):
    receiver.answers = [500]
    tell_now(kept)
    deliverer.deliver_all()
    hurry(kept)
    deliverer.deliver_all()
    tell_now(kept)
    deliverer.deliver_all()
    first, second, third = (one.headers["webhook-id"] for one in receiver.got)
    assert first == second != third


def test_a_failure_is_noted_and_waited_for(kept, hooked, receiver, deliverer, caplog):
    receiver.answers = [500]
    tell_now(kept, 2)
    with caplog.at_level(logging.WARNING):
        deliverer.deliver_all()
    found = kept.show(ANN)
    assert (found.failures, found.delivered, found.last_error) == (1, 0, "it answered 500")
    assert 0 < found.next_at - now_ms() <= FIRST_DELAY
    assert kept.due(now_ms()) == []
    assert kept.waiting(found) == 2
    assert "webhook failed: site=ann failures=1 first=1 last=2" in caplog.text


def test_what_is_gone_is_asked_once_an_hour(kept, hooked, receiver, deliverer):
    receiver.answers = [410]
    tell_now(kept)
    deliverer.deliver_all()
    found = kept.show(ANN)
    assert FIRST_DELAY < found.next_at - now_ms() <= LONGEST_DELAY
    assert "410 Gone" in found.last_error


def test_setting_it_anew_tries_at_once(kept, hooked, receiver, deliverer):
    receiver.answers = [410]
    tell_now(kept)
    deliverer.deliver_all()
    kept.set(ANN, receiver.url, **BY)
    assert deliverer.deliver_all() == (1, 0)


def test_an_address_that_became_private_is_a_failure_and_loses_nothing(kept, hooked, receiver):
    tell_now(kept)
    assert Deliverer(kept, Outside(), SECRET).deliver_all() == (0, 1)
    assert "not on the public internet" in kept.show(ANN).last_error
    assert receiver.got == []
    hurry(kept)
    assert Deliverer(kept, Outside(receiver.host), SECRET).deliver_all() == (1, 0)


@pytest.mark.parametrize(
    ("answered", "said"),
    [
        (Answered(302, ""), "it redirects (302), which is not followed"),
        (Answered(404, ""), "it answered 404"),
        (Answered(500, "oh no"), "it answered 500: oh no"),
    ],
)
def test_what_is_wrong_is_said(answered, said):
    assert told(answered).startswith(said)


def test_one_site_s_failure_is_nothing_to_another(kept, hooked, receiver, deliverer):
    kept.set(BEN, receiver.url, **BY)
    tell_now(kept)
    tell_now(kept, site_id=BEN)
    receiver.answers = [500]
    assert deliverer.deliver_all() == (1, 1)
    assert {one.json["site"] for one in receiver.got} == {"ann", "ben"}


def test_a_removed_webhook_is_told_nothing(kept, hooked, receiver, deliverer):
    tell_now(kept)
    kept.remove(ANN, **BY)
    assert deliverer.deliver_all() == (0, 0)
    assert deliverer.deliver(ANN) is None


def test_decisions_that_were_erased_are_passed_over(kept, hooked, receiver, deliverer, monkeypatch):
    tell_now(kept)
    monkeypatch.setattr("moderation.delivery.read_after", lambda *_: [])
    assert deliverer.deliver(ANN) is None
    assert receiver.got == []


def test_a_test_is_signed_and_changes_nothing(kept, hooked, receiver, deliverer):
    tell_now(kept)
    before = kept.show(ANN)
    assert deliverer.test(before).taken
    assert receiver.got[0].json == {"type": "test", "site": "ann"}
    assert signed(shown_key(signing_key(SECRET, ANN, hooked.salt)), receiver.got[0])
    assert kept.show(ANN) == before


def test_a_test_of_a_private_address_is_refused(kept, hooked):
    with pytest.raises(BadAddress):
        Deliverer(kept, Outside(), SECRET).test(hooked)


# -- Many deliverers


@DATABASES
def test_a_claim_is_given_once_until_its_lease_is_over(kept, hooked):
    tell_now(kept)
    now = now_ms()
    claimed = kept.claim(ANN, now)
    assert claimed is not None
    assert kept.claim(ANN, now) is None
    assert kept.claim(ANN, now + LEASE - 1) is None
    assert kept.claim(ANN, now + LEASE) is not None


@DATABASES
def test_nothing_is_claimed_that_has_nothing_to_be_told(kept, hooked):
    assert kept.claim(ANN, now_ms()) is None
    assert kept.claim(BEN, now_ms()) is None


@DATABASES
def test_who_lost_the_claim_settles_nothing(kept, hooked):
    tell_now(kept, 2)
    late = kept.claim(ANN, 0)
    quick = kept.claim(ANN, LEASE)
    assert (late is not None, quick is not None) == (True, True)
    assert not kept.succeeded(late, 2)
    assert not kept.failed(late, "late", 5)
    assert kept.succeeded(quick, 1)
    assert kept.show(ANN).delivered == 1


def test_who_sent_to_the_old_address_settles_nothing(kept, hooked):
    tell_now(kept)
    claimed = kept.claim(ANN, now_ms())
    kept.set(ANN, "https://other.example/", **BY)
    assert not kept.succeeded(claimed, 1)
    assert kept.show(ANN).delivered == 0


@DATABASES
def test_many_deliverers_at_once_deliver_everything_in_order_and_once(kept, hooked, receiver):
    tell_now(kept, 3 * MOST_IN_BODY)
    together = Barrier(4)

    def work() -> None:
        one = Deliverer(kept, Outside(receiver.host), SECRET)
        together.wait()
        while kept.show(ANN).delivered < 3 * MOST_IN_BODY:
            one.deliver(ANN)

    run_all([Thread(target=work) for _ in range(4)])
    assert receiver.numbers == list(range(1, 3 * MOST_IN_BODY + 1))


def run_all(threads: Sequence[Thread]) -> None:
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_a_slow_receiver_keeps_no_other_waiting(kept, hooked, receiver, deliverer):
    other_is_told = Event()

    def slow(handler) -> None:
        other_is_told.wait(5)
        handler.send_response(204)
        handler.end_headers()

    def quick(handler) -> None:
        other_is_told.set()
        handler.send_response(204)
        handler.end_headers()

    receiver.answers = [slow, quick]
    tell_now(kept)
    deliverer.begin_round()
    while not receiver.got:
        pass
    kept.set(BEN, receiver.url, **BY)
    tell_now(kept, site_id=BEN)
    deliverer.begin_round()
    assert other_is_told.wait(5)
    deliverer.finish()
    assert [one.json["site"] for one in receiver.got] == ["ann", "ben"]


def test_a_round_empties_the_outbox(kept, hooked, receiver, deliverer):
    tell_now(kept, 2 * MOST_IN_BODY)
    deliverer.begin_round()
    while kept.waiting(kept.show(ANN)):
        pass
    deliverer.finish()
    assert receiver.numbers == list(range(1, 2 * MOST_IN_BODY + 1))


def test_a_database_that_is_away_is_a_line_in_the_log(kept, hooked, deliverer, monkeypatch, caplog):
    def away(*_: object) -> None:
        raise StoreUnavailable('it is "away"')

    tell_now(kept)
    monkeypatch.setattr(kept, "claim", away)
    with caplog.at_level(logging.WARNING):
        deliverer.begin_round()
        deliverer.finish()
    assert json.loads(caplog.text.strip().rpartition("error=")[2]) == 'it is "away"'


def test_a_failure_that_is_long_or_colourful_is_kept_short_and_plain(kept, hooked):
    tell_now(kept)
    claimed = kept.claim(ANN, now_ms())
    kept.failed(claimed, "\x1b\0" + "x" * 2_000, 5)
    assert kept.show(ANN).last_error == "  " + "x" * 498


def test_settling_needs_the_very_claim(kept, hooked):
    tell_now(kept)
    claimed = kept.claim(ANN, now_ms())
    assert not kept.succeeded(replace(claimed, next_at=claimed.next_at + 1), 1)
