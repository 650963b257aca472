"""``hamlet forget``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import show
from moderation.errors import BadSetting
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.store.forget import Held
    from moderation.store.models import ModelBook


@click.command()
@click.option("--email", metavar="ADDRESS", help="The person with this e-mail address.")
@click.option("--author", metavar="NAME", help="Everybody who wrote under this name.")
@click.option("--ip", metavar="ADDRESS", help="Everybody who wrote from this address (of IPv6: its /64).")
@click.option("--site", metavar="NAME", help="At this site only.")
@click.option("--yes", is_flag=True, help="Erase. Without it, what is held is only shown.")
@with_settings(*STORAGE)
def forget(
    settings: Settings, email: str | None, author: str | None, ip: str | None, site: str | None, yes: bool
) -> None:
    """Show everything held on a person, then erase it.

    \b
    hamlet forget --email ann@example.org          shows
    hamlet forget --email ann@example.org --yes    erases

    Comments are erased with their verdicts, reviews and traces, and taken out of every count.
    """
    from api.wiring import open_current
    from moderation.store.forget import Person, Who, erase, held
    from moderation.store.models import ModelBook

    given = [(Who.EMAIL, email), (Who.AUTHOR, author), (Who.IP, ip)]
    named = [(who, value) for who, value in given if value is not None]
    if len(named) != 1:
        raise BadSetting("forget", "name the person by one of --email, --author and --ip")
    engine, sites = open_current(settings)
    who, value = named[0]
    person = Person(who, value, sites.secret)
    found = held(engine, person, sites.site(site).id if site is not None else None)
    if not found:
        click.echo("nothing is held", err=True)
        return
    rows = [
        (one.site, len(one.comments), one.revisions, one.verdicts, one.reviews, len(one.records), text)
        for one in found
        for text in [one.shown[0] if one.shown else ""]
    ]
    columns = ("site", "comments", "revisions", "verdicts", "reviews", "records", "the first begins")
    show(f"Held on {who} {value}", columns, rows)
    _show_models(found, ModelBook(engine, settings.model_cache))
    if not yes:
        click.echo("nothing was erased; add --yes to erase it", err=True)
        return
    for one in found:
        erase(engine, person, one)
    click.echo(f"erased {sum(len(one.comments) for one in found):,} comments and all that was kept of them", err=True)


def _show_models(found: list[Held], models: ModelBook) -> None:
    """Say which models learnt from these comments."""
    for one in found:
        first = one.first_reviewed_at
        learnt = [version for version in models.all(one.site_id) if first is not None]
        names = [version.name for version in learnt if first is not None and version.training.labels.until >= first]
        if names:
            click.echo(
                f"{', '.join(reversed(names))} learnt from their reviews, too: after erasing, run"
                f" hamlet train --site {one.site} and then hamlet models prune {one.site} --keep 1",
                err=True,
            )
    click.echo("base models learnt from no site's comments", err=True)
