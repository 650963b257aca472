"""Puts the parts together once, when an application is made."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import cast

from flask import Flask, current_app
from sqlalchemy import Engine

from moderation import artifact
from moderation.check import Judging, Submission, check_comments
from moderation.classifier import Classifier
from moderation.delivery import Deliverer
from moderation.errors import HamletError, StoreUnavailable
from moderation.incumbent import Asking
from moderation.outgoing import Outside
from moderation.policy import make_policy
from moderation.review import ReviewQueue
from moderation.rules import RuleSet
from moderation.settings import Settings
from moderation.store import Checked, migrate
from moderation.store.callbacks import Callbacks
from moderation.store.clients import Clients
from moderation.store.database import open_database
from moderation.store.incumbents import Incumbents
from moderation.store.insights import InsightTables
from moderation.store.models import ModelBook
from moderation.store.people import People
from moderation.store.reviews import SqlReviews
from moderation.store.rules import RuleBook
from moderation.store.seen import SeenLists
from moderation.store.sites import Site, Sites
from moderation.store.sql import SqlStore
from moderation.store.webhooks import Webhooks
from moderation.together import Together

log = logging.getLogger(__name__)

EXTENSION = "hamlet"
UNREAD = -1
"""Stands for the number of a model that would not be read."""
MOST_TOGETHER = 64
"""Comments of different requests judged in one go; more would make the first wait."""


@dataclass(slots=True)
class Parts:
    """What the views work with."""

    settings: Settings
    engine: Engine
    store: SqlStore
    sites: Sites
    base: Classifier
    """The base model."""
    models: ModelBook
    check: Together[Submission, Checked]
    """Judge and keep; requests that meet share the work and the commit."""
    rules: RuleBook
    queue: ReviewQueue
    seen: SeenLists
    insights: InsightTables
    people: People
    webhooks: Webhooks
    deliverer: Deliverer
    callbacks: Callbacks
    clients: Clients
    asking: Asking
    troubles: dict[int, HamletError] = field(default_factory=dict)
    """Why the model that a site has promoted does not serve, by site."""
    _judging: dict[int, tuple[int, int | None, Judging]] = field(default_factory=dict)
    """By site, with the number of its change and of its model; one each, since a policy holds all rules of a site."""
    _making: Lock = field(default_factory=Lock)

    def judging(self, site: Site) -> Judging:
        """What the comments of a site are judged by, as it stands now: its model, and its policy with its rules."""
        number, _, judging = self._judging.get(site.id, (-1, None, None))
        if judging is None or number < site.policy_number:
            with self._making:  # Laying out ten thousand rules takes a moment: one thread does it, the others wait.
                number, model, judging = self._judging.get(site.id, (-1, None, None))
                if judging is None or number < site.policy_number:
                    known = judging.classifier if judging is not None and model == site.model else None
                    judging = self._make_judging(site, known, judging)
                    model = site.model if site.id not in self.troubles else UNREAD  # To be tried again.
                    self._judging[site.id] = site.policy_number, model, judging
        return judging

    def _make_judging(self, site: Site, known: Classifier | None, before: Judging | None) -> Judging:
        rules = RuleSet(self.rules.all(site.id))
        classifier = known or self._model(site, before.classifier if before is not None else self.base)

        def of(one: Classifier, under: Judging | None = None) -> Judging:
            policy = make_policy(one.manifest, site.choices, site.policy_number, rules=rules, forgiving=True)
            return Judging(one, policy, under)

        return of(classifier, of(self.base) if classifier.manifest.rejects_with_base else None)

    def _model(self, site: Site, otherwise: Classifier) -> Classifier:
        """The model a site has promoted; if that cannot be trusted, the one that served until now."""
        self.troubles.pop(site.id, None)
        if site.model is None:
            return self.base
        try:
            return self.models.load(site.id, site.model)
        except StoreUnavailable:
            raise  # Asked again with the next comment.
        except HamletError as error:
            log.warning("site %s: %s; %s serves on", site.name, error, otherwise.name)
            self.troubles[site.id] = error
            return otherwise


def open_engine(settings: Settings) -> Engine:
    """The database the settings name."""
    return open_database(
        settings.database, safe_from_power_loss=settings.durability == "power", pool_size=max(settings.threads, 2)
    )


def open_current(settings: Settings) -> tuple[Engine, Sites]:
    """The database, brought up to date, and its sites and keys; for commands that administer."""
    engine = open_engine(settings)
    migrate.upgrade(engine)
    return engine, Sites.opened(engine, settings)


def open_sites(settings: Settings) -> Sites:
    """Sites and keys alone."""
    return open_current(settings)[1]


def open_people(settings: Settings) -> tuple[People, Sites]:
    """People, and the sites on which they have roles."""
    engine, sites = open_current(settings)
    return People(engine, sites.secret), sites


def load_classifier(settings: Settings) -> Classifier:
    """The model the settings name, or the newest."""
    return Classifier.load(artifact.find(settings.models, settings.model))


def init_app(app: Flask, settings: Settings) -> None:
    """Open the database and the model; raises ``HamletError`` where one of them will not do."""
    engine = open_engine(settings)
    migrate.require_current(engine)
    app.extensions[EXTENSION] = make_parts(settings, engine)


def make_parts(settings: Settings, engine: Engine) -> Parts:
    """All parts over a database that is up to date."""
    sites = Sites.opened(engine, settings)
    store, classifier = SqlStore(engine), load_classifier(settings)
    judge_and_keep = partial(check_comments, store=store, secret=sites.secret)
    check = Together(judge_and_keep, most=MOST_TOGETHER)
    webhooks = Webhooks(engine)
    return Parts(
        settings,
        engine,
        store,
        sites,
        classifier,
        ModelBook(engine, settings.model_cache),
        check,
        RuleBook(engine),
        ReviewQueue(SqlReviews(engine)),
        SeenLists(engine),
        InsightTables(engine),
        People(engine, sites.secret),
        webhooks,
        Deliverer(webhooks, Outside(settings.webhook_hosts), sites.secret),
        Callbacks(engine, sites.secret),
        Clients(engine, sites.secret),
        Asking(Incumbents(engine, sites.secret), Outside(settings.webhook_hosts), engine),
    )


def parts() -> Parts:
    """The parts of the application that is answering."""
    return cast(Parts, current_app.extensions[EXTENSION])
