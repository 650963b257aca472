"""``hamlet rules``."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import day, show
from moderation.errors import BadSetting
from moderation.settings import Settings

if TYPE_CHECKING:
    from moderation.rules import NewRule, Rule
    from moderation.rules.imported import Imported
    from moderation.rules.replay import Tally
    from moderation.store.rules import RuleBook
    from moderation.store.sites import Site

SITE = click.option("--site", "site_name", required=True, metavar="NAME", help="The site whose rules these are.")
ACTION = click.argument("action", type=click.Choice(["allow", "block", "hold"]))
KIND = click.argument(
    "kind",
    type=click.Choice(
        ["domain", "email", "email-domain", "ip", "name", "word", "regex", "language", "links", "post-age"]
    ),
)
FORMATS = {"wordpress-moderation": "hold", "wordpress-disallowed": "block", "automoderator": ""}
"""Formats of lists, with the action of all their entries where it is one."""
MOST_READ = 64 << 20
"""Bytes; the readers refuse far smaller files, but have to see that they are larger."""
_SPAN = re.compile(r"(\d{1,5})([hdw])")
_MILLISECONDS = {"h": 3_600_000, "d": 86_400_000, "w": 7 * 86_400_000}


@click.group()
def rules() -> None:
    """A site's own rules: allow, block or hold comments, whatever their score."""


@rules.command(name="list")
@SITE
@with_settings(*STORAGE)
def list_(settings: Settings, site_name: str) -> None:
    """List the rules of a site, oldest first."""
    from moderation.store import now_ms

    site, book = _open(settings, site_name)
    columns = ("id", "action", "kind", "value", "hits", "last hit", "expires", "by", "note")
    show(f"Rules of {site_name}", columns, [_row(rule, now_ms()) for rule in book.all(site.id)])


@rules.command()
@ACTION
@KIND
@click.argument("value")
@SITE
@click.option("--note", default="", metavar="TEXT", help="Why; shown with every verdict the rule makes.")
@click.option("--expires", metavar="WHEN", help="When it ends: in 12h, 30d, 6w, or on a day such as 2030-12-31 (UTC).")
@with_settings(*STORAGE)
def add(settings: Settings, site_name: str, action: str, kind: str, value: str, note: str, expires: str | None) -> None:
    """Add a rule. Running servers follow it within a second.

    \b
    hamlet rules add --site blog block domain casino.example --note "gambling" --expires 30d
    hamlet rules add --site blog allow email ann@example.org
    hamlet rules add --site blog hold word "cheap pill*"
    """
    site, book = _open(settings, site_name)
    rule = book.add_one(site.id, _wanted(action, kind, value, note, expires))
    click.echo(f"added rule {rule.id}: {rule.action} {rule.kind} {rule.value}")


@rules.command()
@ACTION
@KIND
@click.argument("value")
@SITE
@click.option("--days", type=click.IntRange(min=1), metavar="N", help="Look at comments of the last N days only.")
@click.option(
    "--comments",
    type=click.IntRange(1, 1_000_000),
    default=10_000,
    show_default=True,
    metavar="N",
    help="Look at N at most.",
)
@with_settings(*STORAGE)
def test(
    settings: Settings, site_name: str, action: str, kind: str, value: str, days: int | None, comments: int
) -> None:
    """Show what a rule would have done to the comments a site has had; nothing is saved."""
    from moderation.rules.replay import replay
    from moderation.store import now_ms

    site, book = _open(settings, site_name)
    candidate = _wanted(action, kind, value, "", None).numbered(1)
    since = max(0, now_ms() - days * _MILLISECONDS["d"]) if days else 0
    history = book.history(site.id, most=comments, since=since)
    found = replay([candidate], history, site.choices.trusted_hops)
    since_when = f" since {day(found.since)}" if found.since is not None else ""
    click.echo(f"looked at {found.comments:,} comments{since_when}", err=True)
    _show_tally(found.tallies[0])


@rules.command()
@click.argument("rule_id", metavar="ID", type=click.IntRange(min=1))
@SITE
@with_settings(*STORAGE)
def remove(settings: Settings, site_name: str, rule_id: int) -> None:
    """Remove the rule ID. Running servers forget it within a second."""
    site, book = _open(settings, site_name)
    rule = book.remove(site.id, rule_id)
    click.echo(f"removed rule {rule.id}: {rule.action} {rule.kind} {rule.value}")


