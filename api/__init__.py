"""The HTTP face of Hamlet: a Flask application that translates and does not decide."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from moderation.settings import Settings, load

if TYPE_CHECKING:
    from flask import Flask, Response

CSP = (
    "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def create_app(settings: Settings | None = None) -> Flask:
    """Make the application; without settings they are read from the environment, as a server's worker does."""
    # Here, since the commands live in this package, too: a process that only delivers needs none of it.
    from flask import Flask  # noqa: PLC0415

    from api import akismet, clients, dashboard, health, openapi, perspective, problems, v1, wiring  # noqa: PLC0415

    settings = settings or load(environment=os.environ)
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = settings.max_body
    app.json.sort_keys = False  # type: ignore[attr-defined]  # Flask's default provider has it.
    wiring.init_app(app, settings)
    problems.init_app(app)
    for blueprint in (v1.bp, akismet.bp, perspective.bp, health.bp, openapi.bp):
        app.register_blueprint(blueprint)
    dashboard.init_app(app)
    clients.init_app(app)
    app.after_request(_harden)
    return app


def _harden(response: Response) -> Response:
    headers = response.headers
    headers["X-Content-Type-Options"] = "nosniff"
    if response.mimetype == "text/html":
        headers.setdefault("Content-Security-Policy", CSP)  # The dashboard has one of its own.
        headers["Referrer-Policy"] = "no-referrer"
    return response
