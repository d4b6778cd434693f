"""Where Alembic enters: run the steps on the connection that `storage.migrate` opened."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import context

from storage import search_schema
from storage.mail import search_schema as mail_search
from storage.tables import metadata


def _render(kind: str, thing: Any, _: object) -> str | Literal[False]:
    """Write truth values in drafts as both engines understand them; SQLite's are numbers."""
    value = getattr(thing, "arg", None) if kind == "server_default" else None
    if isinstance(value, sa.sql.elements.True_ | sa.sql.elements.False_):
        return "sa.true()" if isinstance(value, sa.sql.elements.True_) else "sa.false()"
    return False


def _include(name: str | None, kind: str, _: object) -> bool:
    """Leave the word index out of drafts: `search_schema` makes it."""
    return not (kind in {"table", "index"} and (search_schema.is_ours(name) or mail_search.is_ours(name)))


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    # SQLite alters a table by rebuilding it: steps use `op.batch_alter_table`, on both engines.
    render_as_batch=True,
    render_item=_render,
    include_name=_include,
)
context.run_migrations()
