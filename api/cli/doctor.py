"""``hamlet doctor``."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from sqlalchemy import Engine, text

from api.cli.options import MODEL, STORAGE, with_settings
from api.wiring import load_classifier, open_engine
from moderation import compiled
from moderation.comment import Comment
from moderation.errors import ArtifactError, HamletError
from moderation.settings import Settings
from moderation.store import migrate
from moderation.store.database import parse_url, reading, writing
from moderation.store.models import ModelBook
from moderation.store.sites import Sites
from moderation.store.webhooks import Webhooks

OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at: what is well with it, or what is not and what to do."""

    what: str
    well: bool
    said: str
    advice: str = ""


@click.command()
@with_settings(*STORAGE, *MODEL)
def doctor(settings: Settings) -> None:
    """Check Python, compiled loops, database, migrations, secret, models and webhooks, and say what to do.

    Exit code 1 if something is wrong.
    """
    findings = list(examine(settings))
    for finding in findings:
        mark = click.style("ok  ", fg="green") if finding.well else click.style("FAIL", fg="red", bold=True)
        click.echo(f"{mark}  {finding.what:<11} {finding.said}")
        if finding.advice:
            click.echo(f"{'':6}{'':<11} -> {finding.advice}")
    if not all(finding.well for finding in findings):
        click.get_current_context().exit(1)


def examine(settings: Settings) -> Iterator[Finding]:
    """Look at everything Hamlet stands on, without changing any of it."""
    version = ".".join(map(str, sys.version_info[:3]))
    enough = sys.version_info[:2] >= OLDEST_PYTHON
    yield Finding("python", enough, version, "" if enough else "install Python 3.11 or newer")
    yield _loops()
    yield _look("database", lambda: _database(settings))
    yield _look("migrations", lambda: _migrations(settings))
    yield _look("secret", lambda: _secret(settings))
    yield _look("model", lambda: _model(settings))
    yield _look("site-models", lambda: _own_models(settings))
    yield _look("webhooks", lambda: _webhooks(settings))


def _loops() -> Finding:
    if compiled.KERNELS is not None:
        return Finding("loops", True, "compiled")
    advice = "for about twice the speed install a C compiler and Python's headers, then set up again"
    return Finding("loops", True, "not compiled: numpy does the same, more slowly", advice)


def _look(what: str, look: Callable[[], str]) -> Finding:
    try:
        return Finding(what, True, look())
    except HamletError as error:
        return Finding(what, False, str(error), error.hint)


def _existing(settings: Settings) -> Engine:
    """The database, without making one."""
    url = parse_url(settings.database)
    if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
        error = HamletError(f"{url.database} does not exist yet")
        error.hint = "run: hamlet db upgrade (hamlet serve does it by itself)"
        raise error
    return open_engine(settings)


def _database(settings: Settings) -> str:
    engine = _existing(settings)
    if engine.dialect.name == "sqlite":
        with reading(engine) as connection:
            said = str(connection.execute(text("PRAGMA quick_check")).scalar())
        if said != "ok":
            error = HamletError(f"{engine.url.database} is damaged: {said}")
            error.hint = "restore it from a backup"
            raise error
        with writing(engine):
            pass  # BEGIN IMMEDIATE: can it be written?
        return f"{engine.url.database} is whole and can be written (SQLite)"
    with reading(engine) as connection:
        return str(connection.execute(text("SELECT version()")).scalar()).split(" on ")[0]


def _migrations(settings: Settings) -> str:
    migrate.require_current(_existing(settings))
    return f"at version {migrate.head()}"


def _secret(settings: Settings) -> str:
    if settings.secret is None and not settings.secret_file.exists():
        error = HamletError(f"{settings.secret_file} does not exist yet")
        error.hint = "hamlet serve makes it; restore it if this database had keys already"
        raise error
    engine = _existing(settings)
    migrate.require_current(engine)
    Sites.opened(engine, settings)
    return "fits the database"


def _model(settings: Settings) -> str:
    model = load_classifier(settings)
    scores = model.scores([Comment(text="Thank you, that helped.")])[0]
    return (
        f"{model.name} is as it was trained; heads {', '.join(model.heads)}; spam score of a thank-you {scores[0]:.3f}"
    )


def _own_models(settings: Settings) -> str:
    """Whether the models that sites have promoted can serve; they are unpacked aside."""
    _secret(settings)
    engine = _existing(settings)
    own = [site for site in Sites.opened(engine, settings).all() if site.model is not None]
    with TemporaryDirectory() as folder:
        book = ModelBook(engine, Path(folder))
        for site in own:
            try:
                book.load(site.id, site.model or 0)
            except ArtifactError as error:
                trouble = HamletError(f"{site.name}/{site.model}: {error.why}; the base model serves in its place")
                trouble.hint = f"train again (hamlet train {site.name}), or go back: hamlet models rollback {site.name}"
                raise trouble from error
    return f"sites with one: {len(own):,}, all as they were trained" if own else "none: the base model serves all"


def _webhooks(settings: Settings) -> str:
    engine = _existing(settings)
    migrate.require_current(engine)
    kept = Webhooks(engine)
    found = kept.all()
    failing = [one for one in found if one.failures]
    if failing:
        said = "; ".join(
            f"{one.site}: {kept.waiting(one):,} decisions wait after {one.failures:,} failures: {one.last_error}"
            for one in failing
        )
        error = HamletError(said)
        error.hint = f"mend the receiver, then run: hamlet webhooks test {failing[0].site}"
        raise error
    return f"{len(found):,} set, none failing"
