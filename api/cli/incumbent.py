"""The service that a site had before: set by ``hamlet sites set``, compared by ``hamlet sites incumbent``."""

from __future__ import annotations

import sys

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import show
from moderation.errors import BadAddress, BadSetting
from moderation.settings import Settings

KEY, URL = "incumbent_key", "incumbent_url"
MOST_KEY, MOST_URL = 200, 500


def set_incumbent(settings: Settings, name: str, choice: str, value: str) -> None:
    """Set the key or the address of the service of a site."""
    from api.wiring import open_current
    from moderation.store.incumbents import AKISMET, Incumbent, Incumbents
    from moderation.store.sites import COMMAND

    engine, sites = open_current(settings)
    site, kept = sites.site(name), Incumbents(engine, sites.secret)
    known = kept.show(site.id)
    if choice == KEY and value == "none":
        kept.remove(site.id, COMMAND)
        click.echo(f"{name}: nobody is asked beside Hamlet any more; what was said stays")
        return
    if choice == KEY:
        key = sys.stdin.readline().strip() if value == "-" else value
        if not 0 < len(key) <= MOST_KEY or not (key.isascii() and key.isprintable() and " " not in key):
            raise BadSetting(KEY, "must be the key that the service gave you; - reads it from standard input")
        incumbent = Incumbent(known.url if known else AKISMET, key)
    else:
        if known is None:
            raise BadSetting(URL, f"set {KEY} first")
        incumbent = Incumbent(_checked(settings, value), known.key)
    kept.set(site.id, incumbent, COMMAND)
    click.echo(f"{name}: {incumbent.url} is asked beside Hamlet; nothing is decided by it")


def _checked(settings: Settings, url: str) -> str:
    from moderation.outgoing import Outside

    try:
        target, _ = Outside(settings.webhook_hosts).check(url)
    except BadAddress as error:
        raise BadSetting(URL, error.why) from error
    if "?" in target.path or len(url) > MOST_URL:
        raise BadSetting(URL, "must be an address without query, such as https://rest.akismet.com")
    return url.rstrip("/")


@click.command()
@click.argument("name")
@click.option("--weeks", type=click.IntRange(1, 520), default=12, show_default=True, help="So many weeks back.")
@with_settings(*STORAGE)
def incumbent(settings: Settings, name: str, weeks: int) -> None:
    """Show how often the service that the site NAME had before said something else, and whom people agreed with."""
    from api.wiring import open_current
    from moderation.store.incumbents import Incumbents

    engine, sites = open_current(settings)
    kept, site = Incumbents(engine, sites.secret), sites.site(name)
    found, asked = kept.weeks(site.id, weeks), kept.show(site.id)
    columns = ("week of", "asked", "unanswered", "held here", "agreed", "disagreed", "people said as Hamlet", "as they")
    rows = [
        (one.begin, one.asked, one.unanswered, one.held, one.agreed, one.disagreed, one.with_us, one.with_them)
        for one in found
    ]
    show(f"{asked.url if asked else 'Nobody now'} beside Hamlet on {name}", columns, rows)
    sums = [sum(column) for column in zip(*(row[5:] for row in rows), strict=True)] or [0, 0, 0]
    said = "disagreed on {:,}; people sided with Hamlet {:,} times, with the other {:,} times".format(*sums)
    click.echo(said, err=True)
