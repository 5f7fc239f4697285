"""Alembic's entry for this database: runs inside the connection that `migrate` opened."""

from alembic import context

from services.store.migrations import render_item
from services.store.tables import everything

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=everything.KEYS,
    compare_type=True,
    render_item=render_item,
    include_object=context.config.attributes.get("include_object"),
)
with context.begin_transaction():
    context.run_migrations()
