"""Whether the process lives, and whether it can do its work."""

from __future__ import annotations

from flask import Blueprint, Response, jsonify
from sqlalchemy import select

from api.wiring import parts
from moderation.store import migrate
from moderation.store.database import reading
from moderation.store.schema import sites

bp = Blueprint("health", __name__)


@bp.get("/healthz")
def alive() -> Response:
    """The process answers."""
    return jsonify(status="ok")


@bp.get("/readyz")
def ready() -> Response:
    """Database and model are there; a failure is the problem it would be for a comment."""
    found = parts()
    with reading(found.engine) as connection:
        connection.execute(select(sites.c.id).limit(1))
    migrate.require_current(found.engine)
    return jsonify(status="ready", model=found.base.name, database=found.engine.dialect.name)
