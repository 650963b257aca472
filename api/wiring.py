"""Puts the parts together once, when an application is made."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import cast

from flask import Flask, current_app
from sqlalchemy import Engine

from moderation import artifact
from moderation.check import Submission, check_comments
from moderation.classifier import Classifier
from moderation.delivery import Deliverer
from moderation.outgoing import Outside
from moderation.policy import Policy, make_policy
from moderation.review import ReviewQueue
from moderation.rules import RuleSet
from moderation.settings import Settings
from moderation.store import Checked, migrate
from moderation.store.database import open_database
from moderation.store.insights import InsightTables
from moderation.store.people import People
from moderation.store.reviews import SqlReviews
from moderation.store.rules import RuleBook
from moderation.store.seen import SeenLists
from moderation.store.sites import Site, Sites
from moderation.store.sql import SqlStore
from moderation.store.webhooks import Webhooks
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
    rules: RuleBook
    queue: ReviewQueue
    seen: SeenLists
    insights: InsightTables
    people: People
    webhooks: Webhooks
    deliverer: Deliverer
    _policies: dict[int, tuple[int, Policy]] = field(default_factory=dict)
    """By site, with the number of its change; one each, since a policy holds all rules of its site."""
    _making: Lock = field(default_factory=Lock)

    def policy(self, site: Site) -> Policy:
        """The policy of a site as it stands now, with its rules."""
        number, policy = self._policies.get(site.id, (-1, None))
        if policy is None or number < site.policy_number:
            with self._making:  # Laying out ten thousand rules takes a moment: one thread does it, the others wait.
                number, policy = self._policies.get(site.id, (-1, None))
                if policy is None or number < site.policy_number:
                    policy = self._make_policy(site)
                    self._policies[site.id] = site.policy_number, policy
        return policy

    def _make_policy(self, site: Site) -> Policy:
        rules = RuleSet(self.rules.all(site.id))
        return make_policy(self.classifier.manifest, site.choices, site.policy_number, rules=rules, forgiving=True)


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
    sites = Sites.opened(engine, settings)
    store, classifier = SqlStore(engine), load_classifier(settings)
    judge_and_keep = partial(check_comments, classifier=classifier, store=store, secret=sites.secret)
    check = Together(judge_and_keep, most=MOST_TOGETHER)
    webhooks = Webhooks(engine)
    app.extensions[EXTENSION] = Parts(
        settings,
        engine,
        store,
        sites,
        classifier,
        check,
        RuleBook(engine),
        ReviewQueue(SqlReviews(engine)),
        SeenLists(engine),
        InsightTables(engine),
        People(engine, sites.secret),
        webhooks,
        Deliverer(webhooks, Outside(settings.webhook_hosts), sites.secret),
    )


def parts() -> Parts:
    """The parts of the application that is answering."""
    return cast(Parts, current_app.extensions[EXTENSION])
