"""``hamlet rules``: adding, trying, importing and removing rules."""

from __future__ import annotations

import re
import time

import pytest
from click.testing import CliRunner, Result

from api.cli.rules import KIND
from hamlet.cli import cli
from moderation.errors import BadRule, BadSetting, HamletError, RuleExists, RuleNotFound, SiteNotFound
from moderation.rules import RuleKind
from moderation.rules.checked import checked
from moderation.store.rules import RuleBook
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import keep, make_judged


@pytest.fixture
def hamlet(tmp_path, monkeypatch):
    """Runs ``hamlet rules`` in a folder with the site ``blog``: ``hamlet("list")``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | bytes | None = None, site: str | None = "blog") -> Result:
        of = ["--site", site] if site else []
        result = CliRunner().invoke(cli, ["rules", arguments[0], *of, *arguments[1:]], input=stdin)
        if isinstance(result.exception, HamletError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    CliRunner().invoke(cli, ["sites", "create", "blog"])
    return run


def listed(hamlet) -> list[list[str]]:
    return [line.split("\t") for line in hamlet("list").stdout.splitlines()]


def test_a_rule_is_added_and_listed(hamlet):
    done = hamlet("add", "block", "domain", "http://Casino.example", "--note", "gambling", "--expires", "2100-01-01")
    assert done.stdout == "added rule 1: block domain casino.example\n"
    assert listed(hamlet) == [
        ["1", "block", "domain", "casino.example", "0", "", "2100-01-01 00:00", "cli", "gambling"]
    ]  # fmt: skip


@pytest.mark.parametrize(("text", "hours"), [("12h", 12), ("30d", 720), ("6w", 1_008)])
def test_a_rule_expires_after_a_span(hamlet, open_engine, text, hours):
    hamlet("add", "block", "word", "pills", "--expires", text)
    (rule,) = RuleBook(open_engine("var/hamlet.db")).all(1)
    assert abs(rule.expires_at / 1000 - time.time() - hours * 3_600) < 60


@pytest.mark.parametrize("text", ["soon", "30", "-1d", "2030-13-01"])
def test_an_expiry_that_makes_no_sense_is_named(hamlet, text):
    with pytest.raises(BadSetting, match="--expires"):
        hamlet("add", "block", "word", "pills", "--expires", text)


def test_an_expiry_in_the_past_is_refused(hamlet):
    with pytest.raises(BadRule, match="expired already"):
        hamlet("add", "block", "word", "pills", "--expires", "2001-01-01")


def test_an_expired_rule_says_so(hamlet, open_engine):
    book = RuleBook(open_engine("var/hamlet.db"))
    book.add_one(1, checked("block", "word", "pills", expires_at=5))
    assert listed(hamlet)[0][6].startswith("expired 1970")


def test_nonsense_is_refused(hamlet):
    with pytest.raises(BadRule, match="does not compile"):
        hamlet("add", "block", "regex", "(")
    assert listed(hamlet) == []


def test_the_same_rule_twice_is_refused(hamlet):
    hamlet("add", "block", "word", "pills")
    with pytest.raises(RuleExists):
        hamlet("add", "block", "word", "PILLS")


def test_a_rule_is_removed(hamlet):
    hamlet("add", "block", "word", "pills")
    assert hamlet("remove", "1").stdout == "removed rule 1: block word pills\n"
    with pytest.raises(RuleNotFound):
        hamlet("remove", "1")


@pytest.mark.parametrize("line", ["list", "add block word x", "test block word x", "remove 1"])
def test_a_site_that_is_not_there_is_named(hamlet, line):
    with pytest.raises(SiteNotFound, match="'x'"):
        hamlet(*line.split(), site="x")


def test_a_site_has_to_be_named(hamlet):
    assert hamlet("list", site=None).exit_code == 2


def test_every_kind_can_be_given():
    params: list = []

    def command() -> None: ...

    KIND(command)
    params = command.__click_params__
    assert list(params[0].type.choices) == list(RuleKind)


def test_two_sites_have_rules_of_their_own(hamlet):
    CliRunner().invoke(cli, ["sites", "create", "other"])
    hamlet("add", "block", "word", "pills")
    assert hamlet("list", site="other").stdout == ""


# -- test


def test_a_trial_of_nothing_finds_nothing(hamlet):
    done = hamlet("test", "block", "word", "pills")
    assert "looked at 0 comments\n" in done.stderr
    assert done.stdout.splitlines()[0] == "would have met\t0"


def test_a_trial_shows_what_was_met_and_saves_nothing(hamlet, open_engine):
    engine = open_engine("var/hamlet.db")
    judged = [make_judged("cheap\npills\x1b[31m", Decision.ACCEPT), make_judged("other")]
    keep(SqlStore(engine), Sites(engine, b"x").site("blog").id, judged)
    done = hamlet("test", "block", "word", "cheap pills", "--days", "1", "--comments", "5")
    assert "looked at 2 comments since 20" in done.stderr
    told = dict(line.split("\t") for line in done.stdout.splitlines())
    assert (told["would have met"], told["decided then: accept"], told["people said: none"]) == ("1", "1", "1")
    assert (told["wrongly"], told["wrong example"]) == ("1", "cheap pills [31m")
    assert listed(hamlet) == []


# -- import

LIST = "viagra\n192.0.2.\nviagra\n" + "+" * 2_000 + "\n"


def test_a_list_is_imported(hamlet, tmp_path):
    (tmp_path / "keys.txt").write_text(LIST)
    done = hamlet("import", "--format", "wordpress-disallowed", "keys.txt")
    assert done.stdout == "added 2 rules; 1 there already or twice in the list, 1 skipped\n"
    assert re.search(r"line 4: skipped: \++: it has", done.stderr)
    assert "1 x block ip" in done.stderr
    assert [row[1:4] + row[7:8] for row in listed(hamlet)] == [
        ["block", "word", "viagra", "import"], ["block", "ip", "192.0.2.0/24", "import"],
    ]  # fmt: skip
    again = hamlet("import", "--format", "wordpress-disallowed", "keys.txt")
    assert again.stdout == "added 0 rules; 3 there already or twice in the list, 1 skipped\n"


def test_a_dry_run_shows_what_each_entry_becomes_and_saves_nothing(hamlet):
    done = hamlet("import", "--format", "wordpress-moderation", "--dry-run", "-", stdin=LIST)
    assert done.stdout.splitlines() == [
        "1\tviagra\thold\tword\tviagra",
        "2\t192.0.2.\thold\tip\t192.0.2.0/24",
        "3\tviagra\thold\tword\tviagra",
        "would add 2 rules; 1 there already or twice in the list, 1 skipped",
    ]
    assert listed(hamlet) == []


def test_automoderator_s_rules_are_imported(hamlet):
    text = "body: pills\naction: filter\ncomment: no\n---\nreports: 3\naction: remove\n"
    done = hamlet("import", "--format", "automoderator", "-", stdin=text)
    assert done.stdout == "added 1 rules; 0 there already or twice in the list, 1 skipped\n"
    assert "line 3: left out: comment" in done.stderr
    assert "line 5: skipped: reports" in done.stderr


def test_a_file_that_cannot_be_read_is_a_sentence(hamlet):
    done = hamlet("import", "--format", "automoderator", "nowhere")
    assert (done.exit_code, "nowhere: No such file" in done.stderr) == (1, True)
    with pytest.raises(BadRule, match="not text"):
        hamlet("import", "--format", "automoderator", "-", stdin=b"\0\1\2")
