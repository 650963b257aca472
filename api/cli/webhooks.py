"""``hamlet webhooks``."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import day
from api.cli.tables import show as show_table
from moderation.review import Actor
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.delivery import Deliverer
    from moderation.store.sites import Sites
    from moderation.store.webhooks import Webhook, Webhooks

SITE = click.argument("site_name", metavar="SITE")
OPERATOR = Actor("operator", "command")


@click.group()
def webhooks() -> None:
    """Tell blogs what was decided after the first answer (see docs/webhooks.md)."""


@webhooks.command(name="set")
@SITE
@click.argument("url")
@with_settings(*STORAGE, "webhook_hosts")
def set_(settings: Settings, site_name: str, url: str) -> None:
    """Tell SITE at URL from now on, and print the secret its signatures are checked with."""
    sites, kept, deliverer = _open(settings)
    site = sites.site(site_name)
    deliverer.check(url)
    _print_key(sites, kept.set(site.id, url, actor=OPERATOR))
    click.echo(f"{site_name} is told at {url}; above is the secret", err=True)


@webhooks.command()
@click.argument("site_name", metavar="[SITE]", required=False)
@with_settings(*STORAGE)
def show(settings: Settings, site_name: str | None) -> None:
    """Show the webhook of SITE, or all of them, and how they fare."""
    sites, kept, _ = _open(settings)
    found = kept.all() if site_name is None else [kept.show(sites.site(site_name).id)]
    rows = [
        (one.site, one.url, one.delivered, kept.waiting(one), one.failures, day(one.last_at), one.last_error or "")
        for one in found
    ]
    columns = ("site", "URL", "told up to", "waiting", "failures", "last tried", "last error")
    show_table("Webhooks", columns, rows)


@webhooks.command()
@SITE
@with_settings(*STORAGE)
def remove(settings: Settings, site_name: str) -> None:
    """Tell SITE no more."""
    sites, kept, _ = _open(settings)
    removed = kept.remove(sites.site(site_name).id, actor=OPERATOR)
    click.echo(f"{site_name} is told no more at {removed.url}")


@webhooks.command()
@SITE
@with_settings(*STORAGE)
def rotate(settings: Settings, site_name: str) -> None:
    """Sign what SITE is told with another secret from now on, and print it."""
    sites, kept, _ = _open(settings)
    _print_key(sites, kept.rotate(sites.site(site_name).id, actor=OPERATOR))
    click.echo(f"{site_name} must check signatures with the secret above from now on", err=True)


@webhooks.command()
@SITE
@with_settings(*STORAGE, "webhook_hosts")
def test(settings: Settings, site_name: str) -> None:
    """Send SITE a signed message that tells nothing, and print what comes back. Exit code 1 unless that is 2xx."""
    from moderation.delivery import told

    sites, kept, deliverer = _open(settings)
    answered = deliverer.test(kept.show(sites.site(site_name).id))
    if answered.taken:
        click.echo(f"{answered.status}: taken{f': {answered.said}' if answered.said else ''}")
        return
    click.echo(told(answered), err=True)
    click.get_current_context().exit(1)


@webhooks.command()
@click.option("--once", is_flag=True, help="Deliver what is due now and end; exit code 1 if something was not taken.")
@click.option("--parent", type=int, hidden=True, help="End when this process is gone.")
@with_settings(*STORAGE, "durability", "webhook_hosts")
def deliver(settings: Settings, once: bool, parent: int | None) -> None:
    """Deliver decisions to all webhooks, and call back Akismet clients, until stopped.

    ``hamlet serve`` runs this by itself; many may run at once.
    """
    from api.cli.delivering import deliver_for_ever
    from moderation.callback_delivery import CallbackDeliverer
    from moderation.outgoing import Outside
    from moderation.store.callbacks import Callbacks

    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    sites, kept, deliverer = _open(settings, upgrade=False)
    callbacks = Callbacks(kept.engine, sites.secret)
    deliverers = (deliverer, CallbackDeliverer(callbacks, Outside(settings.webhook_hosts), sites))
    if not once:
        deliver_for_ever(deliverers, parent)
        return
    taken, failed = map(sum, zip(*(one.deliver_all() for one in deliverers), strict=True))
    click.echo(json.dumps({"taken": taken, "failed": failed}))
    if failed:
        click.get_current_context().exit(1)


def _open(settings: Settings, *, upgrade: bool = True) -> tuple[Sites, Webhooks, Deliverer]:
    from moderation.delivery import Deliverer
    from moderation.outgoing import Outside
    from moderation.rounds import AT_ONCE
    from moderation.store.database import open_database
    from moderation.store.sites import Sites
    from moderation.store.webhooks import Webhooks

    # Not as a server opens it: api.wiring would load all that judges comments.
    safe = settings.durability == "power"
    engine = open_database(settings.database, safe_from_power_loss=safe, pool_size=2 * AT_ONCE)
    if upgrade:
        from moderation.store import migrate

        migrate.upgrade(engine)
    sites, kept = Sites.opened(engine, settings), Webhooks(engine)
    return sites, kept, Deliverer(kept, Outside(settings.webhook_hosts), sites.secret)


def _print_key(sites: Sites, webhook: Webhook) -> None:
    from moderation.webhooks import shown_key, signing_key

    click.echo(shown_key(signing_key(sites.secret, webhook.site_id, webhook.salt)))
