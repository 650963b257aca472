"""``hamlet queue``: what waits, settled from a terminal."""

from __future__ import annotations

import sys

import pytest
from click.testing import CliRunner, Result

from api.cli.tables import show
from hamlet.cli import cli
from moderation.errors import CommentNotFound, HamletError, NothingToUndo, SiteNotFound
from moderation.settings import load
from moderation.store.database import open_database
from moderation.store.sql import SqlStore
from moderation.verdict import Decision
from tests.builders import keep, make_judged


@pytest.fixture
def hamlet(tmp_path, monkeypatch):
    """Runs ``hamlet queue`` in a folder with the site ``blog``: ``hamlet("list")``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | None = None, site: str = "blog") -> Result:
        result = CliRunner().invoke(cli, ["queue", arguments[0], "--site", site, *arguments[1:]], input=stdin)
        if isinstance(result.exception, HamletError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    CliRunner().invoke(cli, ["sites", "create", "blog"])
    return run


@pytest.fixture
def held(hamlet) -> list[str]:
    """Ids of three comments that wait."""
    engine = open_database(load().database)
    texts = "the first one", "second to none", "thirdly and lastly\x1b[31m"
    judged = [make_judged(text, Decision.HOLD, id=f"c{number}") for number, text in enumerate(texts)]
    kept = keep(SqlStore(engine), 1, judged)
    engine.dispose()
    return [one.id for one in kept]


def listed(hamlet, *arguments: str) -> list[list[str]]:
    return [line.split("\t") for line in hamlet("list", *arguments).stdout.splitlines()]


def test_what_waits_is_listed(hamlet, held):
    assert [row[0] for row in listed(hamlet)] == sorted(held)


def test_a_terminal_is_sent_nothing_but_text(hamlet, held):
    assert listed(hamlet, "--search", "thirdly")[0][-1] == "thirdly and lastly�[31m"


def test_that_there_are_more_is_said(hamlet, held):
    assert "there are more" in hamlet("list", "--limit", "2").stderr


def test_ids_are_settled(hamlet, held):
    assert "settled 2 as spam" in hamlet("settle", "spam", held[0], "c1").stderr
    assert [row[0] for row in listed(hamlet)] == held[2:]


def test_ids_come_from_standard_input(hamlet, held):
    assert "settled 3 as ham" in hamlet("settle", "ham", "-", stdin="\n".join(held)).stderr
    assert listed(hamlet) == []


def test_what_is_not_there_is_named_and_the_rest_is_settled(hamlet, held):
    result = hamlet("settle", "spam", held[0], "nobody")
    assert result.exit_code == 1
    assert "no comment nobody" in result.stderr
    assert "settled 1" in result.stderr


def test_a_review_is_taken_back(hamlet, held):
    hamlet("settle", "spam", held[0], "--by", "ann", "--note", "sure")
    assert "it waits again" in hamlet("undo", held[0]).stdout
    assert len(listed(hamlet)) == 3


def test_where_nothing_was_said_nothing_is_taken_back(hamlet, held):
    with pytest.raises(NothingToUndo):
        hamlet("undo", held[0])


def test_a_settled_comment_is_put_back(hamlet, held):
    hamlet("settle", "spam", held[0])
    assert "waits in the queue" in hamlet("reopen", held[0]).stdout
    assert "waits already" in hamlet("reopen", held[0]).stdout


@pytest.mark.parametrize("call", [("undo", "nobody"), ("reopen", "nobody")])
def test_a_comment_that_is_not_there_is_an_error(hamlet, held, call):
    with pytest.raises(CommentNotFound):
        hamlet(*call)


def test_a_site_that_is_not_there_is_an_error(hamlet):
    with pytest.raises(SiteNotFound):
        hamlet("list", site="nowhere")


def test_an_id_given_twice_is_counted_once(hamlet, held):
    assert "settled 1 as spam" in hamlet("settle", "spam", held[0], held[0]).stderr


def test_a_table_on_a_terminal_shows_brackets_and_no_control_characters(monkeypatch, capsys):
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    show("Rules", ("value",), [("x[a-z]+ [/url] \x1b[31m",)])
    told = capsys.readouterr().out
    assert "x[a-z]+ [/url]" in told and "\x1b[31m" not in told


def test_a_cell_stays_in_its_line_and_column(capsys):
    show("Held", ("text", "more"), [("one\ntwo\tthree", 4)])
    assert capsys.readouterr().out == "one two three\t4\n"
