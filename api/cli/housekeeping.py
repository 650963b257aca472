"""Taking out of the database what is too old."""

from __future__ import annotations

from moderation.settings import Settings
from moderation.store import now_ms
from moderation.store.retention import Pruned, prune


def clean(settings: Settings) -> Pruned:
    """Do it once, here."""
    from api.wiring import open_engine
    from moderation.store.people import People
    from moderation.store.sites import Sites

    engine = open_engine(settings)
    try:
        sites = Sites.opened(engine, settings)
        People(engine, sites.secret).prune()
        return prune(engine, sites.all(), now_ms())
    finally:
        engine.dispose()
