"""Whether it is time to train a site's model again."""

from __future__ import annotations

from sqlalchemy import Engine, func, select

from moderation.past import HOUR
from moderation.store import now_ms
from moderation.store.database import reading
from moderation.store.labels import LabelTables
from moderation.store.schema import models
from moderation.store.sites import Site

LEAST = 20
"""Labels without which nothing is tried."""


def is_due(engine: Engine, site: Site, now: int | None = None) -> bool:
    """Whether so many labels, or some and so many hours, have come since the newest version as the site has chosen."""
    choices = site.choices
    if not choices.retrain_after and not choices.retrain_hours:
        return False
    now = now_ms() if now is None else now
    with reading(engine) as connection:
        made = select(func.max(models.c.created_at)).where(models.c.site_id == site.id)
        last = connection.execute(made).scalar_one() or 0
    new = LabelTables(engine).count(site.id, last + 1)
    if new < (LEAST if last == 0 else 1):
        return False
    by_count = bool(choices.retrain_after) and new >= choices.retrain_after
    by_time = bool(choices.retrain_hours) and now - last >= choices.retrain_hours * HOUR
    return by_count or by_time
