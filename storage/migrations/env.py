"""Where Alembic enters: run the steps on the connection that `storage.migrate` opened."""

from __future__ import annotations

from alembic import context

from storage.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by rebuilding it: steps use `op.batch_alter_table`, on both engines.
    render_as_batch=True,
    compare_server_default=False,
)
context.run_migrations()
