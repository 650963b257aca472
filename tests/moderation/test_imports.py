"""Taking in what people judged elsewhere."""

from __future__ import annotations

import gzip
import json

import msgspec
import pytest
from click.testing import CliRunner

from hamlet.cli import cli
from moderation.check import Judging, Submission, check_comments
from moderation.comment import Author, Comment, read_line
from moderation.errors import BadComment
from moderation.imports import Judged
from moderation.past import Outcome
from moderation.policy import make_policy
from moderation.secret import load_secret
from moderation.store.decisions import after
from moderation.store.judged import JudgedTables
from moderation.store.labels import LabelTables
from moderation.store.sites import Sites
from moderation.store.sql import SqlStore
from tests.learning import talk

HAM, SPAM, ABUSE, OTHER = Outcome


@pytest.fixture
def kind() -> str:
    return "sqlite"


@pytest.fixture
def hamlet(tmp_path, monkeypatch, database_url):
    monkeypatch.setenv("HAMLET_DATABASE", database_url)
    monkeypatch.setenv("HAMLET_SECRET_FILE", str(tmp_path / "secret"))
    monkeypatch.setenv("HAMLET_MODEL_CACHE", str(tmp_path / "cache"))

    def run(*line: str, text: str | bytes = ""):
        result = CliRunner().invoke(cli, line, input=text)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    return run


@pytest.fixture
def site(engine, tmp_path):
    return Sites(engine, load_secret(None, tmp_path / "secret")).create_site("blog")


@pytest.fixture
def labels(engine, site):
    """The labels of the blog."""
    return lambda: list(LabelTables(engine).all(site.id))


def lines(*rows: dict) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.mark.parametrize(
    ("row", "outcome"),
    [
        ({"outcome": "other"}, OTHER),
        ({"outcome": "ham", "labels": {"spam": 1}}, HAM),
        ({"labels": {"spam": 1}}, SPAM),
        ({"labels": {"spam": 0, "toxicity": 0.9}}, ABUSE),
        ({"labels": {"spam": 0}}, HAM),
        ({"labels": {"toxicity": 0.1}}, HAM),
    ],
)
def test_an_outcome_is_said_or_follows_from_labels(row, outcome):
    assert read_line(json.dumps({"text": "x", **row}), Judged).said() is outcome


@pytest.mark.parametrize("row", [{}, {"labels": {}}, {"labels": {"threat": 1}}])
def test_what_nobody_judged_is_refused(row):
    with pytest.raises(BadComment, match="no judgement"):
        read_line(json.dumps({"text": "x", **row}), Judged).said()


def test_judged_comments_become_labels(hamlet, site, labels):
    rows = lines(
        {"text": "Thank you!", "outcome": "ham"}, {"id": "7", "text": "Buy!", "outcome": "spam", "reviewer": "bo"}
    )
    assert "2 labels taken in, 0 were known" in hamlet("import", "labels", "-", "--site", "blog", text=rows).stdout
    assert {(one.outcome, one.share) for one in labels()} == {(HAM, None), (SPAM, None)}
    assert "bo" in {one.reviewer for one in labels()}


def test_importing_twice_changes_nothing(hamlet, site, labels):
    rows = lines({"text": "Thank you!", "outcome": "ham"}, {"id": "7", "text": "Buy!", "outcome": "spam"})
    hamlet("import", "labels", "-", "--site", "blog", text=rows)
    before = labels()
    assert "0 labels taken in, 2 were known" in hamlet("import", "labels", "-", "--site", "blog", text=rows).stdout
    assert labels() == before


def test_a_changed_judgement_is_another_review(hamlet, site, labels):
    for outcome in ("ham", "spam"):
        hamlet("import", "labels", "-", "--site", "blog", text=lines({"id": "7", "text": "Buy!", "outcome": outcome}))
    assert [one.outcome for one in labels()] == [SPAM]


def test_when_it_was_said_is_kept(hamlet, site, labels):
    row = {"text": "Hi", "outcome": "ham", "submitted_at": "2024-01-02T03:04:05Z"}
    hamlet("import", "labels", "-", "--site", "blog", text=lines(row))
    hamlet(
        "import",
        "labels",
        "-",
        "--site",
        "blog",
        text=lines({**row, "text": "Ho", "reviewed_at": "2025-01-01T00:00:00Z"}),
    )
    assert [one.reviewed_at for one in labels()] == [1_704_164_645_000, 1_735_689_600_000]


def test_a_whole_history_counts_as_drawn(hamlet, site, labels):
    hamlet("import", "labels", "-", "--site", "blog", "--every", text=lines({"text": "Hi", "outcome": "ham"}))
    assert [one.share for one in labels()] == [1.0]


