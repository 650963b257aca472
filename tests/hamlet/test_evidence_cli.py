"""``hamlet sites set|signals``, ``hamlet db prune`` and ``hamlet forget``."""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Callable
from threading import Event

import msgspec
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import update

from api.cli.chores import HOUSEKEEPING, Chore
from hamlet.cli import cli
from moderation.comment import Author, content_digest
from moderation.errors import BadSetting, HamletError, ModelNotFound, SiteNotFound
from moderation.past import DAY, Outcome
from moderation.policy import AkismetHold, Choices, Mode
from moderation.review import Actor
from moderation.secret import load_secret
from moderation.store import Judged, Review, Trail, id_from, now_ms
from moderation.store.models import LabelsUsed, ModelBook, Training, name_of
from moderation.store.schema import models, revisions
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from tests.builders import make_comment, make_verdict, write_model

ANN = Author(name="Ann", email="ann@example.org", ip="192.0.2.1")


@pytest.fixture
def hamlet(tmp_path, monkeypatch):
    """Runs a command in a folder with the site ``blog``: ``hamlet("forget", "--email", …)``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        result = CliRunner().invoke(cli, arguments)
        if isinstance(result.exception, HamletError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    run("sites", "create", "blog")
    return run


@pytest.fixture
def engine(hamlet, open_engine):
    return open_engine("var/hamlet.db")


@pytest.fixture
def store(engine):
    return SqlStore(engine)


@pytest.fixture
def choices(engine, tmp_path) -> Callable[[], Choices]:
    """What the site has chosen, as it stands now."""
    secret = load_secret(None, tmp_path / "var" / "secret")
    return lambda: Sites(engine, secret).site("blog").choices


def keep(store, author: Author = ANN, outcome: str = "", traces: tuple = (), **evidence: float) -> str:
    """Keep a comment of the site with what its signals found, and perhaps a review; its id."""
    comment = make_comment("Hi", author=author)
    verdict = make_verdict(evidence={"text": 0.0, **evidence})
    (checked,) = store.record([Judged(1, comment, content_digest(comment), verdict, Trail(traces))])
    if outcome:
        store.review(1, checked.id, Review(Outcome(outcome), "bob", now_ms()))
    return checked.id


# -- sites set


@pytest.mark.parametrize(
    ("choice", "value", "kept"),
    [
        ("mode", "shadow", Mode.SHADOW),
        ("mode", "hold-first-timers", Mode.HOLD_FIRST_TIMERS),
        ("flood_per_hour", "0", 0),
        ("trusted_hops", "2", 2),
        ("keep_addresses_days", "30", 30),
        ("akismet_hold", "pending", AkismetHold.PENDING),
        ("akismet_discard", "yes", True),
        ("akismet_discard", "no", False),
        ("perspective_omit_unknown", "yes", True),
    ],
)
def test_a_choice_is_made(hamlet, choices, choice, value, kept):
    assert hamlet("sites", "set", "blog", choice, value).stdout == f"blog: {choice} is {value}\n"
    assert getattr(choices(), choice) == kept


def test_a_choice_leaves_the_others(hamlet, choices):
    hamlet("sites", "policy", "blog", "spam", "--hold-at", "0.4")
    hamlet("sites", "signals", "blog", "--off", "topic")
    hamlet("sites", "set", "blog", "mode", "closed")
    assert (choices().mode, choices().signals_off, choices().thresholds["spam"].hold_at) == ("closed", ("topic",), 0.4)


@pytest.mark.parametrize(
    ("choice", "value", "said"),
    [
        ("mode", "off", "mode: must be one of enforce, shadow"),
        ("mode", "1", "mode: must be one of"),
        ("flood_per_hour", "many", "flood_per_hour: must be a whole number, got 'many'"),
        ("flood_per_hour", "²", "must be a whole number"),
        ("flood_per_hour", "-1", ">= 0"),
        ("trusted_hops", "21", "<= 20"),
        ("keep_addresses_days", "99999", "<= 36500"),
        ("akismet_hold", "perhaps", "akismet_hold: must be one of spam, pending, publish, got 'perhaps'"),
        ("akismet_discard", "1", "akismet_discard: must be yes or no, got '1'"),
        ("perspective_omit_unknown", "true", "perspective_omit_unknown: must be yes or no, got 'true'"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_and_not_kept(hamlet, choices, choice, value, said):
    with pytest.raises(BadSetting, match=said):
        hamlet("sites", "set", "--", "blog", choice, value)
    assert choices() == Choices()


def test_there_are_choices_to_choose_from(hamlet):
    result = hamlet("sites", "set", "blog", "colour", "red")
    assert (result.exit_code, "keep_addresses_days" in result.stderr) == (2, True)


@pytest.mark.parametrize("line", ["sites set x mode shadow", "sites signals x"])
def test_a_site_that_is_not_there_is_named(hamlet, line):
    with pytest.raises(SiteNotFound, match="'x'"):
        hamlet(*line.split())


# -- sites signals


def states(hamlet) -> dict[str, str]:
    return dict(line.split("\t")[:2] for line in hamlet("sites", "signals", "blog").stdout.splitlines())


def test_signals_are_switched_off_and_on(hamlet):
    assert set(states(hamlet).values()) == {"on"}
    hamlet("sites", "signals", "blog", "--off", "topic", "--off", "role", "--off", "topic")
    assert {code for code, state in states(hamlet).items() if state == "off"} == {"topic", "role"}
    hamlet("sites", "signals", "blog", "--on", "topic")
    assert {code for code, state in states(hamlet).items() if state == "off"} == {"role"}


@pytest.mark.parametrize("flag", ["--on", "--off"])
def test_a_signal_that_is_not_there_is_named(hamlet, flag):
    with pytest.raises(BadSetting, match="no signal 'tpoic'; there are hidden-field"):
        hamlet("sites", "signals", "blog", flag, "tpoic")


# -- db prune


def test_what_is_too_old_is_pruned(hamlet, store, engine):
    fresh, old = keep(store), keep(store)
    aged = id_from(now_ms() - 91 * DAY)
    rename(engine, old, aged)
    assert hamlet("db", "prune").stdout == "addresses taken out of 1 comments; 0 campaigns forgotten\n"
    assert hamlet("db", "prune").stdout == "addresses taken out of 0 comments; 0 campaigns forgotten\n"
    assert [store.history(1, one).revisions[0].comment.author.email for one in (fresh, aged)] == [ANN.email, None]


def rename(engine, old: str, new: str) -> None:
    """Give a comment the id of another time."""
    raw = engine.raw_connection()
    raw.execute("PRAGMA foreign_keys=OFF")
    raw.execute("UPDATE comments SET id = ? WHERE id = ?", (new, old))
    for table in ("revisions", "verdicts"):
        raw.execute(f"UPDATE {table} SET comment_id = ? WHERE comment_id = ?", (new, old))
    raw.commit()
    raw.execute("PRAGMA foreign_keys=ON")
    raw.close()


def test_a_server_leaves_housekeeping_to_another_process(hamlet, store, engine, caplog):
    keep(store)
    with engine.begin() as connection:
        connection.execute(update(revisions).values(received_at=0))
    HOUSEKEEPING.run()
    assert caplog.records == []


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ((sys.executable, "-c", "import sys; sys.exit('no luck')"), "no luck"),
        ((sys.executable, "-c", "import os; os.write(2, b'caf\\xe9'); exit(1)"), "caf\ufffd"),
        (("/nowhere",), "No such"),
    ],
)
def test_housekeeping_that_fails_is_put_off(caplog, command, said):
    with caplog.at_level(logging.WARNING):
        Chore("housekeeping", command, 0.0, 1.0).run()
    (record,) = caplog.records
    assert record.getMessage().startswith("housekeeping put off: ")
    assert said in record.getMessage()


def test_a_chore_is_done_again_and_again_until_it_is_ended(tmp_path):
    mark = "import sys; open(sys.argv[1], 'a').write('x')"
    chore = Chore("marking", (sys.executable, "-c", mark, str(tmp_path / "marks")), 0.0, 0.01)
    stop = chore.keep_doing()
    while not ((tmp_path / "marks").exists() and (tmp_path / "marks").stat().st_size > 1):
        time.sleep(0.01)
    stop()


def test_a_chore_that_can_wait_is_left_while_the_machine_is_busy(tmp_path, monkeypatch):
    asked = Event()
    monkeypatch.setattr(os, "getloadavg", lambda: asked.set() or (1e6, 0, 0))
    chore = Chore("waiting", (sys.executable, "-c", f"open({str(tmp_path / 'mark')!r}, 'w')"), 0.0, 0.01, can_wait=True)
    stop = chore.keep_doing()
    assert asked.wait(30)
    stop()
    assert not (tmp_path / "mark").exists()


# -- models


@pytest.fixture
def book(engine, tmp_path) -> ModelBook:
    """A site has a version that serves nobody."""
    kept = ModelBook(engine, tmp_path / "cache")
    folder = write_model(tmp_path / "made", name=name_of("blog", 1))
    training = Training(labels=LabelsUsed(count=3, outcomes={"ham": 3}), champion="base/0.0.1")
    kept.add("blog", 1, folder, training, Actor("ann", "command"))
    return kept


def test_what_the_gate_let_through_is_not_called_forced(hamlet, book):
    assert "serves from now on" in hamlet("models", "promote", "blog", "1", "--force", "to be sure").output
    assert book.show(1, 1).training.forced is None


def test_the_doctor_looks_at_models_of_sites(hamlet, book, engine):
    assert "none: the base model serves all" in hamlet("doctor").output
    hamlet("models", "promote", "blog", "1")
    assert "sites with one: 1" in hamlet("doctor").output
    old = msgspec.structs.replace(book.show(1, 1).manifest, features_version=1)
    with engine.begin() as connection:
        connection.execute(update(models).values(manifest=msgspec.json.encode(old).decode()))
    result = hamlet("doctor")
    assert result.exit_code == 1
    assert "blog/1: made for features 1" in result.output and "hamlet train blog" in result.output


@pytest.mark.parametrize("number", ["9" * 20, "9" * 5_000, "0"])
def test_a_version_that_cannot_be_there_is_not_found(hamlet, number):
    with pytest.raises((BadSetting, ModelNotFound)):
        hamlet("models", "promote", "blog", number)


# -- forget


def test_without_yes_nothing_is_erased(hamlet, store):
    kept = keep(store)
    result = hamlet("forget", "--email", "Ann@Example.org")
    assert result.stdout.split("\t")[:3] == ["blog", "1", "1"]
    assert "nothing was erased; add --yes" in result.stderr
    assert store.history(1, kept).id == kept


@pytest.mark.parametrize("whom", [("--email", "ann+x@example.org"), ("--author", "ANN"), ("--ip", "192.0.2.1")])
def test_a_person_is_erased(hamlet, store, whom):
    keep(store)
    assert "erased 1 comments" in hamlet("forget", *whom, "--yes").stderr
    assert hamlet("forget", *whom).stderr == "nothing is held\n"


def test_a_person_is_erased_at_one_site_alone(hamlet, store):
    keep(store)
    hamlet("sites", "create", "other")
    assert "nothing is held" in hamlet("forget", "--email", "ann@example.org", "--site", "other", "--yes").stderr
    assert hamlet("forget", "--email", "ann@example.org").stdout.startswith("blog\t1\t")


@pytest.mark.parametrize(
    ("line", "said"),
    [("", "one of --email"), ("--email a@b.de --ip 192.0.2.1", "one of --email"), ("--email ann", "no e-mail address")],
)
def test_a_person_is_named_in_one_way(hamlet, line, said):
    with pytest.raises(BadSetting, match=said):
        hamlet("forget", *line.split(), "--yes")
