"""Alembic's entry: migrate over the connection that ``moderation.store.migrate`` hands in."""

from alembic import context

from moderation.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,  # SQLite rebuilds tables that it cannot alter.
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
