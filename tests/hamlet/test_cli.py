"""The one command: what it prints, what it exits with, and that all of it is documented."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from sqlalchemy import text

from hamlet.cli import cli
from moderation import compiled
from moderation.errors import (
    ArtifactError,
    BadSetting,
    HamletError,
    KeyNotFound,
    SchemaMismatch,
    SiteExists,
    SiteNotFound,
)
from moderation.store import migrate
from tests.conftest import ROOT

PILLS = "Buy cheap Viagra and Cialis without prescription http://best-pills.shop/buy http://cheap-meds.xyz/cialis"


def commands(command: click.Command, path: tuple[str, ...] = ("hamlet",)) -> Iterator[tuple[str, click.Command]]:
    """Every command that does something, with its path."""
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    if command.invoke_without_command:
        yield " ".join(path), command
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from commands(found, (*path, name))


COMMANDS = dict(commands(cli))
EVERY = pytest.mark.parametrize("path", COMMANDS)


@pytest.fixture
def hamlet(tmp_path, monkeypatch):
    """Runs a command in a folder of the test's own: ``hamlet("keys", "list")``."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, stdin: str | bytes | None = None) -> Result:
        result = CliRunner().invoke(cli, arguments, input=stdin)
        if isinstance(result.exception, HamletError):
            raise result.exception
        assert isinstance(result.exception, SystemExit | None), result.exception
        return result

    return run


@pytest.fixture
def process(tmp_path):
    """Runs the command as a process in a folder of the test's own."""

    def run(*arguments: str, stdin: bytes = b"", **environment: str) -> subprocess.CompletedProcess[bytes]:
        known = {name: value for name, value in os.environ.items() if not name.startswith("HAMLET_")}
        line = [sys.executable, "-m", "hamlet", *arguments]
        return subprocess.run(
            line, cwd=tmp_path, input=stdin, env=known | environment, capture_output=True, check=False
        )

    return run


def lines(result: Result) -> list[dict]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def in_lines(*comments: dict | str) -> str:
    return "".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in comments)


# -- Help and documentation


