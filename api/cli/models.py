"""``hamlet models``: the versions of a site's model, and which of them serves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from api.cli.options import STORAGE, with_settings
from api.cli.tables import day
from api.cli.tables import show as show_table
from moderation.errors import BadSetting
from moderation.review import at_command
from moderation.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from moderation.store.models import Check, ModelBook, Version
    from moderation.store.sites import Site

WITH = (*STORAGE, "models", "model", "model_cache")
BASE = "base"


@click.group()
def models() -> None:
    """List, show and compare models; promote one, or go back."""


@models.command(name="list")
@click.argument("site", required=False)
@with_settings(*WITH)
def list_(settings: Settings, site: str | None) -> None:
    """List the base models, and the versions of SITE or of all sites."""
    from api.wiring import open_current
    from moderation import artifact

    newest = artifact.find(settings.models, settings.model)
    rows: list[tuple[str, ...]] = []
    rows += [(name, "serves" if settings.models / name == newest else "", "", "", "", "") for name in _bases(settings)]
    engine, sites = open_current(settings)
    book = _book(engine, settings)
    for one in [sites.site(site)] if site else sites.all():
        rows += [_row(one, version) for version in book.all(one.id)]
    show_table("Models", ("model", "", "labels", "gate", "made", "by"), rows)


def _bases(settings: Settings) -> list[str]:
    from moderation import artifact

    return artifact.available(settings.models)


def _row(site: Site, version: Version) -> tuple[str, ...]:
    labels = f"{version.training.labels.count:,}"
    return version.name, _state(site, version), labels, _gate(version), day(version.created_at), version.created_by


def _check(check: Check) -> tuple[str, str, str, str]:
    return "passed" if check.passed else "REFUSED", check.name, check.told, " ".join(check.comments)


def _state(site: Site, version: Version) -> str:
    if site.model == version.number:
        return f"serves {site.name}"
    return "has served" if version.promoted_at else ""


def _gate(version: Version) -> str:
    if version.training.passed:
        return "passed"
    return "refused, forced" if version.training.forced else "refused"


@models.command()
@click.argument("site")
@click.argument("number", type=int)
@with_settings(*WITH)
def show(settings: Settings, site: str, number: int) -> None:
    """Show version NUMBER of the model of SITE: what it learnt from, how it was tried, what it promises."""
    book, found = _opened(settings, site)
    version = book.show(found.id, number)
    labels, training = version.training.labels, version.training
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in labels.outcomes.items())
    facts = [
        ("model", version.name),
        ("state", _state(found, version) or "never served"),
        ("corrects", version.manifest.base or ""),
        ("was tried against", training.champion),
        ("made", f"{day(version.created_at)} by {version.created_by}"),
        ("in service since", day(version.promoted_at) or "never"),
        ("labels", f"{labels.count:,} ({outcomes}), until {day(labels.until)}"),
        ("comments", f"{labels.first} to {labels.last}"),
        ("digest", labels.digest),
        *(("promise", told) for told in training.figures.get("promise", {}).get("told", ())),
        *(("forced", why) for why in [training.forced] if why),
    ]
    show_table(f"Model {version.name}", ("", ""), facts)
    show_table("Gate", ("", "check", "found", "comments"), [_check(one) for one in training.gate])


@models.command()
@click.argument("site")
@click.argument("first")
@click.argument("second")
@with_settings(*WITH)
def diff(settings: Settings, site: str, first: str, second: str) -> None:
    """Compare two versions of the model of SITE: their labels, thresholds and signals.

    \b
    hamlet models diff myblog 3 4
    hamlet models diff myblog base 4
    """
    book, found = _opened(settings, site)
    sides = [_side(settings, book, found, text) for text in (first, second)]
    keys = list(dict.fromkeys((*sides[0], *sides[1])))
    rows = [(key, sides[0].get(key, ""), sides[1].get(key, "")) for key in keys]
    rows = [row for row in rows if row[1] != row[2]]
    show_table(f"{first} and {second} of {site}", ("", first, second), rows or [("no difference", "", "")])


def _side(settings: Settings, book: ModelBook, site: Site, text: str) -> dict[str, str]:
    from moderation import artifact

    number = _number(text)
    if number is None:
        manifest = artifact.read_manifest(artifact.find(settings.models, settings.model))
        facts = {"model": manifest.name}
    else:
        version = book.show(site.id, number)
        manifest, labels = version.manifest, version.training.labels
        facts = {"model": version.name, "labels": f"{labels.count:,}", "until": day(labels.until)}
        facts |= {f"labels: {outcome}": f"{count:,}" for outcome, count in labels.outcomes.items()}
    for head in manifest.heads:
        facts[f"{head.name}: holds from"] = _score(head.hold_at)
        facts[f"{head.name}: rejects from"] = _score(head.reject_at)
        facts |= {f"{head.name}: {name}": f"{value:g}" for name, value in head.metrics.items() if name in ("trust",)}
    return facts | {f"signal {code}": f"{weight:+.2f}" for code, weight in manifest.signals.items()}


def _score(value: float | None) -> str:
    return "never" if value is None else f"{value:.4f}"


@models.command()
@click.argument("site")
@click.argument("version")
@click.option("--force", metavar="REASON", help="Although the gate refused it; the reason is kept with the model.")
@with_settings(*WITH)
def promote(settings: Settings, site: str, version: str, force: str | None) -> None:
    """Let a VERSION (its number, or base) of the model of SITE serve. Running servers use it within two seconds."""
    book, found = _opened(settings, site)
    number = _number(version)
    refused = number is not None and not book.show(found.id, number).training.passed
    if refused and force is None:
        raise BadSetting(
            "VERSION", f"the gate refused version {number}: hamlet models show {site} {number}; or --force"
        )
    book.promote(found.id, number, at_command(), why=force if refused else None)
    click.echo(f"{site}: {version} serves from now on")


@models.command()
@click.argument("site")
@with_settings(*WITH)
def rollback(settings: Settings, site: str) -> None:
    """Let the model of SITE serve again that served before. Running servers use it within two seconds."""
    book, found = _opened(settings, site)
    number = book.rollback(found.id, at_command())
    click.echo(f"{site}: {number or 'the base model'} serves again")


@models.command()
@click.argument("site")
@click.option("--keep", type=click.IntRange(1), default=10, show_default=True, help="How many of the newest stay.")
@with_settings(*WITH)
def prune(settings: Settings, site: str, keep: int) -> None:
    """Forget old versions of the model of SITE; the one that serves and the one before it always stay."""
    book, found = _opened(settings, site)
    gone = book.prune(found.id, keep, at_command())
    click.echo(f"{site}: forgot {len(gone)} version{'s' * (len(gone) != 1)}")


def _opened(settings: Settings, site: str) -> tuple[ModelBook, Site]:
    from api.wiring import open_current

    engine, sites = open_current(settings)
    return _book(engine, settings), sites.site(site)


def _book(engine: Engine, settings: Settings) -> ModelBook:
    from moderation.store.models import ModelBook

    return ModelBook(engine, settings.model_cache)


def _number(text: str) -> int | None:
    if text == BASE:
        return None
    if not text.isdecimal() or len(text) > 10:
        raise BadSetting("VERSION", f"the number of a version, or {BASE}, not {text!r}")
    return int(text)
