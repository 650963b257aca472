"""MODEL_CARD.md says what a model is, from the manifest alone or with what was measured."""

from __future__ import annotations

import re

import pytest

from moderation.artifact import DataSource, read_manifest
from tests.builders import make_head, make_manifest, tiny_model, write_model
from tests.training.test_evaluate import Sets
from training.card import card, markdown, write_card
from training.corpora import read_seeds
from training.evaluate import evaluate

SOURCE = DataSource(name="sms-spam", rows=5_131, sha256="ab", licence="CC BY 4.0 (UCI 228)", positives={"spam": 629})
HEAD = make_head("spam", metrics={"auc": 0.9876, "comments": 1_234}, reject_at=None, evidence="1,234 comments")


@pytest.fixture
def text() -> str:
    return card(make_manifest(data=(SOURCE,), heads=(HEAD,)))


def test_the_data_are_named_with_licence_and_rows(text):
    assert "| sms-spam | SMS Spam Collection (Almeida, Hidalgo 2011) | 5,131 | spam 629 | CC BY 4.0 (UCI 228) |" in text


def test_heads_have_their_figures_and_thresholds(text):
    assert re.search(r"\| spam \|.*0\.9876.*1,234.*0\.5000.*never \|", text)


def test_thresholds_say_what_they_rest_on(text):
    assert "- spam: 1,234 comments" in text


def test_use_limits_and_the_command_are_there(text):
    for heading in ("Intended use", "Limits", "Training data", "Evaluation", "How to rebuild"):
        assert f"## {heading}\n" in text
    assert "hamlet train base --data-dir <corpora> --out models/base/0.0.1 --force" in text


def test_a_model_of_seeds_alone_is_rebuilt_without_corpora():
    assert "hamlet train base --out" in card(make_manifest())


def test_without_an_evaluation_the_card_says_how_to_get_one(text):
    assert "hamlet evaluate base/0.0.1" in text


def test_the_card_stands_beside_the_model(tmp_path):
    folder = write_model(tmp_path / "base" / "0.0.1")
    assert write_card(folder) == folder / "MODEL_CARD.md"
    assert (folder / "MODEL_CARD.md").read_text() == card(read_manifest(folder))


def test_an_evaluation_adds_its_tables_and_languages_and_no_text(tmp_path):
    seeds = Sets.write(tmp_path / "seeds")
    evaluation, _ = evaluate(tiny_model(tmp_path / "base" / "0.0.1"), None, seeds=seeds, quick=True)
    found = write_card(tmp_path / "base" / "0.0.1", evaluation).read_text()
    assert "### Telling apart, by corpus" in found
    assert "Measured in: en" in found
    assert not any(comment.text in found for comment in read_seeds(seeds))


def test_cells_cannot_break_a_table():
    assert markdown(("a|b",), [("c*",)]) == "| a\\|b |\n| --- |\n| c\\* |\n"