@EVERY
def test_every_command_has_help(hamlet, path):
    result = hamlet(*path.split()[1:], "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith("Usage: ")
    assert COMMANDS[path].get_short_help_str()
    assert "\\b" not in result.stdout


@EVERY
def test_every_option_of_a_command_has_help(path):
    options = [one for one in COMMANDS[path].params if isinstance(one, click.Option)]
    assert [one.name for one in options if not one.help] == []


@EVERY
def test_every_command_is_documented(path):
    assert re.search(rf"`{path}\b", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"))


def test_every_documented_command_is_there():
    told = re.findall(
        r"^\| `(hamlet(?: [a-z][a-z-]*)+)", (ROOT / "docs" / "cli.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert sorted(told) == sorted(COMMANDS)


def test_the_command_lists_its_commands(hamlet):
    shown = hamlet("--help").stdout
    assert all(re.search(rf"^  {path.split()[1]} ", shown, re.MULTILINE) for path in COMMANDS)


def test_the_version_is_the_package_s(hamlet):
    assert hamlet("--version").stdout == "hamlet, version 0.1.0\n"


def test_scoring_never_loads_what_only_training_needs():
    script = (
        "import sys; from click.testing import CliRunner; from hamlet.cli import cli\n"
        "done = CliRunner().invoke(cli, ['score', '-'], input='{\"text\": \"Hi\"}')\n"
        "print(done.exit_code, [name for name in ('sklearn', 'scipy', 'joblib') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout == "0 []\n"


# -- score


def test_each_line_is_answered_with_a_line_in_order(hamlet):
    result = hamlet("score", "-", stdin=in_lines({"text": "Hi", "id": "a"}, {"text": PILLS}, {"text": "", "id": "c"}))
    assert result.exit_code == 0
    assert [line["id"] for line in lines(result)] == ["a", None, "c"]
    assert [line["decision"] == "accept" for line in lines(result)] == [True, False, True]


def test_a_line_has_id_decision_and_scores(hamlet, shipped):
    (line,) = lines(hamlet("score", "-", stdin=in_lines({"text": "Hi"})))
    assert list(line) == ["id", "decision", "scores"]
    assert list(line["scores"]) == list(shipped.heads)


def test_explained_lines_have_reasons(hamlet):
    (line,) = lines(hamlet("score", "-", "--explain", stdin=in_lines({"text": PILLS})))
    assert line["reasons"][0]["effect"] > 0
    assert {"code", "message", "head"} <= set(line["reasons"][0])


def test_a_file_is_scored_like_standard_input(hamlet, tmp_path):
    (tmp_path / "comments.jsonl").write_text(in_lines({"text": "Hi"}, {"text": PILLS}))
    piped = hamlet("score", "-", stdin=in_lines({"text": "Hi"}, {"text": PILLS}))
    assert hamlet("score", "comments.jsonl").stdout == piped.stdout


def test_a_compressed_file_is_scored_like_a_plain_one(hamlet, tmp_path):
    (tmp_path / "a.jsonl").write_text(in_lines({"text": "Hi"}))
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress((tmp_path / "a.jsonl").read_bytes()))
    assert hamlet("score", "a.jsonl.gz").stdout == hamlet("score", "a.jsonl").stdout


def test_lines_of_many_batches_keep_their_order(hamlet):
    sent = [{"text": f"comment {number}", "id": str(number)} for number in range(1_200)]
    found = lines(hamlet("score", "-", stdin=in_lines(*sent)))
    assert [line["id"] for line in found] == [one["id"] for one in sent]


def test_seeds_can_be_scored_as_they_are(hamlet):
    result = hamlet("score", str(ROOT / "seeds" / "thread.jsonl"))
    assert result.exit_code == 0
    assert {line["decision"] for line in lines(result)} == {"accept"}


BAD = ["{", "[]", "5", '{"id": "x"}', '{"text": 5}', '{"text": "\\ud8"}', "text", "[" * 100_000]


@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad[:12])
def test_a_bad_line_is_named_and_the_rest_goes_on(hamlet, bad):
    result = hamlet("score", "-", stdin=in_lines({"text": "Hi", "id": "a"}, bad, {"text": "Ho", "id": "c"}))
    assert result.exit_code == 1
    assert [line["id"] for line in lines(result)] == ["a", "c"]
    assert result.stderr.startswith("-:2: ")


def test_a_line_that_is_no_utf8_is_named(hamlet):
    result = hamlet("score", "-", stdin=b'{"text": "\xff"}\n{"text": "Hi"}\n')
    assert (result.exit_code, len(lines(result))) == (1, 1)
    assert "-:1: not UTF-8" in result.stderr


def test_bad_lines_are_counted(hamlet):
    assert "2 bad lines" in hamlet("score", "-", stdin="{\n{\n").stderr


def test_empty_lines_are_passed_over_and_counted(hamlet):
    result = hamlet("score", "-", stdin='\n\n{"text": "Hi"}\n \n{\n')
    assert len(lines(result)) == 1
    assert "-:5: " in result.stderr


@pytest.mark.parametrize("stdin", ["", "\n", "\n\n  \n"])
def test_nothing_in_is_nothing_out(hamlet, stdin):
    result = hamlet("score", "-", stdin=stdin)
    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "")


def test_a_last_line_without_its_end_is_read(hamlet):
    assert len(lines(hamlet("score", "-", stdin='{"text": "Hi"}'))) == 1


def test_a_missing_file_is_named(hamlet):
    with pytest.raises(HamletError, match=r"nowhere\.jsonl: No such file"):
        hamlet("score", "nowhere.jsonl")


def test_a_folder_is_no_file(hamlet, tmp_path):
    with pytest.raises(HamletError, match="Is a directory"):
        hamlet("score", str(tmp_path))


def test_a_file_that_is_no_gzip_is_named(hamlet, tmp_path):
    (tmp_path / "x.gz").write_text(in_lines({"text": "Hi"}))
    with pytest.raises(HamletError, match=r"x\.gz: .*[Nn]ot a gzip"):
        hamlet("score", "x.gz")


def test_a_gzip_that_was_cut_short_is_named(hamlet, tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(in_lines({"text": "Hi"}).encode() * 100)[:-10])
    with pytest.raises(HamletError, match=r"x\.gz: "):
        hamlet("score", "x.gz")


def test_a_gzip_that_was_damaged_is_named(hamlet, tmp_path):
    (tmp_path / "x.gz").write_bytes(gzip.compress(b"")[:10] + b"\xff" * 100)
    with pytest.raises(HamletError, match=r"x\.gz: "):
        hamlet("score", "x.gz")


def test_scoring_leaves_nothing_behind(hamlet, tmp_path):
    hamlet("score", "-", stdin=in_lines({"text": "Hi"}))
    assert list(tmp_path.iterdir()) == []


def test_a_reader_that_goes_away_ends_it_quietly(tmp_path):
    (tmp_path / "many.jsonl").write_text(in_lines({"text": "Hi"}) * 20_000)
    line = f"{sys.executable} -m hamlet score {tmp_path}/many.jsonl | head -n 1"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""


# -- sites, keys, db


def test_a_site_is_created_with_a_key(hamlet):
    result = hamlet("sites", "create", "myblog")
    assert re.fullmatch(r"[0-9a-f]{12}\n", result.stdout)
    assert "shown only now" in result.stderr


def test_a_created_site_is_listed(hamlet):
    hamlet("sites", "create", "myblog")
    assert hamlet("sites", "list").stdout == "myblog\tthe model's\n"


def test_a_site_is_created_once(hamlet):
    hamlet("sites", "create", "myblog")
    with pytest.raises(SiteExists, match="myblog"):
        hamlet("sites", "create", "myblog")


def test_a_bad_name_of_a_site_is_refused(hamlet):
    with pytest.raises(BadSetting, match="NAME: a site's name"):
        hamlet("sites", "create", "My Blog")


def test_keys_are_made_listed_and_revoked(hamlet):
    hamlet("sites", "create", "myblog")
    key = hamlet("keys", "create", "myblog").stdout.strip()
    assert hamlet("keys", "revoke", "myblog", key).stdout == f"revoked {key[:4]}… of myblog\n"
    states = [line.split("\t")[3].split()[0] for line in hamlet("keys", "list", "myblog").stdout.splitlines()]
    assert states == ["living", "revoked"]


def test_a_listed_key_can_be_revoked_as_it_is_shown(hamlet):
    hamlet("sites", "create", "myblog")
    shown = hamlet("keys", "list").stdout.split("\t")[1]
    assert shown.endswith("…")
    assert hamlet("keys", "revoke", "myblog", shown).exit_code == 0


def test_a_list_of_keys_shows_no_key(hamlet):
    key = hamlet("sites", "create", "myblog").stdout.strip()
    assert key not in hamlet("keys", "list").stdout


def test_a_key_that_is_not_there_cannot_be_revoked(hamlet):
    hamlet("sites", "create", "myblog")
    with pytest.raises(KeyNotFound):
        hamlet("keys", "revoke", "myblog", "0" * 12)


@pytest.mark.parametrize("line", ["keys create x", "keys list x", "keys revoke x 0123", "sites policy x"])
def test_a_site_that_is_not_there_is_named(hamlet, line):
    with pytest.raises(SiteNotFound, match="'x'"):
        hamlet(*line.split())


def test_a_policy_is_changed_and_shown(hamlet):
    hamlet("sites", "create", "myblog")
    hamlet("sites", "policy", "myblog", "spam", "--hold-at", "0.4", "--reject-at", "never")
    shown = dict(line.split("\t", 1) for line in hamlet("sites", "policy", "myblog").stdout.splitlines())
    assert shown["spam"] == "0.4000\tnever"


def test_a_policy_can_go_back_to_the_model_s(hamlet):
    hamlet("sites", "create", "myblog")
    before = hamlet("sites", "policy", "myblog").stdout
    hamlet("sites", "policy", "myblog", "spam", "--hold-at", "0.4")
    assert hamlet("sites", "policy", "myblog").stdout != before
    assert hamlet("sites", "policy", "myblog", "spam", "--hold-at", "model").stdout == before


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("spam --hold-at high", "--hold-at: must be a number"),
        ("spam --hold-at 1.5", "between 0 and 1"),
        ("spam --hold-at nan", "between 0 and 1"),
        ("spam --reject-at 0.01", "nothing would be held"),
        ("sapm --hold-at 0.5", "no head 'sapm'"),
    ],
)
def test_a_policy_that_makes_no_sense_is_refused_and_not_kept(hamlet, line, said):
    hamlet("sites", "create", "myblog")
    with pytest.raises(BadSetting, match=said):
        hamlet("sites", "policy", "myblog", *line.split())
    assert hamlet("sites", "list").stdout == "myblog\tthe model's\n"


