"""``hamlet import``."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.lines import opened, whole
from api.cli.options import STORAGE, with_settings
from moderation.errors import BadComment
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.imports import Judged

BATCH = 500


@click.group(name="import")
def import_() -> None:
    """Take in what was judged elsewhere."""


@import_.command()
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--site", required=True, metavar="NAME", help="The site whose comments they are.")
@click.option("--every", is_flag=True, help="They are all comments of a time, or a random part: not picked by anybody.")
@click.option("--by", metavar="NAME", help="Who judged them where a line does not say.")
@with_settings(*STORAGE, "models", "model", "model_cache")
def labels(settings: Settings, file: Path, site: str, every: bool, by: str | None) -> None:
    """Import judged comments from FILE, or from standard input with '-', as labels of a site.

    FILE holds JSON lines in the comment format, plain or .gz, each with "outcome" (ham, spam, abuse, other) or with
    "labels" of spam and toxicity; "reviewer" and "reviewed_at" if known. A comment that has its "id" here already gets
    a review; importing a file twice changes nothing. The site is told nothing. A bad line becomes a line on standard
    error with its number, the others go on, and the exit code is 1.

    \b
    echo '{"text": "Great post! casino-x.example", "outcome": "spam"}' | hamlet import labels - --site myblog
    """
    from api.wiring import make_parts, open_current
    from moderation.comment import numbered
    from moderation.imports import Imported, Judged, import_labels
    from moderation.review import at_command
    from moderation.store.reviews import SqlReviews

    engine, sites = open_current(settings)
    parts, found = make_parts(settings, engine), sites.site(site)
    actor, failed, done = at_command(by), 0, Imported(0, 0)
    with opened(file) as lines:
        rows = numbered(whole(lines, file), Judged)
        while batch := list(islice(rows, BATCH)):
            good = []
            for number, row in batch:
                if (trouble := _trouble(row)) is not None:
                    failed += 1
                    click.echo(f"{file}:{number}: {trouble}", err=True)
                elif not isinstance(row, BadComment):
                    good.append(row)
            some = import_labels(
                good,
                site_id=found.id,
                judging=parts.judging(found),
                store=parts.store,
                reviews=SqlReviews(engine),
                secret=parts.sites.secret,
                actor=actor,
                every=every,
            )
            done = Imported(done.taken + some.taken, done.known + some.known)
    click.echo(f"{site}: {done.taken:,} labels taken in, {done.known:,} were known")
    if failed:
        click.echo(f"{failed:,} bad line{'s' * (failed > 1)}; the others were taken in", err=True)
        click.get_current_context().exit(1)


def _trouble(row: Judged | BadComment) -> BadComment | None:
    """Why nothing can be learnt from a line."""
    if isinstance(row, BadComment):
        return row
    try:
        row.said()
    except BadComment as error:
        return error
    return None
