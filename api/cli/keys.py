"""``hamlet keys``."""

from __future__ import annotations

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import day, show
from moderation.settings import Settings


@click.group()
def keys() -> None:
    """Make, list and revoke the keys that sites call the API with."""


@keys.command()
@click.argument("site")
@with_settings(*STORAGE)
def create(settings: Settings, site: str) -> None:
    """Make another key for SITE and show it, once. Only a hash of it is kept."""
    from api.wiring import open_sites

    click.echo(open_sites(settings).create_key(site))


@keys.command(name="list")
@click.argument("site", required=False)
@with_settings(*STORAGE)
def list_(settings: Settings, site: str | None) -> None:
    """List keys by their first four digits."""
    from api.wiring import open_sites

    rows = [
        (
            key.site,
            f"{key.prefix}…",
            day(key.created_at),
            f"revoked {day(key.revoked_at)}" if key.revoked_at else "living",
        )
        for key in open_sites(settings).keys(site)
    ]
    show("Keys", ("site", "key", "created (UTC)", "state"), rows)


@keys.command()
@click.argument("site")
@click.argument("key")
@with_settings(*STORAGE)
def revoke(settings: Settings, site: str, key: str) -> None:
    """Revoke the key of SITE that begins with KEY. Running servers refuse it within a second."""
    from api.wiring import open_sites

    revoked = open_sites(settings).revoke_key(site, key.rstrip("…"))
    click.echo(f"revoked {revoked.prefix}… of {site}")