def test_thresholds_without_a_head_are_refused(hamlet):
    hamlet("sites", "create", "myblog")
    with pytest.raises(BadSetting, match="HEAD"):
        assert hamlet("sites", "policy", "myblog", "--hold-at", "0.5").exit_code == 2


def test_an_empty_database_is_upgraded(hamlet):
    assert hamlet("db", "version").stdout == f"empty (needed: {migrate.head()})\n"
    assert hamlet("db", "upgrade").stdout == f"var/hamlet.db: version {migrate.head()}, was empty\n"
    assert hamlet("db", "version").stdout == f"{migrate.head()} (needed: {migrate.head()})\n"


def test_the_version_of_a_database_is_an_exit_code_too(hamlet):
    assert hamlet("db", "version").exit_code == 1
    hamlet("db", "upgrade")
    assert hamlet("db", "version").exit_code == 0


def test_another_secret_is_noticed(hamlet, tmp_path):
    hamlet("sites", "create", "myblog")
    (tmp_path / "var" / "secret").write_text("another secret entirely\n")
    with pytest.raises(SchemaMismatch, match="secret"):
        hamlet("keys", "list")


# -- doctor


@pytest.fixture
def healthy(hamlet):
    hamlet("sites", "create", "myblog")


def findings(result: Result) -> dict[str, bool]:
    """What was looked at, and whether all is well with it."""
    return {line.split()[1]: line.startswith("ok") for line in result.stdout.splitlines() if line[:2] in ("ok", "FA")}


