"""Facts about a database that are one value each: how far some work went, how far a count has come."""

from __future__ import annotations

from sqlalchemy import Connection, select

from moderation.store.database import insert_into
from moderation.store.schema import facts


def fact(connection: Connection, name: str) -> str | None:
    """A fact; None if it was never noted."""
    return connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar_one_or_none()


def set_fact(connection: Connection, name: str, value: str) -> None:
    """Note a fact, in place of what it was."""
    statement = insert_into(connection.engine, facts).values(name=name, value=value)
    new = {"value": statement.excluded.value}
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_=new))
