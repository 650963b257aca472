"""Health: what Hamlet stands on, for the owners of sites; each thing with what to do if it is not well."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from shutil import disk_usage

from flask import Blueprint, render_template
from markupsafe import Markup
from sqlalchemy import func, select

from api.dashboard.access import my_sites
from api.dashboard.language import ago, gettext, ngettext, number, when
from api.problems import Refused
from api.wiring import parts
from moderation import artifact
from moderation.errors import HamletError, WebhookNotFound
from moderation.past import DAY, HOUR
from moderation.people import Role
from moderation.store import migrate, now_ms
from moderation.store.database import reading
from moderation.store.retention import last_pruned
from moderation.store.sites import Site
from moderation.store.tallies import first_arrival

bp = Blueprint("health", __name__, url_prefix="/health")
LONG_WAIT = 3 * DAY
HOUSEKEEPING_LATE = 3 * HOUR
LEAST_FREE, LEAST_SHARE = 1_000_000_000, 0.05
"""Bytes, and of the whole disk."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at."""

    what: str
    well: bool
    said: str | Markup
    advice: str = ""
    """What to do, if it is not well."""


@bp.get("")
def show() -> str:
    """Everything that was looked at, just now."""
    owned = my_sites(Role.OWNER)
    if not owned:
        raise Refused(403, "forbidden", "this page is for the owners of a site")
    return render_template("dashboard/health.html", findings=list(examine(owned)), now=now_ms())


def examine(owned: list[Site]) -> Iterator[Finding]:
    """Look at each thing; one that cannot be looked at is not well, and the others are looked at all the same."""
    looks: dict[str, Callable[[], Finding]] = {
        gettext("Database"): _database,
        gettext("Disk"): _disk,
        gettext("Model"): _model,
        gettext("Models of sites"): lambda: _own_models(owned),
        gettext("Queue"): lambda: _queue(owned),
        gettext("Webhooks"): lambda: _webhooks(owned),
        gettext("Housekeeping"): lambda: _housekeeping(owned),
        gettext("Signing in"): _sign_ins,
    }
    for what, look in looks.items():
        try:
            found = look()
        except HamletError as error:
            found = Finding("", False, str(error), error.hint)
        yield Finding(what, found.well, found.said, "" if found.well else found.advice)


def _database() -> Finding:
    engine = parts().engine
    migrate.require_current(engine)
    kind = {"sqlite": "SQLite", "postgresql": "PostgreSQL"}[engine.dialect.name]
    with reading(engine) as connection:
        version = connection.dialect.server_version_info or ()
        connection.execute(select(1))
    shown = f"{kind} {'.'.join(map(str, version))}"
    return Finding(
        "", True, gettext("%(kind)s answers; its tables are at version %(n)s.", kind=shown, n=migrate.head())
    )


def _disk() -> Finding:
    engine = parts().engine
    if engine.dialect.name != "sqlite":
        with reading(engine) as connection:
            size = connection.execute(select(func.pg_database_size(func.current_database()))).scalar_one()
        told = gettext("The database takes %(size)s; how much is free, its server knows.", size=_bytes(size))
        return Finding("", True, told)
    try:
        disk = disk_usage(Path(engine.url.database or "").resolve().parent)
    except OSError as error:
        return Finding("", False, str(error), gettext("Look at the folder of the database."))
    well = disk.free >= LEAST_FREE and disk.free >= LEAST_SHARE * disk.total
    told = gettext(
        "%(free)s of %(total)s are free where the database lies.", free=_bytes(disk.free), total=_bytes(disk.total)
    )
    return Finding("", well, told, gettext("Make room, or move the database. A full disk holds up every comment."))


def _bytes(count: int) -> str:
    return f"{number(round(count / 1_000_000_000, 1))} GB"


def _model() -> Finding:
    found = parts()
    manifest = artifact.find(found.settings.models, found.settings.model) / "manifest.json"
    here = when(int(manifest.stat().st_mtime * 1000)) if manifest.exists() else gettext("unknown")
    return Finding("", True, Markup("{} · {} {}").format(found.base.name, gettext("on this machine since"), here))


def _own_models(owned: list[Site]) -> Finding:
    found, refused = parts(), []
    own = [site for site in owned if site.model is not None]
    for site in own:
        serves = found.judging(site).classifier.name
        if (trouble := found.troubles.get(site.id)) is not None:
            refused.append(f"{site.name}: {trouble}; {serves}")
    if refused:
        advice = gettext("The models named last serve instead. Train again, or go back: hamlet models rollback.")
        return Finding("", False, "; ".join(refused), advice)
    told = ngettext("%(num)s site has one of its own.", "%(num)s sites have one of their own.", len(own))
    return Finding("", True, told if own else gettext("None: the base model serves all."))


def _queue(owned: list[Site]) -> Finding:
    waits = parts().insights.waiting([site.id for site in owned]).values()
    count, since = sum(one.count for one in waits), [one.oldest for one in waits if one.oldest is not None]
    if not since:
        return Finding("", True, gettext("Nothing waits."))
    told = ngettext("%(num)s comment waits", "%(num)s comments wait", count)
    oldest = gettext("the oldest came")
    advice = gettext("Somebody should look at the queue, or the thresholds hold too much.")
    well = now_ms() - min(since) <= LONG_WAIT
    return Finding("", well, Markup("{}; {} {}.").format(told, oldest, ago(min(since))), advice)


def _webhooks(owned: list[Site]) -> Finding:
    found, failing, count = parts().webhooks, [], 0
    for site in owned:
        try:
            webhook = found.show(site.id)
        except WebhookNotFound:
            continue
        count += 1
        if webhook.failures:
            failing.append(f"{site.name} ({number(found.waiting(webhook))}): {webhook.last_error}")
    if failing:
        advice = gettext("Mend the receiver, then send a test from the page of the site. Nothing is lost meanwhile.")
        return Finding("", False, gettext("Decisions wait for: %(sites)s", sites="; ".join(failing)), advice)
    told = (
        ngettext("%(num)s is set and works.", "%(num)s are set and work.", count) if count else gettext("None is set.")
    )
    return Finding("", True, told)


def _housekeeping(owned: list[Site]) -> Finding:
    at = last_pruned(parts().engine)
    advice = gettext("hamlet serve does it once an hour, hamlet db prune at once; the server's log says why it failed.")
    if at is None:
        arrivals = (first_arrival(parts().engine, site.id) for site in owned)
        late = any(first is not None and now_ms() - first > HOUSEKEEPING_LATE for first in arrivals)
        return Finding("", not late, gettext("Not done yet; a server does it within its first minutes."), advice)
    return Finding("", now_ms() - at <= HOUSEKEEPING_LATE, Markup("{} {}").format(gettext("Done"), ago(at)), advice)


def _sign_ins() -> Finding:
    count = parts().people.throttled()
    if not count:
        return Finding("", True, gettext("Nobody is slowed down."))
    told = ngettext(
        "After many failures %(num)s account or address is slowed down.",
        "After many failures %(num)s accounts or addresses are slowed down.",
        count,
    )
    return Finding(
        "", False, told, gettext("Somebody guesses, or has forgotten a password: see who asks for a new one.")
    )
