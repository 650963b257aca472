"""``hamlet evaluate``."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console

from moderation.settings import load
from training import corpora
from training.progress import bars


@click.command()
@click.argument("model")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the public corpora. (HAMLET_DATA_DIR)")
@click.option("--models", type=click.Path(path_type=Path), help="Folder of the models. (HAMLET_MODELS)")
@click.option(
    "--seeds", type=click.Path(path_type=Path), default=corpora.SEEDS, help="Folder of the seeds.", show_default=True
)
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write all figures to this file.")
@click.option("--html", "html_file", type=click.Path(path_type=Path), help="Write a report with plots to this file.")
@click.option("--quick", is_flag=True, help="Leave out everything that trains.")
@click.option("--card", is_flag=True, help="Write the figures into the model's MODEL_CARD.md.")
def evaluate(
    model: str,
    data_dir: Path | None,
    models: Path | None,
    seeds: Path,
    json_file: Path | None,
    html_file: Path | None,
    quick: bool,
    card: bool,
) -> None:
    """Measure how good MODEL is: a folder, or a name such as base/0.7.0.

    Without a data folder it is measured on the seeds alone. Comments it was trained on are marked with *. Texts of
    comments are shown here and in the HTML report, which is for you; the JSON file and the card hold none.

    \b
    hamlet evaluate base/0.7.0 --data-dir ../shared/data --html report.html --json report.json
    """
    from moderation.classifier import Classifier
    from training import card as cards
    from training import report, tables
    from training.evaluate import evaluate as measure

    settings = load({"data_dir": data_dir, "models": models}, os.environ)
    data_dir = settings.data_dir
    if data_dir is not None and not data_dir.is_dir():
        raise click.BadParameter(f"{data_dir} is not a folder", param_hint="--data-dir")
    if data_dir is None:
        click.echo("no --data-dir: evaluating on the seeds alone", err=True)
    folder = _folder(model, settings.models)
    classifier = Classifier.load(folder)
    with bars() as progress:
        evaluation, texts = measure(classifier, data_dir, seeds=seeds, quick=quick, progress=progress)
    tables.show(evaluation, texts, Console())
    if json_file:
        json_file.write_bytes(report.as_json(evaluation))
    if html_file:
        html_file.write_text(report.as_html(evaluation, texts), encoding="utf-8")
    if card:
        cards.write_card(folder, evaluation)


def _folder(model: str, models: Path) -> Path:
    """A folder that holds a manifest is meant as it stands; anything else is a name among the models."""
    from moderation import artifact

    if (Path(model) / artifact.MANIFEST).is_file():
        return Path(model)
    return artifact.find(models, model)
