"""``hamlet users``."""

from __future__ import annotations

from collections.abc import Mapping

import click

from api.cli.links import welcome_link
from api.cli.options import STORAGE, with_settings
from api.cli.tables import day, show
from moderation.people import Role, User
from moderation.settings import Settings

WHO, VIA = "command", "command"
"""Who acts, and by which way: whoever may run commands here."""
ROLE = click.argument("role", type=click.Choice([role.value for role in Role]))
PLACE = ("host", "port", *STORAGE)


@click.group()
def users() -> None:
    """List, invite and manage the people who moderate."""


@users.command(name="list")
@click.option("--site", metavar="SITE", help="Only the people of this site.")
@with_settings(*STORAGE)
def list_(settings: Settings, site: str | None) -> None:
    """List people with their roles."""
    from api.wiring import open_people

    people, sites = open_people(settings)
    names = {one.id: one.name for one in sites.all()}
    found = people.all() if site is None else people.of_site(sites.site(site).id)
    rows = [(user.name, _roles(user, names), day(user.created_at), _state(user)) for user in found]
    show("People", ("name", "roles", "since (UTC)", "state"), rows)


@users.command()
@click.argument("site")
@ROLE
@with_settings(*PLACE)
def invite(settings: Settings, site: str, role: str) -> None:
    """Make a link to join SITE in ROLE. It works once, within seven days."""
    from api.wiring import open_people

    people, sites = open_people(settings)
    click.echo(welcome_link(settings, people.invite(sites.site(site).id, Role(role), by=WHO, via=VIA)))
    click.echo(f"hand this link to somebody who shall be {role} of {site}; it is shown only now", err=True)


@users.command()
@click.argument("name")
@click.argument("site")
@ROLE
@with_settings(*STORAGE)
def role(settings: Settings, name: str, site: str, role: str) -> None:
    """Give NAME the ROLE on SITE, instead of any they have there."""
    from api.wiring import open_people

    people, sites = open_people(settings)
    user = people.user(name)
    people.set_role(user.id, sites.site(site).id, Role(role), by=WHO, via=VIA)
    click.echo(f"{user.name} is {role} of {site}")


@users.command()
@click.argument("name")
@click.argument("site")
@with_settings(*STORAGE)
def remove(settings: Settings, name: str, site: str) -> None:
    """Take NAME's role on SITE and end their sessions."""
    from api.wiring import open_people

    people, sites = open_people(settings)
    user = people.user(name)
    people.remove(user.id, sites.site(site).id, by=WHO, via=VIA)
    click.echo(f"removed {user.name} from {site}")


@users.command(name="reset-password")
@click.argument("name")
@with_settings(*PLACE)
def reset_password(settings: Settings, name: str) -> None:
    """Make a link with which NAME sets a new password. It works once, within a day."""
    from api.wiring import open_people

    people, _ = open_people(settings)
    click.echo(welcome_link(settings, people.reset_link(name, by=WHO, via=VIA)))
    click.echo(f"hand this link to {name}; it is shown only now", err=True)


@users.command()
@click.argument("name")
@with_settings(*STORAGE)
def disable(settings: Settings, name: str) -> None:
    """Refuse NAME from now on and end their sessions; roles are kept."""
    from api.wiring import open_people

    people, _ = open_people(settings)
    click.echo(f"disabled {people.disable(name, by=WHO, via=VIA).name}")


@users.command()
@click.argument("name")
@with_settings(*STORAGE)
def enable(settings: Settings, name: str) -> None:
    """Let NAME sign in again."""
    from api.wiring import open_people

    people, _ = open_people(settings)
    click.echo(f"enabled {people.enable(name, by=WHO, via=VIA).name}")


def _roles(user: User, names: Mapping[int, str]) -> str:
    return ", ".join(f"{names[site_id]}: {role}" for site_id, role in user.roles.items()) or "none"


def _state(user: User) -> str:
    return f"disabled {day(user.disabled_at)}" if user.disabled_at else "enabled"
