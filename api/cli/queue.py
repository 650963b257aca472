"""``hamlet queue``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import day, show
from moderation.errors import HamletError
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.review import Card, ReviewQueue
    from moderation.store.sites import Site

SITE = click.option("--site", "site_name", required=True, metavar="NAME", help="The site whose queue it is.")
BY = click.option("--by", metavar="NAME", help="Who says so. [default: your name on this machine]")
OUTCOME = click.argument("outcome", type=click.Choice(["ham", "spam", "abuse", "other"]))
ORDER = click.Choice(["oldest", "urgent", "certain", "informative"])
SHOWN = 100
"""Characters of a comment in the list."""


@click.group()
def queue() -> None:
    """The held comments that wait for a person."""


@queue.command(name="list")
@SITE
@click.option("--order", type=ORDER, default="oldest", show_default=True, help="Which come first.")
@click.option("--search", default="", metavar="WORDS", help="Those with all these words.")
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True, help="So many at most.")
@with_settings(*STORAGE)
def list_(settings: Settings, site_name: str, order: str, search: str, limit: int) -> None:
    """List what waits; near-copies are one line."""
    from moderation.review import Filter, Order

    site, waits = _open(settings, site_name)
    page = waits.page([site.id], Filter(words=search), order=Order(order), limit=limit)
    show(
        f"Held at {site_name}", ("id", "since", "author", "why", "copies", "text"), [_row(card) for card in page.cards]
    )
    if page.after is not None:
        click.echo("there are more; raise --limit, or use the dashboard", err=True)


def _row(card: Card) -> tuple[object, ...]:
    one, text = card.waiting, " ".join(card.comment.text[: 4 * SHOWN].split())
    why = card.verdict.reasons[0].message if card.verdict.reasons else ""
    printable = "".join(sign if sign.isprintable() else "�" for sign in text[:SHOWN])
    return one.comment_id, day(one.entered_at), one.author_name, why, len(card.twins) + 1, printable


@queue.command()
@OUTCOME
@click.argument("ids", nargs=-1, required=True)
@SITE
@BY
@click.option("--note", metavar="TEXT", help="Kept with the decision.")
@with_settings(*STORAGE)
def settle(
    settings: Settings, site_name: str, outcome: str, ids: tuple[str, ...], by: str | None, note: str | None
) -> None:
    """Settle comments, by Hamlet's ids or the site's own; `-` reads ids from standard input.

    \b
    hamlet queue settle spam 019a... 019b... --site blog
    hamlet queue list --site blog --search casino | cut -f1 | hamlet queue settle spam - --site blog
    """
    from moderation.past import Outcome
    from moderation.review import MOST_AT_ONCE, at_command

    site, waits = _open(settings, site_name)
    given = [line.strip() for line in sys.stdin if line.strip()] if ids == ("-",) else ids
    wanted = list(dict.fromkeys(given))  # An id given twice is one comment.
    actor, failed = at_command(by), 0
    for low in range(0, len(wanted), MOST_AT_ONCE):
        some = wanted[low : low + MOST_AT_ONCE]
        for result in waits.settle(site.id, some, Outcome(outcome), actor, note=note).values():
            if isinstance(result, HamletError):
                failed += 1
                click.echo(str(result), err=True)
    click.echo(f"settled {len(wanted) - failed:,} as {outcome}", err=True)
    sys.exit(1 if failed else 0)


@queue.command()
@click.argument("comment_id", metavar="ID")
@SITE
@BY
@with_settings(*STORAGE)
def undo(settings: Settings, site_name: str, comment_id: str, by: str | None) -> None:
    """Take the newest review of a comment back, within a day; anybody's, since you administer Hamlet."""
    from moderation.review import at_command

    site, waits = _open(settings, site_name)
    number = len(waits.card(site.id, comment_id).reviews)
    done = waits.undo(site.id, comment_id, number, at_command(by), own=False)
    stands = "it waits again" if done.waiting else f"it stands as {done.review.outcome or 'judged'}"
    click.echo(f"taken back; {stands}")


@queue.command()
@click.argument("comment_id", metavar="ID")
@SITE
@BY
@with_settings(*STORAGE)
def reopen(settings: Settings, site_name: str, comment_id: str, by: str | None) -> None:
    """Put a comment into the queue, whatever was decided."""
    from moderation.review import at_command

    site, waits = _open(settings, site_name)
    done = waits.reopen(site.id, comment_id, at_command(by))
    click.echo(f"{done.comment_id} {'waits already' if done.repeated else 'waits in the queue'}")


def _open(settings: Settings, site_name: str) -> tuple[Site, ReviewQueue]:
    from api.wiring import open_current
    from moderation.review import ReviewQueue
    from moderation.store.reviews import SqlReviews

    engine, sites = open_current(settings)
    return sites.site(site_name), ReviewQueue(SqlReviews(engine))
