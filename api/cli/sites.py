"""``hamlet sites``."""

from __future__ import annotations

import click

from api.cli.options import MODEL, STORAGE, with_settings
from api.cli.tables import show
from moderation.errors import BadSetting
from moderation.settings import Settings


@click.group()
def sites() -> None:
    """Create, list and set up sites (a site is one blog)."""


@sites.command()
@click.argument("name")
@with_settings(*STORAGE)
def create(settings: Settings, name: str) -> None:
    """Create the site NAME and show its first key, once."""
    from api.wiring import open_sites

    opened = open_sites(settings)
    try:
        opened.create_site(name)
    except ValueError as error:
        raise BadSetting("NAME", str(error)) from error
    click.echo(opened.create_key(name))
    click.echo(f"created {name}; above is its key, shown only now", err=True)


@sites.command(name="list")
@with_settings(*STORAGE)
def list_(settings: Settings) -> None:
    """List the sites and their own thresholds."""
    from api.wiring import open_sites

    rows = [(site.name, _changes(site.overrides)) for site in open_sites(settings).all()]
    show("Sites", ("name", "own thresholds"), rows)


@sites.command()
@click.argument("name")
@click.argument("head", required=False)
@click.option(
    "--hold-at", metavar="SCORE", help="Hold from this score on (0 to 1, or 'never', or 'model' for the model's own)."
)
@click.option("--reject-at", metavar="SCORE", help="Reject from this score on (likewise).")
@with_settings(*STORAGE, *MODEL)
def policy(settings: Settings, name: str, head: str | None, hold_at: str | None, reject_at: str | None) -> None:
    r"""Show the thresholds of the site NAME, or change those of one HEAD.

    \b
    hamlet sites policy myblog
    hamlet sites policy myblog spam --hold-at 0.4 --reject-at never
    """
    import msgspec

    from api.wiring import load_classifier, open_sites
    from moderation.policy import Override, make_policy

    if head is None and (hold_at or reject_at):
        raise BadSetting("HEAD", "say whose thresholds these are, such as: hamlet sites policy NAME spam --hold-at 0.4")
    opened, model = open_sites(settings), load_classifier(settings)
    site = opened.site(name)
    if head is not None:
        if head not in model.heads:
            raise BadSetting("HEAD", f"{model.name} has no head {head!r}; it has {', '.join(model.heads)}")
        change = site.overrides.get(head, Override())
        if hold_at is not None:
            change = msgspec.structs.replace(change, hold_at=_threshold("--hold-at", hold_at))
        if reject_at is not None:
            change = msgspec.structs.replace(change, reject_at=_threshold("--reject-at", reject_at))
        overrides = {**site.overrides, head: change}
        make_policy(model.manifest, overrides)  # Refuses nonsense before it is kept.
        site = opened.set_policy(name, overrides)
    made = make_policy(model.manifest, site.overrides, site.policy_number, forgiving=True)
    rows = [
        (one, _shown(limits.hold_at), _shown(limits.reject_at))
        for one, limits in zip(model.heads, made.thresholds, strict=True)
    ]
    show(f"Policy {made.version} of {name}", ("head", "hold at", "reject at"), rows)


def _threshold(flag: str, text: str) -> object:
    import msgspec

    if text in ("never", "model"):
        return None if text == "never" else msgspec.UNSET
    try:
        return float(text)
    except ValueError as error:
        raise BadSetting(flag, f"must be a number from 0 to 1, 'never' or 'model', got {text!r}") from error


def _shown(threshold: float | None) -> str:
    return "never" if threshold is None else f"{threshold:.4f}"


def _changes(overrides: object) -> str:
    import msgspec

    return msgspec.json.encode(overrides).decode() if overrides else "the model's"
