"""``hamlet db``."""

from __future__ import annotations

import click

from api.cli.options import STORAGE, with_settings
from moderation.settings import Settings


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@with_settings(*STORAGE)
def upgrade(settings: Settings) -> None:
    """Bring the database to the version this Hamlet needs. ``hamlet serve`` does it by itself."""
    from api.wiring import open_engine
    from moderation.store import migrate

    engine = open_engine(settings)
    before = migrate.current(engine)
    migrate.upgrade(engine)
    click.echo(f"{settings.database}: version {migrate.current(engine)}, was {before or 'empty'}")


@db.command()
@with_settings(*STORAGE)
def version(settings: Settings) -> None:
    """Print the version of the database; exit code 1 if it is not the one needed."""
    from api.wiring import open_engine
    from moderation.store import migrate

    found, needed = migrate.current(open_engine(settings)), migrate.head()
    click.echo(f"{found or 'empty'} (needed: {needed})")
    if found != needed:
        click.get_current_context().exit(1)


@db.command()
@with_settings(*STORAGE)
def prune(settings: Settings) -> None:
    """Take out what is too old: raw addresses (by each site's choice) and long past campaigns.

    ``hamlet serve`` does it once an hour by itself.
    """
    from api.cli.housekeeping import clean
    from api.wiring import open_engine
    from moderation.store import migrate

    migrate.upgrade(open_engine(settings))
    pruned = clean(settings)
    click.echo(f"addresses taken out of {pruned.revisions:,} comments; {pruned.campaigns:,} campaigns forgotten")
