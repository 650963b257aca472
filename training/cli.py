"""``hamlet train``."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table

from moderation.artifact import Manifest
from moderation.errors import BadSetting, HamletError
from moderation.past import milliseconds
from moderation.settings import Settings, load
from training import corpora
from training.progress import bars

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from moderation.store.sites import Site, Sites
    from training.site import Result


@click.group(invoke_without_command=True)
@click.option("--site", metavar="NAME", help="The site whose labels are learnt from; not needed if there is one alone.")
@click.option("--dry-run", is_flag=True, help="Show what would come of it; keep and promote nothing.")
@click.option("--since", metavar="DATE", help="Only labels said since then, such as 2026-11-01.")
@click.option("--without-reviewer", "without", multiple=True, metavar="NAME", help="Leave somebody's labels out.")
@click.option("--force", metavar="REASON", help="Promote although the gate refuses; the reason is kept with the model.")
@click.option("--json", "as_json", is_flag=True, help="Print the page as JSON.")
@click.option("--report", type=click.Path(path_type=Path), metavar="FILE", help="Write the page with plots as HTML.")
@click.option(
    "--by", default=None, metavar="NAME", help="Who trains, for the log; the account of the shell if not given."
)
@click.option("--data-dir", metavar="VALUE", help="Folder of the public corpora: their ham is looked at, too.")
@click.option("--database", metavar="VALUE", help="SQLite file, or a postgresql:// URL. (HAMLET_DATABASE)")
@click.option("--secret-file", metavar="VALUE", help="File with the secret. (HAMLET_SECRET_FILE)")
@click.pass_context
def train(
    ctx: click.Context,
    /,
    site: str | None,
    dry_run: bool,
    since: str | None,
    without: tuple[str, ...],
    force: str | None,
    as_json: bool,
    report: Path | None,
    by: str | None,
    **settings: str | None,
) -> None:
    """Train a site's own model from its labels, try it against the one that serves, and promote it if it is better.

    Running servers use it within two seconds; hamlet models rollback takes it back.

    \b
    hamlet train --site myblog
    hamlet train --site myblog --dry-run --report page.html
    hamlet train base --out models/base/1.0.0      the shipped model
    """
    if ctx.invoked_subcommand is not None:
        return
    from moderation.store import migrate
    from moderation.store.database import open_database
    from moderation.store.sites import Sites
    from training import page

    asked, loaded = SiteTraining(dry_run, _day(since), without, force, by), load(settings, os.environ)
    engine = open_database(loaded.database)
    migrate.upgrade(engine)
    result = asked.run(engine, _site(Sites.opened(engine, loaded), site), loaded)

    if report is not None:
        report.write_text(page.as_html(result), encoding="utf-8")
    if as_json:
        sys.stdout.write(page.as_json(result).decode())
    else:
        page.show(result, Console())
    if not result.passed and force is None:
        ctx.exit(1)


AUTOMATIC = "automatic"
"""Who trains when nobody has asked just now."""


@dataclass(frozen=True, slots=True)
class SiteTraining:
    """A training as it was asked for on the command line."""

    dry_run: bool
    since: int
    without: tuple[str, ...]
    force: str | None
    by: str | None

    def run(self, engine: Engine, site: Site, settings: Settings) -> Result:
        """Train, keep and, if the gate lets it through, promote."""
        from moderation import artifact
        from moderation.review import at_command
        from moderation.store.leases import held
        from moderation.store.models import ModelBook
        from training import page
        from training.site import Asked, keep_result, train_site

        book, actor = ModelBook(engine, settings.model_cache), at_command(self.by)
        asked = Asked(self.since, self.without, settings.data_dir)
        with held(engine, f"train:{site.id}"), TemporaryDirectory() as folder, bars() as progress:
            out = Path(folder, "model")
            base = artifact.find(settings.models, settings.model)
            result = train_site(engine, site, base, book, asked, out, progress)
            if not self.dry_run:
                result.version = keep_result(book, site, out, result, actor, page.figures(result))
                if result.passed or self.force is not None:
                    why = self.force if not result.passed else None
                    book.promote(site.id, result.version.number, actor, why=why)
                    result.promoted = True
        return result


def _site(sites: Sites, name: str | None) -> Site:
    if name is not None:
        return sites.site(name)
    found = sites.all()
    if len(found) == 1:
        return found[0]
    names = ", ".join(one.name for one in found) or "none yet"
    raise BadSetting("--site", f"say which site is meant; there are: {names}")


def _day(text: str | None) -> int:
    if text is None:
        return 0
    try:
        return milliseconds(datetime.fromisoformat(text))
    except ValueError as error:
        raise BadSetting("--since", f"a date such as 2026-11-01, not {text!r}") from error


@train.command()
@click.option("--database", metavar="VALUE", help="SQLite file, or a postgresql:// URL. (HAMLET_DATABASE)")
@click.option("--secret-file", metavar="VALUE", help="File with the secret. (HAMLET_SECRET_FILE)")
def due(**settings: str | None) -> None:
    """Train the models of all sites that have asked for it, where enough labels or time has come together.

    A server does this every minute, unless the machine is busy. How often: hamlet sites set NAME retrain_after 200,
    hamlet sites set NAME retrain_hours 24.
    """
    from moderation.store import migrate
    from moderation.store.database import open_database
    from moderation.store.leases import Busy
    from moderation.store.sites import Sites
    from training.due import is_due

    loaded = load(settings, os.environ)
    engine = open_database(loaded.database)
    migrate.require_current(engine)
    failed = False
    for site in Sites.opened(engine, loaded).all():
        if not is_due(engine, site):
            continue
        try:
            result = SiteTraining(False, 0, (), None, AUTOMATIC).run(engine, site, loaded)
        except Busy:
            continue  # Another replica is at it.
        except HamletError as error:
            failed = True
            click.echo(f"{site.name}: {error}", err=True)
            continue
        from training import page

        click.echo(page.headline(result))
    if failed:
        click.get_current_context().exit(1)


@train.command()
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the public corpora. (HAMLET_DATA_DIR)")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write: …/base/<version>.")
@click.option(
    "--seeds", type=click.Path(path_type=Path), default=corpora.SEEDS, help="Folder of the seeds.", show_default=True
)
@click.option("--force", is_flag=True, help="Replace a model that is there already.")
@click.option("--scheduler", metavar="ADDRESS", help="Train over the Dask cluster of this scheduler, such as tcp://….")
def base(data_dir: Path | None, out: Path, seeds: Path, force: bool, scheduler: str | None) -> None:
    """Train the base model from the seeds and, where the folder exists, the public corpora.

    Deterministic: the same seeds and corpora give the same model. Without corpora the model knows the seeds alone,
    and its manifest says so.

    \b
    hamlet train base --data-dir ../shared/data --out models/base/1.0.0
    """
    from moderation.artifact import MANIFEST
    from training.card import write_card
    from training.cluster import over
    from training.train import train_base

    data_dir = load({"data_dir": data_dir}, os.environ).data_dir
    if data_dir is not None and not data_dir.is_dir():
        raise click.BadParameter(f"{data_dir} is not a folder", param_hint="--data-dir")
    if (out / MANIFEST).exists() and not force:
        raise click.BadParameter(f"{out} holds a model already; give another version, or --force", param_hint="--out")
    if data_dir is None:
        click.echo("no --data-dir: training from the seeds alone", err=True)
    with over(scheduler), bars() as progress:
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
