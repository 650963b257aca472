"""``hamlet train``."""

from __future__ import annotations

import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from moderation.artifact import Manifest
from moderation.settings import load
from training import corpora
from training.progress import bars


@click.group()
def train() -> None:
    """Train models."""


@train.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the public corpora. (HAMLET_DATA_DIR)")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write: …/base/<version>.")
@click.option(
    "--seeds", type=click.Path(path_type=Path), default=corpora.SEEDS, help="Folder of the seeds.", show_default=True
)
@click.option("--force", is_flag=True, help="Replace a model that is there already.")
def base(data_dir: Path | None, out: Path, seeds: Path, force: bool) -> None:
    r"""Train the base model from the seeds and, where the folder exists, the public corpora.

    Deterministic: the same seeds and corpora give the same model. Without corpora the model knows the seeds alone,
    and its manifest says so.

    \b
    hamlet train base --data-dir ../shared/data --out models/base/1.0.0
    """
    from moderation.artifact import MANIFEST
    from training.card import write_card
    from training.train import train_base

    data_dir = load({"data_dir": data_dir}, os.environ).data_dir
    if data_dir is not None and not data_dir.is_dir():
        raise click.BadParameter(f"{data_dir} is not a folder", param_hint="--data-dir")
    if (out / MANIFEST).exists() and not force:
        raise click.BadParameter(f"{out} holds a model already; give another version, or --force", param_hint="--out")
    if data_dir is None:
        click.echo("no --data-dir: training from the seeds alone", err=True)
    with bars() as progress:
        manifest = train_base(out, data_dir, seeds=seeds, progress=progress)
    write_card(out)
    show(manifest, Console())


def show(manifest: Manifest, console: Console) -> None:
    """Print what a model is."""
    table = Table(title=f"{manifest.name}: heads", title_justify="left")
    for column in ("head", "comments", "AUC", "calibration error", "hold at", "reject at"):
        table.add_column(column, justify="left" if column == "head" else "right")
    for head in manifest.heads:
        figures = head.metrics
        table.add_row(
            head.name,
            f"{figures.get('comments', 0):,.0f}",
            f"{figures.get('auc', 0):.4f}",
            f"{figures.get('calibration_error', 0):.4f}",
            "never" if head.hold_at is None else f"{head.hold_at:.4f}",
            "never" if head.reject_at is None else f"{head.reject_at:.4f}",
        )
    console.print(table)
    console.print("On folds the model did not see; thresholds rest on:", style="dim")
    for head in manifest.heads:
        console.print(f"  {head.name}: {head.evidence}", style="dim", soft_wrap=True)
