"""``hamlet train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from moderation.artifact import Manifest
from moderation.settings import load
from training import corpora
from training.progress import bars

if TYPE_CHECKING:
    from training.signals import Learnt


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


@train.command()
@click.option("--site", required=True, metavar="NAME", help="The site whose reviews are learnt from.")
@click.option("--dry-run", is_flag=True, help="Show what would be learnt, and change nothing.")
@click.option("--database", metavar="VALUE", help="SQLite file, or a postgresql:// URL. (HAMLET_DATABASE)")
@click.option("--secret-file", metavar="VALUE", help="File with the secret. (HAMLET_SECRET_FILE)")
def signals(site: str, dry_run: bool, database: str | None, secret_file: str | None) -> None:
    """Learn what each signal is worth on a site, from what its people said of comments.

    Running servers use the new weights within a second. Reviews that are gone are gone from the weights as well.
    """
    import msgspec

    from moderation.store import migrate, now_ms
    from moderation.store.database import open_database
    from moderation.store.sites import Sites
    from moderation.store.sql import SqlStore
    from training.signals import learn

    settings = load({"database": database, "secret_file": secret_file}, os.environ)
    engine = open_database(settings.database)
    migrate.upgrade(engine)
    sites = Sites.opened(engine, settings)
    found, now = sites.site(site), now_ms()
    learnt = learn(SqlStore(engine).labelled(found.id))
    show_signals(site, learnt, Console())
    if dry_run:
        click.echo("nothing was changed (--dry-run)", err=True)
        return
    weights = {one.code: one.weight for one in learnt}
    choices = sites.site(site).choices  # As they are now: learning takes a moment.
    sites.choose(site, msgspec.structs.replace(choices, weights=weights, learnt_at=now))
    click.echo(f"{site} uses these weights from now on", err=True)


def show_signals(site: str, learnt: list[Learnt], console: Console) -> None:
    """Print what was learnt."""
    table = Table(title=f"Signals of {site}, in log-odds of spam", title_justify="left")
    for column in ("signal", "in spam", "in ham", "prior", "learnt"):
        table.add_column(column, justify="left" if column == "signal" else "right")
    for one in learnt:
        table.add_row(one.code, f"{one.in_spam:,}", f"{one.in_ham:,}", f"{one.prior:+.2f}", f"{one.weight:+.2f}")
    console.print(table)


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