def test_a_healthy_installation_is_well(hamlet, healthy):
    result = hamlet("doctor")
    looked_at = "python", "loops", "database", "migrations", "secret", "model", "site-models", "webhooks"
    assert findings(result) == dict.fromkeys(looked_at, True)
    assert result.exit_code == 0


def test_without_compiled_loops_all_is_well_and_advice_is_given(hamlet, healthy, monkeypatch):
    monkeypatch.setattr(compiled, "KERNELS", None)
    result = hamlet("doctor")
    assert (result.exit_code, findings(result)["loops"]) == (0, True)
    assert "install a C compiler" in result.stdout


def test_the_doctor_changes_nothing(hamlet, tmp_path):
    hamlet("doctor")
    assert list(tmp_path.rglob("*")) == []


def test_an_empty_installation_is_told_what_to_run(hamlet):
    result = hamlet("doctor")
    assert result.exit_code == 1
    assert findings(result)["database"] is False
    assert "-> run: hamlet db upgrade" in result.stdout


def test_a_database_at_another_version_is_told_what_to_run(hamlet, healthy, open_engine):
    with open_engine("var/hamlet.db").begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    result = hamlet("doctor")
    assert (result.exit_code, findings(result)["database"], findings(result)["migrations"]) == (1, True, False)
    assert "version 0000" in result.stdout


def test_a_missing_secret_is_not_made_anew(hamlet, healthy, tmp_path):
    (tmp_path / "var" / "secret").unlink()
    result = hamlet("doctor")
    assert (result.exit_code, findings(result)["secret"]) == (1, False)
    assert not (tmp_path / "var" / "secret").exists()


def test_another_secret_is_found_by_the_doctor(hamlet, healthy, tmp_path):
    (tmp_path / "var" / "secret").write_text("another secret entirely\n")
    assert findings(hamlet("doctor"))["secret"] is False


