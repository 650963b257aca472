"""People for tests: accounts are made in no time, since their passwords are hashed cheaply."""

from __future__ import annotations

import re

from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from api.wiring import Parts
from moderation.passwords import Passwords
from moderation.people import Role, User
from moderation.store import now_ms
from moderation.store.people import People

PASSWORD = "correct horse battery"
CHEAP = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


class Clock:
    """A clock that a test sets forward."""

    def __init__(self) -> None:
        self.now = now_ms()

    def __call__(self) -> int:
        return self.now

    def forward(self, **spans: float) -> None:
        """So many days, hours, minutes, seconds later."""
        lengths = {"days": 86_400_000, "hours": 3_600_000, "minutes": 60_000, "seconds": 1_000}
        self.now += sum(int(lengths[name] * count) for name, count in spans.items())


def make_people(engine: Engine, clock: Clock | None = None, secret: bytes = b"s" * 16) -> People:
    """People over a database, with cheap hashes."""
    return People(engine, secret, Passwords(CHEAP), clock or now_ms)


def make_owner(people: People, name: str = "ann") -> User:
    """The first owner, of all sites that exist."""
    token = people.first_token()
    assert token is not None
    return people.join(token, name, PASSWORD)


def make_member(people: People, site_id: int, role: Role, name: str) -> User:
    """Somebody who was invited to a site."""
    return people.join(people.invite(site_id, role, by="ann"), name, PASSWORD)


# -- In the dashboard


def with_people(app: Flask, *sites: str, clock: Clock | None = None) -> People:
    """The people of an application, with cheap hashes; makes sites, and Ann, who owns them."""
    parts: Parts = app.extensions["hamlet"]
    parts.people = make_people(parts.engine, clock, parts.sites.secret)
    for site in sites:
        parts.sites.create_site(site)
    make_owner(parts.people)
    return parts.people


def csrf_token(page: TestResponse) -> str:
    """The token that a page hands to its forms."""
    found = re.search(r'<meta name="csrf-token" content="([^"]+)">', page.text)
    assert found is not None, page.text
    return found[1]


def send(client: FlaskClient, path: str, page: str = "/dashboard/sign-in", **fields: str) -> TestResponse:
    """Send a form as a browser does: with the token of a page that was loaded before."""
    token = csrf_token(client.get(page, follow_redirects=True))
    return client.post(path, data={"csrf_token": token, **fields})


def signed_in(app: Flask, name: str = "ann", password: str = PASSWORD) -> FlaskClient:
    """A browser in which somebody has signed in."""
    client = app.test_client()
    answer = send(client, "/dashboard/sign-in", name=name, password=password)
    assert answer.status_code == 303, answer.text
    return client