def test_the_site_is_told_nothing_and_nothing_waits(hamlet, site, engine):
    rows = lines({"id": "7", "text": "cheap viagra http://best-pills.shop/buy", "outcome": "ham"})
    hamlet("import", "labels", "-", "--site", "blog", "--every", text=rows)
    with engine.begin() as connection:
        assert after(connection, site.id, 0, 10) == []
    assert hamlet("queue", "list", "--site", "blog").stdout == ""


def test_a_bad_line_is_named_and_the_others_go_on(hamlet, site, labels):
    rows = (
        lines({"text": "Hi", "outcome": "ham"})
        + "nonsense\n"
        + lines({"text": "Ho"}, {"text": "Hu", "outcome": "good"})
    )
    result = hamlet("import", "labels", "-", "--site", "blog", text=rows)
    assert result.exit_code == 1
    for number, said in ((2, "not JSON"), (3, "no judgement"), (4, "outcome")):
        line = next(one for one in result.stderr.splitlines() if one.startswith(f"-:{number}:"))
        assert said in line
    assert len(labels()) == 1


def test_hostile_lines_are_refused_or_taken_as_text(hamlet, site, labels):
    rows = (
        b'{"text": "a\\u0000b", "outcome": "ham"}\n'
        + b"[" * 100_000
        + b"\n\xff\xfe\n"
        + b'{"text": 7, "outcome": "ham"}\n'
    )
    assert hamlet("import", "labels", "-", "--site", "blog", text=rows).exit_code == 1
    assert [one.comment.text for one in labels()] == ["a\ufffdb"]


def test_a_packed_file_is_read(hamlet, site, labels, tmp_path):
    (tmp_path / "labels.jsonl.gz").write_bytes(gzip.compress(lines({"text": "Hi", "outcome": "ham"}).encode()))
    hamlet("import", "labels", str(tmp_path / "labels.jsonl.gz"), "--site", "blog")
    assert len(labels()) == 1


def test_more_than_one_page_of_labels_is_read(hamlet, site, labels, monkeypatch):
    monkeypatch.setattr("moderation.store.labels.AT_ONCE", 3)
    rows = lines(*({"text": f"comment number {n}", "outcome": "ham" if n % 2 else "spam"} for n in range(10)))
    hamlet("import", "labels", "-", "--site", "blog", text=rows)
    assert {one.comment.text for one in labels()} == {f"comment number {n}" for n in range(10)}


def test_the_format_can_be_written_and_read_again():
    row = Judged(text="Hi", outcome=HAM, reviewer="ann")
    assert read_line(msgspec.json.encode(row), Judged) == row


# -- What an import is not


def test_a_history_without_times_did_not_come_in_one_hour(hamlet, site, labels, engine, shipped, tmp_path):
    """Its authors would be held for writing so much."""
    ann = Author(name="Ann", email="ann@example.org", ip="192.0.2.7")
    rows = lines(*({"text": talk(n), "outcome": "ham", "author": msgspec.to_builtins(ann)} for n in range(60)))
    hamlet("import", "labels", "-", "--site", "blog", text=rows)
    assert len(labels()) == 60 and not any("velocity" in one.evidence for one in labels())
    new = Submission(site.id, Comment(text="And one more", author=ann), Judging(shipped, make_policy(shipped.manifest)))
    secret = load_secret(None, tmp_path / "secret")
    (checked,) = check_comments([new], store=SqlStore(engine), secret=secret)
    assert "trusted-author" in checked.verdict.evidence or "author-record" in checked.verdict.evidence
    assert "velocity" not in checked.verdict.evidence


def test_how_fast_it_was_judged_elsewhere_tells_nothing_of_here(hamlet, site, engine):
    rows = [
        {"text": talk(n), "outcome": "ham", "submitted_at": f"2024-01-02T03:{n // 30:02}:{n % 30 * 2:02}Z"}
        for n in range(60)
    ]
    hamlet("import", "labels", "-", "--site", "blog", text=lines(*rows))
    assert JudgedTables(engine).seen(site.id, 0).said == ()


def test_comments_that_somebody_picked_estimate_nothing(hamlet, site, engine):
    hamlet("sites", "set", "blog", "spam.hold_at", "0")
    hamlet("import", "labels", "-", "--site", "blog", text=lines({"text": "Hi", "outcome": "ham"}))
    assert JudgedTables(engine).seen(site.id, 0).looked == ()
    hamlet("import", "labels", "-", "--site", "blog", "--every", text=lines({"text": "Ho", "outcome": "ham"}))
    assert len(JudgedTables(engine).seen(site.id, 0).looked) == 1
