"""The dashboard: pages for the people who moderate. They sign in; sites, which call the API, carry keys."""

from __future__ import annotations

from flask import Blueprint, Flask, redirect, url_for
from werkzeug.wrappers import Response

from api.dashboard import audit, clients, comment, guard, health, insights, language, mail, model, queue, rules, sites
from api.dashboard.people import people_bp

bp = Blueprint("dashboard", __name__, url_prefix="/dashboard")
PARTS = (
    people_bp,
    queue.bp,
    comment.bp,
    comment.known_bp,
    rules.bp,
    insights.bp,
    sites.bp,
    model.bp,
    audit.bp,
    clients.bp,
    health.bp,
    mail.bp,
)
for part in PARTS:
    bp.register_blueprint(part)
guard.watch(bp)


@bp.get("/")
def home() -> Response:
    """Where people land who have signed in."""
    return redirect(url_for("dashboard.queue.show"), 303)


def init_app(app: Flask) -> None:
    """Add the pages, with their cookie and their languages."""
    guard.init_app(app)
    language.init_app(app)
    app.register_blueprint(bp)