def test_a_tampered_model_is_found_by_the_doctor(hamlet, healthy, model_folder, tmp_path):
    shutil.copytree(model_folder.parent.parent, tmp_path / "models")
    with (tmp_path / "models" / "base" / "0.0.1" / "weights.npy").open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"\x55")
    result = hamlet("doctor", "--models", "models")
    assert (result.exit_code, findings(result)["model"]) == (1, False)
    assert "SHA-256 differs" in result.stdout
    assert "-> restore the folder" in result.stdout


@pytest.fixture
def closed(process, tmp_path) -> Path:
    """The database of an installation whose processes have all ended."""
    process("sites", "create", "myblog")
    return tmp_path / "var" / "hamlet.db"


@pytest.mark.parametrize("held", [b"no database at all " * 500, b"SQLite format 3\0" + b"\xff" * 8_000])
def test_a_file_that_is_no_database_is_found_by_the_doctor(hamlet, closed, held):
    closed.write_bytes(held)
    result = hamlet("doctor")
    assert (result.exit_code, findings(result)["database"]) == (1, False)


def test_a_damaged_page_is_found_by_the_doctor(hamlet, closed):
    held = bytearray(closed.read_bytes())
    held[4096 : 4096 * 4] = b"\xaa" * 4096 * 3
    closed.write_bytes(held)
    assert findings(hamlet("doctor"))["database"] is False


# -- Settings and exit codes


@pytest.mark.parametrize(
    ("flag", "value"), [("--port", "eighty"), ("--workers", "0"), ("--durability", "maybe"), ("--max-body", "1")]
)
def test_a_setting_that_makes_no_sense_is_named(hamlet, flag, value):
    with pytest.raises(BadSetting, match=flag):
        hamlet("serve", flag, value)


def test_a_setting_from_the_file_is_used(hamlet, tmp_path):
    (tmp_path / "hamlet.toml").write_text('database = "mine.db"\n')
    assert hamlet("db", "upgrade", "--config", "hamlet.toml").stdout.startswith("mine.db: ")
    assert (tmp_path / "mine.db").exists()


@pytest.mark.parametrize(
    ("line", "environment", "code", "said"),
    [
        ("serve --port eighty", {}, 2, "--port: must be a whole number"),
        ("doctor", {"HAMLET_PROT": "1"}, 2, "HAMLET_PROT: no such setting"),
        ("score -", {"HAMLET_PORT": "x"}, 2, "HAMLET_PORT: must be a whole number"),
        ("db upgrade --config nowhere.toml", {}, 2, "nowhere.toml: No such file"),
        ("db upgrade --database mysql://h/d", {}, 2, "database: mysql is not supported"),
        ("nonsense", {}, 2, "No such command"),
        ("score", {}, 2, "Missing argument"),
        ("score - --nonsense", {}, 2, "No such option"),
        ("score nowhere", {}, 1, "nowhere: No such file"),
        ("score - --model base/9.9.9", {}, 1, "no such model"),
        ("keys create nobody", {}, 1, "-> run: hamlet sites list"),
        ("doctor", {}, 1, ""),
        ("score -", {}, 0, ""),
        ("--help", {}, 0, ""),
    ],
)
def test_a_failure_is_a_sentence_and_an_exit_code(process, line, environment, code, said):
    done = process(*line.split(), **environment)
    assert done.returncode == code
    assert said in done.stderr.decode()
    assert b"Traceback" not in done.stderr


def test_a_partly_failed_run_has_its_exit_code(process):
    done = process("score", "-", stdin=b'{"text": "Hi"}\n{\n')
    assert done.returncode == 1
    assert len(done.stdout.splitlines()) == 1


def test_a_database_at_no_version_has_its_exit_code(process):
    assert process("db", "version").returncode == 1


def test_a_model_error_says_what_to_do(hamlet, tmp_path):
    with pytest.raises(ArtifactError) as caught:
        hamlet("score", "-", "--models", str(tmp_path))
    assert "--model" in caught.value.hint


def test_training_takes_the_data_folder_from_the_file_too(process, tmp_path):
    (tmp_path / "hamlet.toml").write_text('data_dir = "nowhere"\n')
    done = process("train", "base", "--out", "base/1", HAMLET_CONFIG="hamlet.toml")
    assert (done.returncode, b"nowhere is not a folder" in done.stderr) == (2, True)