@rules.command(name="import")
@click.argument("file", type=click.Path(path_type=Path, allow_dash=True))
@SITE
@click.option("--format", "form", required=True, type=click.Choice(list(FORMATS)), help="What the list was made for.")
@click.option("--dry-run", is_flag=True, help="Show what each entry would become; save nothing.")
@with_settings(*STORAGE)
def import_(settings: Settings, site_name: str, file: Path, form: str, dry_run: bool) -> None:
    """Add the rules of a list made for WordPress or AutoModerator (see docs/rules.md); `-` for standard input."""
    site, book = _open(settings, site_name)
    found = _read(file, form)
    for one in found.skipped:
        click.echo(f"line {one.line}: skipped: {one.entry}: {one.why}", err=True)
    for one in found.ignored:
        click.echo(f"line {one.line}: left out: {one.entry}: {one.why}", err=True)
    wanted = [one.rule for one in found.mapped]
    if dry_run:
        _show_mapping(found)
        known = {(rule.action, rule.kind, rule.value) for rule in book.all(site.id)}
        fresh = {(rule.action, rule.kind, rule.value) for rule in wanted} - known
        added, duplicates = len(fresh), len(wanted) - len(fresh)
    else:
        done = book.add(site.id, wanted)
        added, duplicates = len(done.rules), len(done.duplicates)
    for (action, kind), number in sorted(Counter((rule.action, rule.kind) for rule in wanted).items()):
        click.echo(f"{number:,} x {action} {kind}", err=True)
    verb = "would add" if dry_run else "added"
    told = f"{duplicates:,} there already or twice in the list, {len(found.skipped):,} skipped"
    click.echo(f"{verb} {added:,} rules; {told}")


def _open(settings: Settings, site_name: str) -> tuple[Site, RuleBook]:
    """A site and the rules of all sites."""
    from api.wiring import open_current
    from moderation.store.rules import RuleBook

    engine, sites = open_current(settings)
    return sites.site(site_name), RuleBook(engine)


def _wanted(action: str, kind: str, value: str, note: str, expires: str | None) -> NewRule:
    from moderation.rules.checked import checked
    from moderation.store import now_ms

    now = now_ms()
    ends = _moment(expires, now) if expires is not None else None
    return checked(action, kind, value, note=note, created_by="cli", expires_at=ends, now=now)


def _moment(text: str, now: int) -> int:
    """When a rule ends, in milliseconds since 1970, UTC."""
    if match := _SPAN.fullmatch(text):
        return now + int(match[1]) * _MILLISECONDS[match[2]]
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadSetting("--expires", f"{text!r} is no time; give one such as 12h, 30d, 6w or 2030-12-31") from error
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp() * 1000)


def _read(file: Path, form: str) -> Imported:
    from moderation.rules import Action
    from moderation.rules.automoderator import read_automoderator
    from moderation.rules.wordpress import read_wordpress

    try:
        with nullcontext(sys.stdin.buffer) if str(file) == "-" else file.open("rb") as opened:
            raw = opened.read(MOST_READ)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from error
    return read_wordpress(raw, Action(FORMATS[form])) if FORMATS[form] else read_automoderator(raw)


def _row(rule: Rule, now: int) -> Sequence[object]:
    ends = ("expired " if rule.expired(now) else "") + day(rule.expires_at)
    last = day(rule.last_hit_at)
    return rule.id, rule.action, rule.kind, rule.value, rule.hits, last, ends, rule.created_by, rule.note


def _show_tally(tally: Tally) -> None:
    """What one rule would have met."""
    rows: list[tuple[str, object]] = [("would have met", tally.met)]
    rows += [(f"decided then: {decision}", number) for decision, number in tally.decided.items()]
    rows += [(f"people said: {outcome}", number) for outcome, number in tally.said.items()]
    rows += [("wrongly", tally.wrong)]
    rows += [("example", " ".join(text.split())) for text in tally.examples]
    rows += [("wrong example", " ".join(text.split())) for text in tally.wrong_examples]
    rule = tally.rule
    show(f"{rule.action} {rule.kind} {rule.value}", ("what", ""), rows)


def _show_mapping(found: Imported) -> None:
    rows = [(one.line, one.entry, one.rule.action, one.rule.kind, one.rule.value) for one in found.mapped]
    show("What each entry becomes", ("line", "entry", "action", "kind", "value"), rows)
