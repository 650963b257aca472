"""Puts the parts together once, when an application is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import cast

from flask import Flask, current_app
from sqlalchemy import Engine

from moderation import artifact
from moderation.check import Submission, check_comments
from moderation.classifier import Classifier
from moderation.policy import Policy, make_policy
from moderation.secret import load_secret
from moderation.settings import Settings
from moderation.store import Checked, migrate
from moderation.store.database import open_database
from moderation.store.sites import Site, Sites
from moderation.store.sql import SqlStore
from moderation.together import Together

EXTENSION = "hamlet"
MOST_TOGETHER = 64
"""Comments of different requests judged in one go; more would make the first wait."""


@dataclass(slots=True)
class Parts:
    """What the views work with."""

    settings: Settings
    engine: Engine
    store: SqlStore
    sites: Sites
    classifier: Classifier
    check: Together[Submission, Checked]
    """Judge and keep; requests that meet share the work and the commit."""
    _policies: dict[tuple[int, int], Policy] = field(default_factory=dict)

    def policy(self, site: Site) -> Policy:
        """The policy of a site as it stands now."""
        key = site.id, site.policy_number
        if key not in self._policies:
            self._policies[key] = make_policy(
                self.classifier.manifest, site.overrides, site.policy_number, forgiving=True
            )
        return self._policies[key]


def open_engine(settings: Settings) -> Engine:
    """The database the settings name."""
    return open_database(
        settings.database, safe_from_power_loss=settings.durability == "power", pool_size=max(settings.threads, 2)
    )


def open_sites(settings: Settings) -> Sites:
    """Sites and keys, with the database brought up to date; for commands that administer."""
    engine = open_engine(settings)
    migrate.upgrade(engine)
    return sites_in(engine, settings)


def sites_in(engine: Engine, settings: Settings) -> Sites:
    """Sites and keys of a database that is up to date; raises ``SchemaMismatch`` if its secret is another one."""
    sites = Sites(engine, load_secret(settings.secret, settings.secret_file))
    sites.check_secret()
    return sites


def load_classifier(settings: Settings) -> Classifier:
    """The model the settings name, or the newest."""
    return Classifier.load(artifact.find(settings.models, settings.model))


def init_app(app: Flask, settings: Settings) -> None:
    """Open the database and the model; raises ``HamletError`` where one of them will not do."""
    engine = open_engine(settings)
    migrate.require_current(engine)
    sites = sites_in(engine, settings)
    store, classifier = SqlStore(engine), load_classifier(settings)
    check = Together(partial(check_comments, classifier=classifier, store=store), most=MOST_TOGETHER)
    app.extensions[EXTENSION] = Parts(settings, engine, store, sites, classifier, check)


def parts() -> Parts:
    """The parts of the application that is answering."""
    return cast(Parts, current_app.extensions[EXTENSION])
